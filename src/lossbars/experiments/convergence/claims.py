"""Claims about how fast barcodes of clouds converge (function-barcodes.txt, section 4.1.2)."""

from functools import partial

import numpy as np
import pandas as pd

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNDECIDED, UNMEASURED, Claim, Finding, number
from lossbars.claims.results import Check, Claims, FunctionResults
from lossbars.experiments.convergence.fits import comparable, means, slope, standard_error, upper_half
from lossbars.experiments.functions.claims.results import OURS, PAPER

UNDECIDED_SLOPE = "undecided: the interval has both −1/D and 0"
NAMES = {"alpine01": "Alpine01", "schwefel26": "Schwefel26", "xin_she_yang04": "XinSheYang04"}


def _pairs(results: FunctionResults, function: str, dim: int | None = None) -> pd.DataFrame:
    """The pairs of one function, at a finite distance; may be empty."""
    table = results.distances
    if table.empty:
        return table
    own = table[(table["function"] == function) & ((table["dim"] == dim) | (dim is None))]
    return comparable(own)


def slope_is(results: FunctionResults, function: str, dim: int) -> Finding:
    """Whether −1/D lies in the interval of the slope; undecided where a slope of 0 does too."""
    own = _pairs(results, function, dim)
    if own.empty or own["n"].nunique() < 2:
        return Finding("—", UNMEASURED, f"this needs pairs of clouds of two sizes, of {function} with D = {dim}")
    rows = means(own)
    fitted, low, high = slope(rows["n"].to_numpy(), rows["distance"].to_numpy())
    sizes = rows["n"].tail(upper_half(len(rows)))
    interval = f" [{number(low, 3)}, {number(high, 3)}]" if np.isfinite(low) else ""
    within, flat = low <= -1 / dim <= high, high >= 0
    verdict = UNDECIDED_SLOPE if within and flat else HOLDS if within else FAILS
    whole = "" if results.whole or verdict == UNDECIDED_SLOPE else AT_BUDGET
    detail = f"slope of the mean distances (L∞) at {len(sizes)} sizes, N = {sizes.min():.3g} to {sizes.max():.3g}"
    detail += "; in brackets its 95 % interval" if interval else "; two sizes have no interval"
    missing = len(results.distances[_of(results.distances, function, dim)]) - len(own)
    detail += f"; {missing} pairs with unequal numbers of components are left out" if missing else ""
    return Finding(f"{number(fitted, 3)}{interval}", verdict + whole, detail)


def _of(table: pd.DataFrame, function: str, dim: int) -> pd.Series:
    return (table["function"] == function) & (table["dim"] == dim)


def truth_not_underestimated(results: FunctionResults, function: str) -> Finding:
    """Whether the two clouds of a pair are as far apart as they are from the exact barcode, at the largest size.

    It fails where in some dimension the truth is further by more than two standard errors of the mean difference,
    and holds where it is further in none.
    """
    own = _pairs(results, function)
    own = own[own["truth_one"].notna()] if len(own) else own
    if own.empty:
        return Finding("—", UNMEASURED, f"this needs pairs of clouds and the exact barcode of {function}")
    texts, further, surely = [], False, False
    for dim, pairs in own.groupby("dim"):
        last = pairs[pairs["n"] == pairs["n"].max()]
        truth = last[["truth_one", "truth_other"]].mean(axis=1)
        off = truth - last["distance"]
        further |= off.mean() > 0
        surely |= len(off) > 1 and off.mean() > 2 * standard_error(off)
        n = f"N = {last['n'].iloc[0]:.3g}, {len(last)} pairs"
        texts.append(f"D = {dim}: {number(last['distance'].mean(), 3)} against {number(truth.mean(), 3)} ({n})")
    verdict = FAILS if surely else UNDECIDED if further else HOLDS
    budget = "" if results.whole or verdict == UNDECIDED else AT_BUDGET
    return Finding(
        "; ".join(texts), verdict + budget, "mean L∞ distances: between two clouds, against to the exact barcode"
    )


def _slope_claim(function: str, dim: int) -> tuple[Claim, Check]:
    claim = Claim(
        f"slope-{function.replace('_', '-')}-{dim}",
        f"log distance ~ −(1/D) log N for large N: {NAMES[function]}, D = {dim}.",
        f"{PAPER}, §4.1.2, fig. 6",
        f"−{1 / dim:.3f}",
    )
    return claim, partial(slope_is, function=function, dim=dim)


def _truth_claim(function: str) -> tuple[Claim, Check]:
    claim = Claim(
        f"truth-{function.replace('_', '-')}",
        f"The distance of two clouds' barcodes does not underestimate that to the exact one: {NAMES[function]}.",
        f"{OURS}: {PAPER}, §4.1.2, equation 4, measures pairs only",
    )
    return claim, partial(truth_not_underestimated, function=function)


CONVERGENCE_CLAIMS: Claims = [
    *[_slope_claim(function, dim) for function in NAMES for dim in (3, 4, 5, 6)],
    *[_truth_claim(function) for function in ("alpine01", "schwefel26")],  # the exact barcode of the third is unknown
]
