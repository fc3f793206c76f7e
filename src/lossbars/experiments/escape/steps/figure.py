"""Draw one figure of an experiment on escape."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lossbars.experiments.escape.figures.polynomials import escape_polynomials
from lossbars.experiments.escape.figures.rates import escape_rates
from lossbars.experiments.escape.figures.regimes import escape_regimes
from lossbars.experiments.escape.figures.steps import escape_steps
from lossbars.experiments.escape.figures.trajectories import escape_trajectories
from lossbars.plots.style import save
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import read_models


def escape_figure(job: Job, table: Path, trajectories: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    runs = read_table(table, job.expects["escape_table"])
    save(_draw(job, runs, read_models(trajectories, job, "escape_trajectories")), pdf, svg, mark(job))


def _draw(job: Job, runs: pd.DataFrame, trajectories: pd.DataFrame) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "polynomials":
            return escape_polynomials(runs, labels, title)
        case "rates":
            return escape_rates(runs, labels, title)
        case "regimes":
            return escape_regimes(trajectories, labels, title)
        case "trajectories":
            return escape_trajectories(trajectories, labels, title)
        case "steps":
            return escape_steps(runs, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(escape_figure)
