"""The distances of all models and sizes of an experiment in one table."""

from pathlib import Path

from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_models


def distances(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per pair of clouds: model, and the columns of :mod:`.steps.cloud_pairs`."""
    write_table(out, read_models(tables, job, "cloud_pairs"), job)


if __name__ == "__main__":
    run(distances)
