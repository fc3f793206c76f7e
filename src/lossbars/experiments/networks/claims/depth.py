"""Whether barcodes fall as networks get deeper (Barannikov et al. 2022, §4.1)."""

import math
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import UNMEASURED, Check, Claim, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V1, V3
from lossbars.claims.verdicts import falls
from lossbars.experiments.networks.claims.results import Results, barcode_of, in_figure, maxima_of, reported, unmeasured
from lossbars.experiments.networks.uncertainty import Measure, Uncertainty, uncertainty
from lossbars.plots.bars import finite, to_score


def mean_length(bars: pd.DataFrame) -> float:
    """Mean of death − birth of the bars that end."""
    bars = finite(bars)
    return float((bars["death"] - bars["birth"]).mean())


def mean_death(bars: pd.DataFrame) -> float:
    """Mean height of the saddles."""
    return float(finite(bars)["death"].mean())


def falls_with_depth(results: Results, measure: Measure) -> Finding:
    """Whether ``measure`` of the direct barcode falls at every step to a deeper network."""
    models = results.by_depth()
    depths = [depth for depth, _ in models]
    bars = {model: barcode_of(results.bars, model, "direct") for _, model in models}
    counts = {model: len(finite(rows)) for model, rows in bars.items()}
    if len(set(depths)) < 2 or not all(counts.values()):
        return unmeasured("finite bars at two depths or more")
    values = [measure(rows) for rows in bars.values()]
    spreads = [uncertainty(results.robustness, model, measure) for model in bars]
    texts = {
        model: f"{number(value)}{spread.text} (n = {counts[model]} bars)"
        for model, value, spread in zip(bars, values, spreads, strict=True)
    }
    if math.inf in values:
        return Finding(results.each(texts), UNMEASURED, "this needs curves that join all minima of each network")
    errors = [spread.error for spread in spreads]
    detail = f"{_fall_in_words(depths, values, errors)}; ± and spread: {_kinds(spreads)}"
    return results.of_bars(texts, falls(values, errors, depths), detail)


def _kinds(spreads: list[Uncertainty]) -> str:
    """What the uncertainties are, in words, each once."""
    return ", or ".join(dict.fromkeys(spread.kind for spread in spreads))


def _fall_in_words(depths: list[int], values: list[float], spreads: list[float]) -> str:
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
