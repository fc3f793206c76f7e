"""Claims about the barcodes of tiny networks (function-barcodes.txt, section 4.2).

Where the curves were optimised, their merged bars count (the paper's section 4.2.1); else those of the clouds, whose
clusters are large: in many dimensions the sampling makes long bars of single points.
"""

from functools import partial
from typing import Any

import numpy as np

from lossbars.claims.claim import (
    AT_BUDGET,
    DIFFERS,
    FAILS,
    HOLDS,
    IN_INTERVAL,
    INCOMPARABLE,
    UNMEASURED,
    Claim,
    Finding,
    number,
)
from lossbars.claims.results import Check, Claims, FunctionResults, judged
from lossbars.claims.verdicts import fall_verdict
from lossbars.experiments.functions.bars import LARGE, large, significant
from lossbars.experiments.functions.claims.results import PAPER, one_component
from lossbars.plots.bars import finite

PUBLISHED_TOPS = {
    (2,): (0.55, 0.65),
    (2, 2): (0.35, 0.45),
    (2, 2, 2): (0.1, 0.3),
}  # hidden units → upper bounds of bars
BY_DEPTH = list(PUBLISHED_TOPS)
LOWEST = 0.01  # of the range of values: the paper's saddles below 1 in a range of 200 are half of it
CLUSTERS = f"of a cloud the bars of clusters with {LARGE:.1%} of all points or more"
NAMES = {"merged": "optimised curves", "cloud": "cloud"}


def name(hidden: tuple[int, ...]) -> str:
    """(2×2) for two hidden layers of two units."""
    return f"({'×'.join(map(str, hidden))})"


def published_tops(models: dict[str, dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Model → the published interval of the tops of its bars, of the models (recipes by key) that have one."""
    hidden = {model: tuple(own.get("landscape", {}).get("hidden", ())) for model, own in models.items()}
    return {model: PUBLISHED_TOPS[own] for model, own in hidden.items() if own in PUBLISHED_TOPS}


def _tops(results: FunctionResults, model: str, source: str) -> list[np.ndarray]:
    """Deaths of the finite bars of each barcode of one source, by seed, without those that have none."""
    if results.bars.empty:
        return []
    own = results.bars[(results.bars["model"] == model) & (results.bars["source"] == source)]
    found = [finite(significant(large(bars)))["death"].to_numpy() for _, bars in own.groupby("seed")]
    return [deaths for deaths in found if len(deaths)]


def _source(results: FunctionResults, model: str) -> str | None:
    return next((source for source in NAMES if _tops(results, model, source)), None)


def _with_hidden(results: FunctionResults, hidden: tuple[int, ...]) -> list[str]:
    own = {model: recipe.get("landscape", {}).get("hidden") for model, recipe in results.models.items()}
    return [model for model in own if own[model] and tuple(own[model]) == hidden and _source(results, model)]


def tops_are(results: FunctionResults, hidden: tuple[int, ...]) -> Finding:
    """Whether the highest end of a bar lies in the published interval."""
    models = _with_hidden(results, hidden)
    if not models:
        return Finding("—", UNMEASURED, f"this needs finite bars of the {name(hidden)} net")
    low, high = PUBLISHED_TOPS[hidden]
    texts, agree, inside = {}, True, []
    for model in models:
        parts = []
        for source, what in NAMES.items():
            if found := _tops(results, model, source):
                tops = found[0]
                parts.append(
                    f"{number(tops.max(), 3)} (ends from {number(tops.min(), 3)}, n = {len(tops)} bars, {what})"
                )
                inside.append(f"{int(((low <= tops) & (tops <= high)).sum())} of {len(tops)} by {what}")
        agree &= low <= _tops(results, model, str(_source(results, model)))[0].max() <= high
        texts[model] = "; ".join(parts)
    verdict = (IN_INTERVAL if agree else DIFFERS) if results.whole else INCOMPARABLE
    detail = f"the highest end is judged, of optimised curves where there are any; ends inside: {', '.join(inside)}"
    return Finding(results.each(texts), verdict, f"{detail}; {CLUSTERS}")


def in_lowest_part(results: FunctionResults) -> Finding:
    """Whether the highest end of every net is in the lowest hundredth of its range of values."""
    texts, lowest = {}, True
    for model in results.models:
        cloud, source = results.barcode(model), _source(results, model)
        if source and len(cloud):
            low, high, top = cloud["low"].min(), cloud["high"].max(), _tops(results, model, source)[0].max()
            part = (top - low) / (high - low)
            lowest &= part <= LOWEST
            texts[model] = f"{number(top, 3)} of {number(high, 3)} ({number(100 * part, 2)} % of the range)"
    if not texts:
        return Finding("—", UNMEASURED, "this needs finite bars and the range of sampled values")
    detail = f"highest end of a bar, and the largest sampled value; holds up to {LOWEST:.0%} of the range; {CLUSTERS}"
    return Finding(results.each(texts), judged(results, bool(lowest)), detail)


def descend(results: FunctionResults) -> Finding:
    """Whether the highest end of a bar falls at every step to a deeper net; the spread is that over clouds."""
    nets = [(hidden, model) for hidden in BY_DEPTH for model in _with_hidden(results, hidden)]
    if len({hidden for hidden, _ in nets}) < 2:
        return Finding("—", UNMEASURED, "this needs finite bars of nets of two depths")
    tops, spreads, texts = [], [], {}
    for _, model in nets:
        source = str(_source(results, model))
        each = np.array([deaths.max() for deaths in _tops(results, model, source)])
        tops.append(each.mean())
        spreads.append(float(each.std(ddof=1)) if len(each) > 1 else 0.0)
        spread = f" ± {number(spreads[-1], 2)}, n = {len(each)}" if len(each) > 1 else ""
        texts[model] = f"{number(tops[-1], 3)}{spread} ({NAMES[source]})"
    verdict = fall_verdict(np.array([len(hidden) for hidden, _ in nets]), np.array(tops), np.array(spreads))
    budget = AT_BUDGET if verdict in (HOLDS, FAILS) and not results.whole else ""
    return Finding(results.each(texts), verdict + budget, f"highest end of a bar, ± its std over clouds; {CLUSTERS}")


def _tops_claim(hidden: tuple[int, ...]) -> tuple[Claim, Check]:
    low, high = PUBLISHED_TOPS[hidden]
    claim = Claim(
        f"tops-{'x'.join(map(str, hidden))}",
        f"Upper bounds of the bars of the {name(hidden)} net.",
        f"{PAPER}, §4.2, fig. 7",
        f"{low} to {high}",
    )
    return claim, partial(tops_are, hidden=hidden)


TINY_CLAIMS: Claims = [
    *[_tops_claim(hidden) for hidden in BY_DEPTH],
    (
        Claim(
            "lowest-part",
            "All bars lie in a tiny lower part of the range of values.",
            f"{PAPER}, §4.2, fig. 7",
            "saddles well below 1, range up to about 200 and more",
        ),
        in_lowest_part,
    ),
    (
        Claim(
            "descend",
            f"Bars descend as the net gets deeper: {' → '.join(map(name, BY_DEPTH))}.",
            f"{PAPER}, §4.2, fig. 7",
            "in the figure only",
        ),
        descend,
    ),
    (
        Claim("one-component", "The graph of each cloud is connected: one half-line.", "a box is connected", "1"),
        one_component,
    ),
]
