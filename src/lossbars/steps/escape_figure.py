"""Draw one figure of an experiment on escape."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lossbars import figures
from lossbars.artefacts import read_table
from lossbars.documents import mark
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models


def escape_figure(job: Job, table: Path, trajectories: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    runs = read_table(table, job.expects["escape_table"])
    figures.save(_draw(job, runs, read_models(trajectories, job, "escape_trajectories")), pdf, svg, mark(job))


def _draw(job: Job, runs: pd.DataFrame, trajectories: pd.DataFrame) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "polynomials":
            return figures.escape_polynomials(runs, labels, title)
        case "rates":
            return figures.escape_rates(runs, labels, title)
        case "regimes":
            return figures.escape_regimes(trajectories, labels, title)
        case "trajectories":
            return figures.escape_trajectories(trajectories, labels, title)
        case "steps":
            return figures.escape_steps(runs, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(escape_figure)
