"""Draw one figure of an experiment on functions."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lossbars import figures
from lossbars.artefacts import read_table
from lossbars.documents import mark
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models
from lossbars.tiny_findings import published_tops


def function_figure(job: Job, table: list[Path], surfaces: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    key = job.expects.get("bars") or job.expects.get("distances")
    shown = read_table(table[0], key) if table else pd.DataFrame()
    figures.save(_draw(job, shown, read_models(surfaces, job, "surface")), pdf, svg, mark(job))


def _draw(job: Job, table: pd.DataFrame, surfaces: pd.DataFrame) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "surface":
            return figures.surface(surfaces, labels, title)
        case "pairs":
            return figures.pairs(surfaces, table, labels, title)
        case "sublevel-bars":
            return figures.sublevel_bars(table, labels, title)
        case "tiny-bars":
            return figures.tiny_bars(table, labels, title, published_tops(job.recipe["models"]))
        case "bridge":
            return figures.bridge(table, labels, title)
        case "components":
            return figures.components(table, labels, title, *job.recipe["axis"])
        case "convergence":
            return figures.convergence(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(function_figure)
