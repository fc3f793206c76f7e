"""Checks of the tables that figures draw, and numbers that several figures read off a table."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from lossbars.seeding import group_of

CONVENTIONS = {
    "direct": "direct bars of the given minima: a bar ends at the best single curve to a lower minimum",
    "merged": "merged bars of the given minima: a bar ends at the best path, through any minima, to a lower one",
    "merged-closed": "merged bars of all minima, given and found: a bar ends at the best path, through any minima, to "
    "a lower one",
    "merged-certified": "merged bars of the given minima, polished: a bar ends at the best path, through any minima, "
    "over saddles to a lower one",
    "merged-closed-certified": "merged bars of all minima, given and found, polished: a bar ends at the best path, "
    "through any minima, over saddles to a lower one",
    "direct-modulo-permutations": "direct bars of the given minima modulo permutations of units: a bar ends at the "
    "best single curve to a lower minimum, with its units in any order",
    "merged-modulo-permutations": "merged bars of the given minima modulo permutations of units: a bar ends at the "
    "best path, through any minima with their units in any order, to a lower one",
}


def explain(convention: str) -> str:
    """What ends a bar, in words for a figure; ValueError for an unknown convention."""
    if convention not in CONVENTIONS:
        raise ValueError(f"convention {convention!r} is none of {', '.join(CONVENTIONS)}")
    return CONVENTIONS[convention]


def per_model(
    table: pd.DataFrame, labels: dict[str, str], columns: tuple[str, ...], name: str, **where: object
) -> dict[str, pd.DataFrame]:
    """The rows of each model of ``labels``, in that order, for which every column of ``where`` has its value.

    ValueError where a column is absent, the table or ``labels`` is empty, a model has no such row, or a number
    is NaN (or infinite, which only a death may be): nothing is left out of a figure in silence.
    """
    if absent := [column for column in columns if column not in table.columns]:
        raise ValueError(f"table {name!r} lacks the column {', '.join(absent)}")
    if table.empty:
        raise ValueError(f"table {name!r} is empty")
    if not labels:
        raise ValueError(f"no model is named to draw from table {name!r}")
    tables = {}
    for model in labels:
        keep = table["model"] == model
        for column, value in where.items():
            keep &= table[column] == value
        if not keep.any():
            what = "".join(f", {column} {value}" for column, value in where.items())
            raise ValueError(f"table {name!r} has no row for model {model!r}{what}")
        tables[model] = table[keep].reset_index(drop=True)
        _check_numbers(tables[model], columns, f"table {name!r}, model {model!r}")
    return tables


def _check_numbers(rows: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    for column in columns:
        if not pd.api.types.is_numeric_dtype(rows[column]):
            continue
        values = rows[column].to_numpy(dtype=np.float64)
        if np.isnan(values).any() or (column != "death" and np.isinf(values).any()):
            raise ValueError(f"{where}: a {column} is not finite")


def span(numbers: Iterable[int], form: str = "") -> str:
    """``9`` for [9, 9], ``4 to 9`` for [4, 7, 9]; ``form`` is the format of a number."""
    low, *others = sorted(set(numbers))
    return f"{low:{form}} to {others[-1]:{form}}" if others else f"{low:{form}}"


def lowest(table: pd.DataFrame, corners: list[str]) -> pd.DataFrame:
    """The curve of each pair, or the triangle of each triple, of several that a model has, with the lowest maximum."""
    if "by" not in table.columns or table["by"].nunique() < 2:
        return table
    largest = table.groupby(["model", *corners, "by"], sort=False)["objective"].max().reset_index()
    best = largest.loc[
        largest.groupby(["model", *corners], sort=False)["objective"].idxmin(), ["model", *corners, "by"]
    ]
    return table.merge(best, on=["model", *corners, "by"])


def by_recipe(
    table: pd.DataFrame, labels: dict[str, str], recipes: Mapping[str, dict[str, str]]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows with a name of its own in place of the model for each of its recipes, and what figures call these.

    ``recipes`` are model → kind → what figures call it. Names come in the order of ``labels`` and ``recipes``; models
    and recipes without rows are left out, and a model with one recipe keeps its name.
    """
    parts: list[pd.DataFrame] = []
    named: dict[str, str] = {}
    for model, label in labels.items():
        rows = table[table["model"] == model]
        present = [kind for kind in recipes[model] if (rows["by"] == kind).any()]
        for kind in present:
            several = len(present) > 1
            key = f"{model}-{kind}" if several else model
            named[key] = f"{label}, {recipes[model][kind]}" if several else label
            parts.append(rows[rows["by"] == kind].assign(model=key))
    return pd.concat(parts, ignore_index=True), named


def by_group(
    bars: pd.DataFrame, labels: dict[str, str], groups: Mapping[str, list[str]]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """A model of its own of each group of a model's minima; ``groups`` names them, in the order of their seeds."""
    number = bars["born_at"].str.partition("+")[0].astype(int).map(group_of)
    grouped = bars["model"].map(lambda model: bool(groups[model]))
    divided = bars.assign(model=np.where(grouped, bars["model"] + "-" + number.astype(str), bars["model"]))
    named: dict[str, str] = {}
    for model, label in labels.items():
        named |= {f"{model}-{i}": f"{label}\n{text}" for i, text in enumerate(groups[model])} or {model: label}
    return divided, named
