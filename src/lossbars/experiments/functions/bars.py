"""The bars of all clouds and curves of an experiment on functions in one table."""

import pandas as pd

from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

FIRST = ["model", "source", "seed", "birth", "death", "size"]
LAST = ["n", "components", "sampling", "low", "high", "threshold", "dropped"]


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per bar: FIRST, the places x0, …, s0, … of its minimum and of its saddle, and LAST.

    Models with clouds come first, each with its curves, then those that have curves alone.
    """
    parts = [work.tables("clouds").assign(source="cloud")] if work.files("clouds") else []
    parts += [work.tables("optimised")] if work.files("optimised") else []
    table = pd.concat(parts, ignore_index=True)
    models = pd.Categorical(table["model"], table["model"].unique())
    table = table.iloc[models.codes.argsort(kind="stable")]
    axes = range(sum(name[0] == "x" and name[1:].isdigit() for name in table))
    places = [f"{letter}{axis}" for letter in "xs" for axis in axes]
    return table[FIRST + places + LAST]
