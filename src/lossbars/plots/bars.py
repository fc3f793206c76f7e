"""Tables of bars as figures and claims read them: lengths, finite bars, groups of equal ones."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from lossbars.barcodes import barcode
from lossbars.barcodes.barcode import DIVISOR, Metric

SHARE = 0.01  # bars no longer than this part of the longest finite one count as noise of the sampling


def lengths(bars: pd.DataFrame) -> Float[np.ndarray, " b"]:
    """death − birth; inf for a half-line."""
    return (bars["death"] - bars["birth"]).to_numpy(dtype=np.float64)


def finite(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars that end."""
    return bars[np.isfinite(bars["death"])]


def longest(bars: pd.DataFrame) -> float:
    """Length of the longest finite bar; 0 without any."""
    return barcode.longest(bars[["birth", "death"]].to_numpy(dtype=np.float64))


def to_score(bars: pd.DataFrame, metric: Metric = "sqrt2") -> float:
    """TO-score of one barcode, as :meth:`lossbars.barcodes.barcode.Barcode.to_score`; 0 where no bar is finite."""
    return longest(bars) / DIVISOR[metric]


def grouped(bars: pd.DataFrame) -> list[pd.DataFrame]:
    """The bars by birth, in groups whose births and whose deaths differ by no more than ``SHARE`` of the longest."""
    width = SHARE * longest(bars)
    groups = []
    for births in _runs(bars.sort_values("birth"), "birth", width):
        groups += _runs(births.sort_values("death", ascending=False), "death", width)
    return groups


def _runs(rows: pd.DataFrame, column: str, width: float) -> list[pd.DataFrame]:
    """Sorted rows, cut wherever one is further than ``width`` from the first of its run."""
    starts = [0]
    values = rows[column].to_numpy()
    for i in range(1, len(rows)):
        first = values[starts[-1]]
        if values[i] != first and not abs(values[i] - first) <= width:
            starts.append(i)
    return [rows.iloc[start:end] for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]
