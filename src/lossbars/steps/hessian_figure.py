"""Draw one figure of an experiment on Hessians."""

from pathlib import Path

from matplotlib.figure import Figure

from lossbars import figures
from lossbars.artefacts import made_by
from lossbars.documents import mark
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models


def hessian_figure(job: Job, tables: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    figures.save(_draw(job, tables), pdf, svg, mark(job))


def _draw(job: Job, tables: list[Path]) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    table = read_models(tables, job, made_by(tables[0]).kind)
    match job.recipe["figure"]:
        case "spectra":
            return figures.hessian_spectra(table, labels, title)
        case "index-energy":
            return figures.index_energy(table, labels, title)
        case "critical-energy":
            return figures.critical_energy(table, labels, title)
        case "net-spectrum":
            return figures.net_spectrum(table, labels, title)
        case "null-space":
            return figures.null_space(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(hessian_figure)
