"""The deaths of all models of an experiment in one table."""

from pathlib import Path

from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_models


def saddle_table(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per bar: model, and the columns of :mod:`lossbars.experiments.saddles.steps.deaths`."""
    write_table(out, read_models(tables, job, "saddle_deaths"), job)


if __name__ == "__main__":
    run(saddle_table)
