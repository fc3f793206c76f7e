"""Draw one figure of an experiment on Hessians."""

from pathlib import Path

from matplotlib.figure import Figure

from lossbars.experiments.hessian.figures.critical_energy import critical_energy
from lossbars.experiments.hessian.figures.index_energy import index_energy
from lossbars.experiments.hessian.figures.net_spectrum import net_spectrum
from lossbars.experiments.hessian.figures.null_space import null_space
from lossbars.experiments.hessian.figures.spectra import hessian_spectra
from lossbars.plots.style import save
from lossbars.workflow.artefacts import made_by
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import read_models


def hessian_figure(job: Job, tables: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    save(_draw(job, tables), pdf, svg, mark(job))


def _draw(job: Job, tables: list[Path]) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    table = read_models(tables, job, made_by(tables[0]).kind)
    match job.recipe["figure"]:
        case "spectra":
            return hessian_spectra(table, labels, title)
        case "index-energy":
            return index_energy(table, labels, title)
        case "critical-energy":
            return critical_energy(table, labels, title)
        case "net-spectrum":
            return net_spectrum(table, labels, title)
        case "null-space":
            return null_space(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(hessian_figure)
