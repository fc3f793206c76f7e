"""The answers of all models of an experiment in one table."""

from pathlib import Path

from lossbars.artefacts import write_table
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models


def string_table(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per model, pair and threshold: model, and the columns of :mod:`lossbars.steps.strings`."""
    write_table(out, read_models(tables, job, "strings"), job)


if __name__ == "__main__":
    run(string_table)
