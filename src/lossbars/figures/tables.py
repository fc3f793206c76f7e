"""What the figures ask of their tables, and the numbers that several of them read off a table."""

import math

import numpy as np
import pandas as pd

CONVENTIONS = {
    "direct": "direct bars: a bar ends at the best single curve to a lower minimum",
    "merged": "merged bars: a bar ends at the best path, through any minima, to a lower one",
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


def longest_over_root2(bars: pd.DataFrame) -> float:
    """TO-score (loss-barcode.txt, definition 3 and equation 5): the longest finite bar over √2; 0 without any."""
    lengths = (bars["death"] - bars["birth"])[np.isfinite(bars["death"])]
    return float(lengths.max()) / math.sqrt(2) if len(lengths) else 0.0


def span(numbers: list[int]) -> str:
    """``9`` for [9, 9], ``4 to 9`` for [4, 7, 9]."""
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
