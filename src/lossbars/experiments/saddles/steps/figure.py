"""Draw one figure of an experiment on path optimisers."""

from pathlib import Path

from matplotlib.figure import Figure

from lossbars.experiments.saddles.figures.death_error import death_error
from lossbars.experiments.saddles.figures.insertion import insertion
from lossbars.plots.style import save
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import read_models


def saddle_figure(
    job: Job, table: list[Path], insertions: list[Path], surfaces: list[Path], pdf: Path, svg: Path
) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    save(_draw(job, table, insertions, surfaces), pdf, svg, mark(job))


def _draw(job: Job, table: list[Path], insertions: list[Path], surfaces: list[Path]) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "death-error":
            return death_error(read_table(table[0], job.expects["saddle_table"]), labels, title)
        case "insertion":
            stages = read_models(insertions, job, "saddle_insertion")
            return insertion(stages, read_models(surfaces, job, "surface"), labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(saddle_figure)
