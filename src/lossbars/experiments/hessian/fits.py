"""Index of critical points against their energy: numbers for figures and claims.

A row of ``searches`` is a search, as :mod:`lossbars.experiments.hessian.steps.critical` writes it; all are of one model
and one τ.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

SMALL = 0.1  # α up to which the law of small indices is fitted
POWER = 1.5
FEWEST = 4  # indices that a fit needs


@dataclass(frozen=True)
class IndexLaw:
    """α = scale · (ε − critical)^power, by least squares of ε on α^(1/power): it is ε that varies."""

    critical: float  # ε_c
    error: float  # its standard error
    scale: float  # α0
    power: float
    off: float  # root of the mean square of what is left of ε
    points: int  # indices that it was fitted to


def by_index(searches: pd.DataFrame) -> pd.DataFrame:
    """A row per index of the critical points, ascending: alpha, energy (mean), spread (its std), count."""
    groups = searches[searches["accepted"]].groupby("index")
    table = groups.agg(
        alpha=("alpha", "first"), energy=("energy", "mean"), spread=("energy", "std"), count=("energy", "size")
    )
    return table.reset_index().fillna({"spread": 0.0})


def fits(rows: pd.DataFrame) -> bool:
    """Whether a law can be fitted to rows of :func:`by_index`: four small indices are there."""
    return int((rows["alpha"] <= SMALL).sum()) >= FEWEST


def index_law(rows: pd.DataFrame, power: float = POWER) -> IndexLaw:
    """Fit to the mean energies of :func:`by_index` with α up to SMALL, each index weighing as many as it has.

    Raises ValueError where fewer than four indices are there.
    """
    small = rows[rows["alpha"] <= SMALL]
    if not fits(rows):
        raise ValueError(f"critical points of {len(small)} indices with α ≤ {SMALL}, a fit needs {FEWEST}: state more")
    x, y = small["alpha"].to_numpy() ** (1 / power), small["energy"].to_numpy()
    weight = small["count"].to_numpy(dtype=np.float64)
    (slope, intercept), covariance = np.polyfit(x, y, 1, w=np.sqrt(weight), cov=True)
    off = np.sqrt(np.average((y - slope * x - intercept) ** 2, weights=weight))
    scale = float(slope) ** -power if slope > 0 else np.inf
    return IndexLaw(float(intercept), float(np.sqrt(covariance[1, 1])), scale, power, float(off), len(small))


def minimal_energy(searches: pd.DataFrame) -> tuple[float, float, int]:
    """Mean, standard deviation and number of the energies of accepted minima; NaN where there are none."""
    rows = by_index(searches)
    minima = rows[rows["index"] == 0]
    if minima.empty:
        return np.nan, np.nan, 0
    return float(minima["energy"].iloc[0]), float(minima["spread"].iloc[0]), int(minima["count"].iloc[0])


def smooth_prediction(tau: float) -> float:
    """½(1 − τ)² up to τ = 1 (Tanner's lecture, figure 6b)."""
    return max(0.0, 1 - tau) ** 2 / 2


def linear_prediction(tau: float) -> float:
    """½(1 − τ) up to τ = 1 (Tanner's lecture, figure 6b)."""
    return max(0.0, 1 - tau) / 2


def linear_minimum(tau: float) -> float:
    """½(1 − n/m), n/m = τ/2: a linear net of full width fits targets like a least-squares map, of rank n in m samples.

    Exact in the mean over standard normal samples.
    """
    return max(0.0, 1 - tau / 2) / 2
