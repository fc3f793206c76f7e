"""Smallest escaping learning rates against lengths of bars, and steps to escape: numbers for figures and claims.

A row of ``runs`` is a run, as :mod:`lossbars.experiments.escape.steps.runs` writes it, with a column ``model`` before.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

LEVEL = 0.975  # both tails leave 5 %


@dataclass(frozen=True)
class Line:
    """Least squares of rate on bar, over the means of each bar; intervals are Student's, of 95 %."""

    slope: float
    slope_reach: float  # half of the interval
    intercept: float
    r_squared: float
    quadratic_t: float  # t-value of a quadratic term more; the line is curved where it exceeds quadratic_limit
    quadratic_limit: float
    departure: float  # the largest, as a share of the range of rates

    @property
    def curved(self) -> bool:
        """Whether a quadratic term is significant."""
        return abs(self.quadratic_t) > self.quadratic_limit


def smallest(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """A row per bar of one model: bar, rate (mean over starts), spread (their standard deviation), starts, threshold.

    Starts that no rate of the grid lets escape are left out; ``missing`` counts them.
    """
    searches = runs[(runs["model"] == model) & (runs["search"] == "smallest")]
    rows = []
    for bar, starts in searches.groupby("bar"):
        rates = starts["rate"].dropna()
        row = {"bar": bar, "rate": rates.mean(), "spread": rates.std(ddof=1) if len(rates) > 1 else 0.0}
        row |= {"starts": len(rates), "missing": len(starts) - len(rates)}
        rows.append(row | {"threshold": starts["threshold"].iloc[0], "relapses": starts["relapses"].mean()})
    return pd.DataFrame(rows)


def line(bar: Float[np.ndarray, " m"], rate: Float[np.ndarray, " m"]) -> Line:
    """The straight line through m bars. Raises ValueError for fewer than four: a quadratic has three coefficients."""
    if len(bar) < 4 or not np.isfinite(rate).all():
        raise ValueError(f"a line needs finite rates of four bars or more, not {int(np.isfinite(rate).sum())}")
    fit = stats.linregress(bar, rate)
    reach = stats.t.ppf(LEVEL, len(bar) - 2)
    off = np.abs(rate - fit.intercept - fit.slope * bar).max() / (np.ptp(rate) or 1.0)
    return Line(
        float(fit.slope),
        float(reach * fit.stderr),
        float(fit.intercept),
        float(fit.rvalue**2),
        _quadratic_t(bar, rate),
        float(stats.t.ppf(LEVEL, len(bar) - 3)),
        float(off),
    )


def _quadratic_t(bar: Float[np.ndarray, " m"], rate: Float[np.ndarray, " m"]) -> float:
    unit = (bar - bar.mean()) / np.ptp(bar)
    design = np.vander(unit, 3)
    fitted, *_ = np.linalg.lstsq(design, rate, rcond=None)
    residual = rate - design @ fitted
    variance = residual @ residual / (len(bar) - 3) * np.linalg.inv(design.T @ design)[0, 0]
    rounding = 100 * np.finfo(np.float64).eps * np.abs(rate).max()
    return float(fitted[0] / np.sqrt(variance)) if np.sqrt(variance) > rounding else 0.0


def band(
    fit: Line, bar: Float[np.ndarray, " m"], rate: Float[np.ndarray, " m"], x: Float[np.ndarray, " g"]
) -> Float[np.ndarray, " g"]:
    """Half of the width of the 95 % interval of the mean at places x, (g,)."""
    freedom = len(bar) - 2
    scatter = np.sqrt(((rate - fit.intercept - fit.slope * bar) ** 2).sum() / freedom)
    lever = 1 / len(bar) + (x - bar.mean()) ** 2 / ((bar - bar.mean()) ** 2).sum()
    reach: Float[np.ndarray, " g"] = stats.t.ppf(LEVEL, freedom) * scatter * np.sqrt(lever)
    return reach


# Regimes and steps -------------------------------------------------------------------------------


def grid(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """The runs of one model on the grid of rates, in order of bar, start and rate."""
    return runs[(runs["model"] == model) & (runs["search"] == "grid")].sort_values(["bar", "start", "rate"])


def in_order(runs: pd.DataFrame) -> float:
    """Share of bars and starts that, as the rate grows, converge, then oscillate, then cross the saddle, all three."""
    phase = np.where(runs["steps"] > 0, 2, np.where(runs["outcome"] == "oscillates", 1, 0))
    phase = np.where(runs["outcome"] == "diverges", 2, phase)
    several = pd.Series(phase, index=runs.index).groupby([runs["bar"], runs["start"]])
    return float(np.mean([set(phases) == {0, 1, 2} and bool((np.diff(phases) >= 0).all()) for _, phases in several]))


def reaching(runs: pd.DataFrame) -> float:
    """Share of the runs over the saddle that converge to the global minimum; NaN where there is none."""
    over = runs[runs["steps"] > 0]
    return float((over["outcome"] == "escapes").mean()) if len(over) else float("nan")


@dataclass(frozen=True)
class Steps:
    """How steps to escape depend on the rate: medians, NaN where nothing escapes at three rates."""

    r_squared: float  # of a straight line through the steps of one bar and start
    rank: float  # rank correlation with the rate, of one bar and start
    spread: float  # standard deviation over starts, as a share of their mean, at one bar and rate


def steps_to_escape(runs: pd.DataFrame) -> Steps:
    """How steps depend on the rate, over the runs of one model that cross the saddle.

    Where steps never change, the line explains all of them: R² is 1."""
    over = runs[runs["steps"] > 0]
    lines, ranks = [], []
    for _, escapes in over.groupby(["bar", "start"]):
        if len(escapes) < 3:
            continue
        rate, steps = escapes["rate"].to_numpy(), escapes["steps"].to_numpy(dtype=np.float64)
        varied = bool(np.ptp(steps) > 0)
        lines.append(float(stats.linregress(rate, steps).rvalue ** 2) if varied else 1.0)
        ranks.append(float(stats.spearmanr(rate, steps).statistic) if varied else 0.0)
    several = over.groupby(["bar", "rate"])["steps"]
    spreads = (several.std() / several.mean()).dropna()
    return Steps(*(float(np.median(values)) if len(values) else float("nan") for values in (lines, ranks, spreads)))


def typical_start(runs: pd.DataFrame) -> int:
    """The start whose steps to escape, summed over bars and rates, are in the middle."""
    sums = runs.groupby("start")["steps"].sum().sort_values(kind="stable")
    return int(sums.index[len(sums) // 2])
