"""Claims about how fast barcodes of clouds converge (Barannikov et al. 2020, Barcodes as summary, §4.1.2)."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import OURS, SUMMARY
from lossbars.experiments.convergence.config import Convergence
from lossbars.experiments.convergence.fits import comparable, means, slope, standard_error, upper_half
from lossbars.plots.tables import span
from lossbars.workflow.claims_results import Results, measured
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

PUBLISHED = "convergence"  # the experiment that the paper has
UNDECIDED_SLOPE = "undecided: the interval has both −1/D and 0"
NAMES = {"alpine01": "Alpine01", "schwefel26": "Schwefel26", "xin_she_yang04": "XinSheYang04"}


@dataclass(frozen=True)
class ConvergenceResults(Results[Convergence]):
    """The distances of one experiment on convergence."""

    distances: pd.DataFrame  # a row per pair of clouds; may be empty

    def pairs(self, function: str, dim: int | None = None) -> pd.DataFrame:
        """The pairs of one function, of one dimension where it is given; may be empty."""
        table = self.distances
        if table.empty:
            return table
        return table[(table["function"] == function) & ((table["dim"] == dim) | (dim is None))]


def results(work: Work[ClaimsSettings[Convergence]]) -> ConvergenceResults:
    """The table of all distances."""
    return ConvergenceResults(work.settings, work.table("distances"))


def slope_is(results: ConvergenceResults, function: str, dim: int) -> Finding:
    """Whether −1/D lies in the interval of the slope; undecided where a slope of 0 does too."""
    every = results.pairs(function, dim)
    pairs = comparable(every) if len(every) else every
    if pairs.empty or pairs["n"].nunique() < 2:
        return unmeasured(f"pairs of clouds of two sizes, of {function} with D = {dim}")
    rows = means(pairs)
    fitted, low, high = slope(rows["n"].to_numpy(dtype=np.float64), rows["distance"].to_numpy())
    sizes = rows["n"].tail(upper_half(len(rows)))
    interval = f" [{number(low, 3)}, {number(high, 3)}]" if np.isfinite(low) else ""
    within, flat = low <= -1 / dim <= high, high >= 0
    verdict = UNDECIDED_SLOPE if within and flat else HOLDS if within else FAILS
    detail = f"slope of the mean distances (L∞) at {len(sizes)} sizes, N = {sizes.min():.3g} to {sizes.max():.3g}"
    detail += "; in brackets its 95 % interval" if interval else "; two sizes have no interval"
    missing = len(every) - len(pairs)
    detail += f"; {missing} pairs with unequal numbers of components are left out" if missing else ""
    return Finding(f"{number(fitted, 3)}{interval}", results.qualified(verdict), detail)


def truth_not_underestimated(results: ConvergenceResults, function: str) -> Finding:
    """Whether the two clouds of a pair are as far apart as they are from the exact barcode, at the largest size.

    It fails where in some dimension the truth is further by more than two standard errors of the mean difference,
    and holds where it is further in none.
    """
    known = results.pairs(function)
    if len(known):
        known = comparable(known)[lambda pairs: pairs["truth_one"].notna()]
    if known.empty:
        return unmeasured(f"pairs of clouds and the exact barcode of {function}")
    texts, further, surely = [], False, False
    for dim, pairs in known.groupby("dim"):
        last = pairs[pairs["n"] == pairs["n"].max()]
        truth = last[["truth_one", "truth_other"]].mean(axis=1)
        off = truth - last["distance"]
        further |= off.mean() > 0
        surely |= len(off) > 1 and off.mean() > 2 * standard_error(off)
        n = f"N = {last['n'].iloc[0]:.3g}, {len(last)} pairs"
        texts.append(f"D = {dim}: {number(last['distance'].mean(), 3)} against {number(truth.mean(), 3)} ({n})")
    verdict = FAILS if surely else UNDECIDED if further else HOLDS
    detail = "mean L∞ distances: between two clouds, against to the exact barcode"
    return Finding("; ".join(texts), results.qualified(verdict), detail)


CLAIMS: Claims = [
    *[
        judged_by(
            partial(slope_is, function=function, dim=dim),
            f"slope-{function.replace('_', '-')}-{dim}",
            f"log distance ~ −(1/D) log N for large N: {name}, D = {dim}.",
            f"{SUMMARY}, §4.1.2, fig. 6",
            f"−{1 / dim:.3f}",
        )
        for function, name in NAMES.items()
        for dim in (3, 4, 5, 6)
    ],
    *[
        judged_by(
            partial(truth_not_underestimated, function=function),
            f"truth-{function.replace('_', '-')}",
            f"The distance of two clouds' barcodes does not underestimate that to the exact one: {NAMES[function]}.",
            f"{OURS}: {SUMMARY}, §4.1.2, equation 4, measures pairs only",
        )
        for function in ("alpine01", "schwefel26")  # the exact barcode of the third is unknown
    ],
]


def claims(experiment: str, config: Convergence) -> Claims:  # noqa: ARG001
    """All claims, of every experiment on convergence."""
    return CLAIMS


def kept(experiment: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows of the experiment that the paper has; of others those that were measured."""
    return rows if experiment == PUBLISHED else measured(rows)


def budget(results: ConvergenceResults) -> str:
    """Pairs and sizes in one line."""
    return f"{results.config.pairs} pairs of clouds of each size, {span(results.config.sizes, ',')} points"
