"""Lengths and beads of strings against the threshold: numbers for figures and claims.

A row of ``answers`` is a pair at a threshold, as :mod:`lossbars.experiments.strings.steps.strings` writes it, with a
column ``model``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

CONNECTED = "connected"
NEAR = 1.1  # a mean normalised length up to this is near 1
FEWEST = 3  # points of a fit


@dataclass(frozen=True)
class PowerLaw:
    """value ≈ factor · threshold^exponent, by least squares of the logarithms."""

    exponent: float
    error: float  # standard, of the exponent
    factor: float
    r_squared: float

    def at(self, thresholds: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The fitted values."""
        return np.asarray(self.factor * thresholds**self.exponent)


def levels(answers: pd.DataFrame, model: str) -> pd.DataFrame:
    """A row per threshold of one model, falling: its pairs, connected ones, and mean and std over these.

    Columns: threshold, pairs, connected, length, length_std, beads, beads_std; NaN where no pair is connected, and a
    std of 0 where a single one is. A pair that is not tried, because it failed at a higher threshold, is not connected.
    """
    rows = []
    tried = answers[answers["model"] == model]
    for threshold, table in tried.groupby("threshold", sort=False):
        there = table[table["answer"] == CONNECTED]
        row = {"threshold": threshold, "pairs": tried["pair"].nunique(), "connected": len(there)}
        for name in ("length", "beads"):
            spread = there[name].std(ddof=1) if len(there) > 1 else 0.0
            row |= {name: there[name].mean(), f"{name}_std": spread if len(there) else np.nan}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("threshold", ascending=False, ignore_index=True)


def knee(table: pd.DataFrame) -> float:
    """The lowest threshold down to which every mean length is near 1; NaN where the highest is not."""
    near = (table["length"] <= NEAR).cummin()
    return float(table["threshold"][near].min()) if near.any() else float("nan")


def below(table: pd.DataFrame) -> pd.DataFrame:
    """Thresholds below the knee, where pairs are connected."""
    end = knee(table)
    return table[(table["connected"] > 0) & ((table["threshold"] < end) | np.isnan(end))]


def power_law(thresholds: Float[np.ndarray, " m"], values: Float[np.ndarray, " m"]) -> PowerLaw | None:
    """The power law through m points; None for fewer than three positive ones, or values that are all the same."""
    kept = values > 0
    if kept.sum() < FEWEST or np.ptp(values[kept]) == 0:
        return None
    fit = stats.linregress(np.log(thresholds[kept]), np.log(values[kept]))
    return PowerLaw(float(fit.slope), float(fit.stderr), float(np.exp(fit.intercept)), float(fit.rvalue**2))


def law_of(table: pd.DataFrame, name: str) -> PowerLaw | None:
    """The power law of the means below the knee: of ``length``, or of the number of ``beads``."""
    rows = below(table)
    return power_law(rows["threshold"].to_numpy(dtype=np.float64), rows[name].to_numpy(dtype=np.float64))


def spike(table: pd.DataFrame) -> tuple[float, float] | None:
    """Threshold and mean length of the first peak as the threshold falls, higher than what is before and after it.

    By more than the standard error of the means' difference, against the highest before it and the lowest after it,
    before the length is as high again. None where there is none.
    """
    rows = table[table["connected"] > 0].reset_index(drop=True)
    mean = rows["length"].to_numpy(dtype=np.float64)
    error = (rows["length_std"] / np.sqrt(rows["connected"])).to_numpy(dtype=np.float64)
    for i in range(1, len(rows) - 1):
        higher = np.flatnonzero(mean[i + 1 :] >= mean[i])
        after = np.arange(i + 1, i + 1 + (higher[0] if len(higher) else len(mean) - i - 1))
        if not len(after) or mean[i] <= mean[:i].max():
            continue
        least, most = after[mean[after].argmin()], int(mean[:i].argmax())
        if all(mean[i] - mean[j] > np.hypot(error[i], error[j]) for j in (least, most)):
            return float(rows["threshold"][i]), float(mean[i])
    return None


def steepest(table: pd.DataFrame) -> tuple[float, float]:
    """Threshold and mean length after the steepest rise of the length as the threshold falls by a factor."""
    rows = table[table["connected"] > 0].reset_index(drop=True)
    rises = rows["length"].diff() / -np.log(rows["threshold"]).diff()
    place = int(rises.fillna(0.0).argmax())
    return float(rows["threshold"][place]), float(rows["length"][place])
