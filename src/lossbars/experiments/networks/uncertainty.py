"""The uncertainty of a TO-score, or of another number of a barcode: the standard error over the sample of minima."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from lossbars.claims.claim import number

Measure = Callable[[pd.DataFrame], float]  # of the bars of one barcode, half-lines among them


class Uncertainty(NamedTuple):
    """A standard error in units of the loss, 0 where it is not known, and in words what it is or why it is unknown."""

    error: float
    kind: str

    @property
    def text(self) -> str:
        """`` ± .01``; empty where the error is not known."""
        return f" ± {number(self.error, 2)}" if self.error else ""


def uncertainty(robustness: pd.DataFrame, model: str, measure: Measure, convention: str = "direct") -> Uncertainty:
    """The standard error of ``measure`` of the barcode of all minima of a model, by the delete-d jackknife.

    ``robustness`` has the bars of subsets of the minima. Of the n minima the subsets of the size r nearest to n/2 are
    used, all of them or a random sample: the error is the root of r / (n − r) times the mean squared deviation over
    these subsets (Shao and Wu 1989, A general theory for jackknife variance estimation). A TO-score is the longest of
    several bars, no smooth function of the sample, for which leaving out one minimum at a time does not give a
    consistent error, while leaving out a share of them does.
    """
    rows = robustness[robustness["model"] == model]
    rows = rows[rows["convention"] == convention] if len(rows) else rows  # an empty table may lack the column
    if rows.empty:
        return Uncertainty(0.0, "unknown, no subsets of minima were asked for")
    n = int(rows["minimum"].nunique())
    sizes = [int(size) for size in rows["size"].unique() if size < n]
    if not sizes:
        return Uncertainty(0.0, "unknown, there is one subset of minima")
    size = min(sizes, key=lambda size: (abs(size - n / 2), size))
    subsets = rows[rows["size"] == size].groupby("subset")
    values = np.array([measure(bars) for _, bars in subsets], dtype=np.float64)
    if not np.isfinite(values).all():
        return Uncertainty(0.0, f"unknown, in some of {len(values)} subsets no curves join all minima")
    error = math.sqrt(size / (n - size)) * float(values.std())
    return Uncertainty(error, f"jackknife standard error over minima ({len(values)} subsets of {size} of {n})")
