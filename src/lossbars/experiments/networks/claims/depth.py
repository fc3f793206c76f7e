"""Whether barcodes fall as networks get deeper (Barannikov et al. 2022, §4.1)."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import Check, Claim, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V1, V3
from lossbars.claims.verdicts import falls
from lossbars.experiments.networks.claims.results import Results, finite, in_figure, maxima_of, reported, unmeasured
from lossbars.plots.bars import to_score

Measure = Callable[[pd.DataFrame], float]  # of the finite bars of one barcode


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
    bars = {model: finite(results.bars, model, "direct") for _, model in models}
    if len(set(depths)) < 2 or any(rows.empty for rows in bars.values()):
        return unmeasured("finite bars at two depths or more")
    values = [measure(rows) for rows in bars.values()]
    spreads, words = zip(*(subset_spread(results.robustness, model, measure) for model in bars), strict=True)
    texts = {
        model: f"{number(value)}{f' ± {number(spread, 2)}' if spread else ''} (n = {len(rows)} bars)"
        for (model, rows), value, spread in zip(bars.items(), values, spreads, strict=True)
    }
    verdict = falls(values, spreads, depths)
    detail = f"{_fall_in_words(depths, values, spreads)}; ± and spread: {words[0]}"
    return results.of_bars(texts, verdict, detail)


def subset_spread(robustness: pd.DataFrame, model: str, measure: Measure) -> tuple[float, str]:
    """Standard deviation of ``measure`` over subsets of the model's minima (0 without them), and what they are.

    Of the sizes there are, the nearest to half: the deviation over halves of a sample estimates the standard error
    of the full sample's value (the delete-half jackknife), over smaller subsets it is larger, over larger smaller.
    """
    rows = robustness[robustness["model"] == model]
    if rows.empty:
        return 0.0, "unknown, no subsets of minima were asked for"
    half = rows["minimum"].nunique() / 2
    size = min(rows["size"].unique(), key=lambda size: (abs(size - half), size))
    chosen = finite(rows[rows["size"] == size], model, "direct")
    values = np.array([measure(bars) for _, bars in chosen.groupby("subset")])
    if len(values) < 2:
        return 0.0, "unknown, there is one subset of minima"
    return float(values.std(ddof=1)), f"std over {len(values)} subsets of {size} minima"


def _fall_in_words(depths: list[int], values: list[float], spreads: tuple[float, ...]) -> str:
    change = values[-1] - values[0]
    spread = math.hypot(spreads[0], spreads[-1])
    ratio = f", {number(abs(change) / spread, 2)} times its spread" if spread else ""
    move = f"{'rises' if change > 0 else 'falls'} by {number(abs(change), 3)}"
    steps = zip(depths, depths[1:], np.diff(values), strict=False)
    rises = [f"{start} to {end}" for start, end, step in steps if step >= 0 and end > start]
    where = f"; no fall from {' and '.join(rises)} layers" if rises else ""
    correlation = f"Spearman rank correlation with depth {spearman(depths, values)}"
    return f"{correlation}; from {depths[0]} to {depths[-1]} layers {move}{ratio}{where}"


def spearman(x: Any, y: Any) -> str:
    """Rank correlation, as text; ``undefined`` where one side is constant."""
    ranks = [pd.Series(values).rank().to_numpy() for values in (x, y)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return "undefined"
    return f"{np.corrcoef(*ranks)[0, 1]:+.2f}".replace("-", "−")


def curve_maxima(results: Results) -> Finding:
    """Mean ± std of the maxima of the optimised curves of each depth."""
    maxima = maxima_of(results.curves)
    texts = {model: mean_and_std(maxima[model], " curves") for _, model in results.by_depth() if model in maxima}
    return reported(results.each(texts), "± is the std over the curves")


def _falls(name: str, statement: str, figure: int, measure: Measure) -> tuple[Claim, Check]:
    source = f"{V3}, §4.1, fig. {figure}; {V1}, §2.1, fig. {figure}"
    return in_figure(name, statement, source, partial(falls_with_depth, measure=measure))


DEPTH: Claims = [
    _falls("depth-to-score", "The TO-score (√2, direct) falls with the number of hidden layers.", 3, to_score),
    _falls("depth-length", "Bars get shorter as depth grows (mean length of the finite direct bars).", 2, mean_length),
    _falls("depth-death", "Bars get lower as depth grows (mean death of the finite direct bars).", 2, mean_death),
    in_figure(
        "curve-maxima",
        "Mean and std of the maxima of the optimised curves (published for 2, 3 and 4 layers).",
        f"{V3}, appendix E, fig. 18; {V1}, appendix H, fig. 13",
        curve_maxima,
    ),
]
