"""How fast the barcodes of clouds converge: numbers for the figure and the claims.

Barannikov et al. 2020, Barcodes as summary, §4.1.2.

A row of ``distances`` is a pair of clouds of n points: model, function, dim, n, pair, their L∞ bottleneck distance, and
the distances of each to the exact barcode and of that to a barcode without finite bars (NaN where none is known).
"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

FEWEST = 3  # sizes: two points lie on a line whatever they are


def slope(n: Float[np.ndarray, " m"], distance: Float[np.ndarray, " m"]) -> tuple[float, float, float]:
    """Slope of log distance on log n, and its 95 % interval, over the upper half of the sizes (three at least).

    ``n`` may have a size many times, as one for each pair: their mean distance is fitted, as in the paper's equation 4.
    Least squares with Student's interval, whose residuals are the departures from a straight line: each mean is of as
    many pairs. Of two sizes the interval is infinite. ValueError for one size and for a distance without logarithm.
    """
    means = pd.Series(np.asarray(distance, dtype=np.float64)).groupby(np.asarray(n)).mean().sort_index()
    if len(means) < 2:
        raise ValueError(
            f"a slope needs distances at two sizes or more, there {'is' if len(means) else 'are'} {len(means)}"
        )
    if not (np.isfinite(means) & (means > 0)).all():
        raise ValueError("a slope needs finite, positive distances: one of them has no logarithm")
    upper = means.iloc[-upper_half(len(means)) :]
    fit = stats.linregress(np.log(upper.index.to_numpy(dtype=np.float64)), np.log(upper.to_numpy()))
    freedom = len(upper) - 2
    reach = stats.t.ppf(0.975, freedom) * fit.stderr if freedom else np.inf
    return float(fit.slope), float(fit.slope - reach), float(fit.slope + reach)


def upper_half(sizes: int) -> int:
    """Number of sizes that are fitted: half of all, rounded up, and at least three where there are three."""
    return max(-(-sizes // 2), min(sizes, FEWEST))


def comparable(distances: pd.DataFrame) -> pd.DataFrame:
    """The pairs at a finite distance: barcodes with unequal numbers of half-lines (components) are at none."""
    return distances[np.isfinite(distances["distance"])]


def means(distances: pd.DataFrame) -> pd.DataFrame:
    """A row per size of one model: n, ``pairs`` at a finite distance, and means with standard errors over them.

    Columns distance, truth (of both clouds of each pair) and empty, each with ``…_error``; NaN where unknown.
    """
    rows = []
    for n, pairs in comparable(distances).groupby("n"):
        truth = pairs[["truth_one", "truth_other"]].mean(axis=1)
        row = {"n": n, "pairs": len(pairs)}
        for name, values in (("distance", pairs["distance"]), ("truth", truth), ("empty", pairs["empty"])):
            row |= {name: values.mean(), f"{name}_error": standard_error(values)}
        rows.append(row)
    return pd.DataFrame(rows)


def standard_error(values: pd.Series) -> float:
    """Standard error of the mean; 0 for a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
