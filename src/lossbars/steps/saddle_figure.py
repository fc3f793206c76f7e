"""Draw one figure of an experiment on path optimisers."""

from pathlib import Path

from matplotlib.figure import Figure

from lossbars import figures
from lossbars.artefacts import read_table
from lossbars.documents import mark
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models


def saddle_figure(
    job: Job, table: list[Path], insertions: list[Path], surfaces: list[Path], pdf: Path, svg: Path
) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    figures.save(_draw(job, table, insertions, surfaces), pdf, svg, mark(job))


def _draw(job: Job, table: list[Path], insertions: list[Path], surfaces: list[Path]) -> Figure:
    labels, title = job.recipe["labels"], job.recipe["title"]
    match job.recipe["figure"]:
        case "death-error":
            return figures.death_error(read_table(table[0], job.expects["saddle_table"]), labels, title)
        case "insertion":
            stages = read_models(insertions, job, "saddle_insertion")
            return figures.insertion(stages, read_models(surfaces, job, "surface"), labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


if __name__ == "__main__":
    run(saddle_figure)
