"""Whether barcodes fall as networks get deeper (Barannikov et al., Loss barcode, §4.1)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Finding, mean_and_std, number
from lossbars.claims.verdicts import fall_verdict
from lossbars.experiments.networks.claims.generic import DIVISOR, Results, each, finite, longest, maxima_of

Measure = Callable[[pd.DataFrame], float]  # of the finite bars of one barcode


def to_score(bars: pd.DataFrame) -> float:
    """TO-score in the metric that the papers state (loss-barcode.txt, definition 3)."""
    return longest(bars) / DIVISOR["sqrt2"]


def mean_length(bars: pd.DataFrame) -> float:
    """Mean of death − birth."""
    return float((bars["death"] - bars["birth"]).mean())


def mean_death(bars: pd.DataFrame) -> float:
    """Mean height of the saddles."""
    return float(bars["death"].mean())


def falls_with_depth(results: Results, measure: Measure) -> Finding:
    """Whether ``measure`` of the direct barcode falls at every step to a deeper network."""
    models = results.by_depth()
    depths = [depth for depth, _ in models]
    bars = [finite(results.bars, model, "direct") for _, model in models]
    if len(set(depths)) < 2 or any(own.empty for own in bars):
        return Finding("—", UNMEASURED, "this needs finite bars at two depths or more")
    values = np.array([measure(own) for own in bars])
    found = [subset_spread(results.robustness, model, measure) for _, model in models]
    spreads = np.array([spread for spread, _ in found])
    texts = {
        model: f"{number(value)}{f' ± {number(spread, 2)}' if spread else ''} (n = {len(own)} bars)"
        for (_, model), value, spread, own in zip(models, values, spreads, bars, strict=True)
    }
    verdict = fall_verdict(np.array(depths), values, spreads)
    detail = f"{_fall(depths, values, spreads)}; ± and spread: {found[0][1]}"
    return Finding(each(results, texts), results.qualified(verdict), detail)


def subset_spread(robustness: pd.DataFrame, model: str, measure: Measure) -> tuple[float, str]:
    """Standard deviation of ``measure`` over subsets of the model's minima (0 without them), and what they are.

    Of the sizes there are, the nearest to half: the deviation over halves of a sample estimates the standard error
    of the whole sample's value (the delete-half jackknife), over smaller subsets it is larger, over larger smaller.
    """
    own = robustness[robustness["model"] == model]
    if own.empty:
        return 0.0, "unknown, no subsets of minima were asked for"
    sizes = own["size"].unique()
    half = own["minimum"].nunique() / 2
    size = min(sizes, key=lambda s: (abs(s - half), s))
    chosen = finite(own[own["size"] == size], model, "direct")
    values = np.array([measure(bars) for _, bars in chosen.groupby("subset")])
    if len(values) < 2:
        return 0.0, "unknown, there is one subset of minima"
    return float(values.std(ddof=1)), f"std over {len(values)} subsets of {size} minima"


def _fall(depths: list[int], values: np.ndarray, spreads: np.ndarray) -> str:
    change = values[-1] - values[0]
    spread = math.hypot(spreads[0], spreads[-1])
    ratio = f", {number(abs(change) / spread, 2)} times its spread" if spread else ""
    move = f"{'rises' if change > 0 else 'falls'} by {number(abs(change), 3)}"
    rises = [
        f"{a} to {b}" for a, b, step in zip(depths, depths[1:], np.diff(values), strict=False) if step >= 0 and b > a
    ]
    where = f"; no fall from {' and '.join(rises)} layers" if rises else ""
    correlation = f"Spearman rank correlation with depth {spearman(depths, values)}"
    return f"{correlation}; from {depths[0]} to {depths[-1]} layers {move}{ratio}{where}"


def spearman(one: Any, other: Any) -> str:
    """Rank correlation, as text; ``undefined`` where one side is constant."""
    ranks = [pd.Series(values).rank().to_numpy() for values in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return "undefined"
    return f"{np.corrcoef(*ranks)[0, 1]:+.2f}".replace("-", "−")


def curve_maxima(results: Results) -> Finding:
    """Mean ± std of the maxima of the optimised curves of each depth."""
    maxima = maxima_of(results.curves[results.curves["kind"] == "curve"], ["a", "b"])
    texts = {model: mean_and_std(maxima[model], " curves") for _, model in results.by_depth() if model in maxima}
    return Finding(each(results, texts) or "—", NO_NUMBER if texts else UNMEASURED, "± is the std over the curves")
