"""Draw one figure of an experiment on functions."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lossbars.experiments.convergence.figure import convergence
from lossbars.experiments.functions.claims.tiny_networks import published_tops
from lossbars.experiments.functions.figures.bridge import bridge
from lossbars.experiments.functions.figures.pairs import pairs
from lossbars.experiments.functions.figures.sublevel_bars import sublevel_bars
from lossbars.experiments.functions.figures.surface import surface
from lossbars.experiments.functions.figures.tiny_bars import tiny_bars
from lossbars.plots.components import components
from lossbars.plots.style import save
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import read_models


def function_figure(job: Job, table: list[Path], surfaces: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    key = job.expects.get("bars") or job.expects.get("distances")
    shown = read_table(table[0], key) if table else pd.DataFrame()
    save(_draw(job, shown, read_models(surfaces, job, "surface")), pdf, svg, mark(job))


def _draw(job: Job, table: pd.DataFrame, surfaces: pd.DataFrame) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "surface":
            return surface(surfaces, labels, title)
        case "pairs":
            return pairs(surfaces, table, labels, title)
        case "sublevel-bars":
            return sublevel_bars(table, labels, title)
        case "tiny-bars":
            return tiny_bars(table, labels, title, published_tops(job.recipe["models"]))
        case "bridge":
            return bridge(table, labels, title)
        case "components":
            return components(table, labels, title, *job.recipe["axis"])
        case "convergence":
            return convergence(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(function_figure)
