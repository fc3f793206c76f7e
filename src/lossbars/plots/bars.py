"""Tables of bars as figures and claims read them: lengths, finite bars, groups of equal ones."""

import math

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from lossbars.barcodes import barcode
from lossbars.barcodes.barcode import Metric
from lossbars.barcodes.measured import SADDLE

SHARE = 0.01  # bars no longer than this part of the longest finite one count as noise of the sampling


RESOLVED = 0.1  # up to this share of a bar's length the residues of its ends are small


def lengths(bars: pd.DataFrame) -> Float[np.ndarray, " b"]:
    """death − birth; inf for a half-line."""
    return (bars["death"] - bars["birth"]).to_numpy(dtype=np.float64)


def finite(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars that end."""
    return bars[np.isfinite(bars["death"])]


def unresolved(bars: pd.DataFrame) -> Bool[np.ndarray, " b"]:
    """Which bars have ends that are not known to have converged: their residues are not small against their length.

    A residue is by how much the second half of an optimisation lowered an end. Half-lines have one end. Of bars in
    tables without residues, which are computed otherwise, none is unresolved.
    """
    if not {"birth_residue", "death_residue"} <= set(bars):
        return np.zeros(len(bars), dtype=bool)
    ends = np.isfinite(bars["death"].to_numpy(dtype=np.float64))
    residue = bars["birth_residue"].to_numpy(dtype=np.float64)
    residue = residue + np.where(ends, bars["death_residue"].to_numpy(dtype=np.float64), 0.0)
    return np.where(ends, ~(residue <= RESOLVED * lengths(bars)), np.isnan(residue))


def certified(bars: pd.DataFrame) -> Bool[np.ndarray, " b"]:
    """Which bars die at a certified saddle; none of tables that do not say what bars die on."""
    return (bars["dies_on"] == SADDLE).to_numpy() if "dies_on" in bars else np.zeros(len(bars), dtype=bool)


def longest(bars: pd.DataFrame) -> float:
    """Length of the longest finite bar; 0 without any."""
    return barcode.longest(bars[["birth", "death"]].to_numpy(dtype=np.float64))


def to_score(bars: pd.DataFrame, metric: Metric = "sqrt2", dim: int = 0) -> float:
    """TO-score of the bars of one barcode and one dimension: :func:`lossbars.barcodes.barcode.to_score`.

    Half-lines must be among the bars: more than one of dimension 0, or any of another, make it infinite.
    """
    return barcode.to_score(bars[["birth", "death"]].to_numpy(dtype=np.float64), metric, dim)


def score_text(score: float) -> str:
    """A TO-score under a barcode: three digits, or ∞."""
    return f"TO {score:.3g}" if math.isfinite(score) else "TO ∞"


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
