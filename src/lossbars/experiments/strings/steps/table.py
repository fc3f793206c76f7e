"""The answers of all models of an experiment in one table."""

from pathlib import Path

from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_models


def string_table(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per model, pair and threshold: model, and the columns of :mod:`.steps.strings`."""
    write_table(out, read_models(tables, job, "strings"), job)


if __name__ == "__main__":
    run(string_table)
