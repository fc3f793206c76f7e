"""The bars of all clouds and curves of an experiment on functions in one table."""

from pathlib import Path

import pandas as pd

from lossbars.workflow.artefacts import made_by, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_models

FIRST = ["model", "source", "seed", "birth", "death", "size"]
LAST = ["n", "components", "sampling", "low", "high", "threshold", "dropped"]


def bars(job: Job, clouds: list[Path], optimised: list[Path], out: Path) -> None:
    """Write a row per bar: FIRST, the places x0, …, s0, … of minimum and saddle, and LAST; model after model."""
    found = [read_models(clouds, job, "cloud").assign(source="cloud")] if clouds else []
    if optimised:
        found.append(read_models(optimised, job, "optimised"))
    order = {made_by(path).model: None for path in (*clouds, *optimised)}
    table = pd.concat(found, ignore_index=True)
    model = pd.Categorical(table["model"], list(order))
    table = table.iloc[model.codes.argsort(kind="stable")]
    axes = range(sum(name[0] == "x" and name[1:].isdigit() for name in table))
    places = [f"{letter}{axis}" for letter in "xs" for axis in axes]
    write_table(out, table[FIRST + places + LAST], job)


if __name__ == "__main__":
    run(bars)
