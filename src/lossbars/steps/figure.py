"""Draw one figure of an experiment."""

from pathlib import Path

from matplotlib.figure import Figure

from lossbars import figures
from lossbars.artefacts import read_table
from lossbars.documents import mark
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.tables import read_models


def figure(
    job: Job, bars: Path, curves: list[Path], triangles: list[Path], robustness: list[Path], pdf: Path, svg: Path
) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    figures.save(_draw(job, bars, curves, triangles, robustness), pdf, svg, mark(job))


def _draw(job: Job, bars: Path, curves: list[Path], triangles: list[Path], robustness: list[Path]) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    table = read_table(bars, job.expects["tables"])
    match job.recipe["figure"]:
        case "barcodes":
            return figures.barcodes(table, labels, title)
        case "to-score":
            spread = read_models(robustness, job, "robustness") if robustness else None
            minima = table[(table.dim == 0) & (table.convention == "direct")].groupby("model").size().min()
            if spread is not None and spread["size"].min() >= minima:  # two minima have no smaller set with a bar
                spread = None
            return figures.to_score(table, spread, labels, title)
        case "profiles":
            return figures.profiles(read_models(curves, job, "curves"), labels, title)
        case "triangle":
            surfaces = read_models(triangles, job, "triangles")
            return figures.triangle(surfaces, {m: labels[m] for m in labels if m in set(surfaces.model)}, title)
        case "robustness":
            return figures.robustness(read_models(robustness, job, "robustness"), labels, title)
        case "persistence":
            return figures.persistence(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(figure)
