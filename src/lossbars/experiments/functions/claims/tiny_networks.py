"""Claims about the barcodes of tiny networks (Barannikov et al. 2020, Barcodes as summary, §4.2).

Where the curves were optimised, their merged bars count (the paper's section 4.2.1); else those of the clouds, whose
clusters are large: in many dimensions the sampling makes long bars of single points.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from lossbars.claims.claim import DIFFERS, IN_INTERVAL, INCOMPARABLE, Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import FIGURE_ONLY, SUMMARY
from lossbars.claims.verdicts import falls
from lossbars.experiments.functions.bar_tables import LARGE, large, significant
from lossbars.experiments.functions.claims.results import ONE_COMPONENT, FunctionResults
from lossbars.landscapes.specs import AnyLandscape
from lossbars.plots.bars import finite

PUBLISHED_TOPS = {(2,): (0.55, 0.65), (2, 2): (0.35, 0.45), (2, 2, 2): (0.1, 0.3)}  # hidden units → bounds of bars
BY_DEPTH = list(PUBLISHED_TOPS)
LOWEST = 0.01  # of the range of values: the paper's saddles below 1 in a range of 200 are half of it
CLUSTERS = f"of a cloud the bars of clusters with {LARGE:.1%} of all points or more"
NAMES = {"merged": "optimised curves", "cloud": "cloud"}


def name(hidden: tuple[int, ...]) -> str:
    """(2×2) for two hidden layers of two units."""
    return f"({'×'.join(map(str, hidden))})"


def published_tops(landscapes: Mapping[str, AnyLandscape]) -> dict[str, tuple[float, float]]:
    """Model → the published interval of the tops of its bars, of the models that have one."""
    hidden = {model: _hidden(landscape) for model, landscape in landscapes.items()}
    return {model: PUBLISHED_TOPS[units] for model, units in hidden.items() if units in PUBLISHED_TOPS}


def _hidden(landscape: AnyLandscape) -> tuple[int, ...]:
    """Units of each hidden layer; none where the landscape is no network."""
    return tuple(getattr(landscape, "hidden", ()))


def _tops(results: FunctionResults, model: str, source: str) -> list[np.ndarray]:
    """Deaths of the finite bars of each barcode of one source, by seed, without those that have none."""
    every = results.of_source(model, source)
    if every.empty:
        return []
    tops = [finite(significant(large(bars)))["death"].to_numpy() for _, bars in every.groupby("seed")]
    return [deaths for deaths in tops if len(deaths)]


def _source(results: FunctionResults, model: str) -> str | None:
    return next((source for source in NAMES if _tops(results, model, source)), None)


def _with_hidden(results: FunctionResults, hidden: tuple[int, ...]) -> list[str]:
    networks = [key for key, model in results.models.items() if _hidden(model.landscape) == hidden]
    return [key for key in networks if _source(results, key)]


def tops_are(results: FunctionResults, hidden: tuple[int, ...]) -> Finding:
    """Whether the highest end of a bar lies in the published interval."""
    models = _with_hidden(results, hidden)
    if not models:
        return unmeasured(f"finite bars of the {name(hidden)} net")
    low, high = PUBLISHED_TOPS[hidden]
    texts, agree, inside = {}, True, []
    for model in models:
        parts = []
        for source, what in NAMES.items():
            if barcodes := _tops(results, model, source):
                tops = barcodes[0]
                parts.append(
                    f"{number(tops.max(), 3)} (ends from {number(tops.min(), 3)}, n = {len(tops)} bars, {what})"
                )
                inside.append(f"{int(((low <= tops) & (tops <= high)).sum())} of {len(tops)} by {what}")
        agree &= low <= _tops(results, model, str(_source(results, model)))[0].max() <= high
        texts[model] = "; ".join(parts)
    verdict = (IN_INTERVAL if agree else DIFFERS) if results.settings.full_budget else INCOMPARABLE
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
    detail = f"highest end of a bar, and the largest sampled value; holds up to {LOWEST:.0%} of the range; {CLUSTERS}"
    return results.finding(texts, bool(lowest), detail, "finite bars and the range of sampled values")


def descend(results: FunctionResults) -> Finding:
    """Whether the highest end of a bar falls at every step to a deeper net; the spread is that over clouds."""
    nets = [(hidden, model) for hidden in BY_DEPTH for model in _with_hidden(results, hidden)]
    if len({hidden for hidden, _ in nets}) < 2:
        return unmeasured("finite bars of nets of two depths")
    tops, spreads, texts = [], [], {}
    for _, model in nets:
        source = str(_source(results, model))
        each = np.array([deaths.max() for deaths in _tops(results, model, source)])
        tops.append(each.mean())
        spreads.append(float(each.std(ddof=1)) if len(each) > 1 else 0.0)
        spread = f" ± {number(spreads[-1], 2)}, n = {len(each)}" if len(each) > 1 else ""
        texts[model] = f"{number(tops[-1], 3)}{spread} ({NAMES[source]})"
    verdict = falls(tops, spreads, [len(hidden) for hidden, _ in nets])
    detail = f"highest end of a bar, ± its std over clouds; {CLUSTERS}"
    return Finding(results.each(texts), results.qualified(verdict), detail)


TINY_CLAIMS: Claims = [
    *[
        judged_by(
            partial(tops_are, hidden=hidden),
            f"tops-{'x'.join(map(str, hidden))}",
            f"Upper bounds of the bars of the {name(hidden)} net.",
            f"{SUMMARY}, §4.2, fig. 7",
            f"{low} to {high}",
        )
        for hidden, (low, high) in PUBLISHED_TOPS.items()
    ],
    judged_by(
        in_lowest_part,
        "lowest-part",
        "All bars lie in a tiny lower part of the range of values.",
        f"{SUMMARY}, §4.2, fig. 7",
        "saddles well below 1, range up to about 200 and more",
    ),
    judged_by(
        descend,
        "descend",
        f"Bars descend as the net gets deeper: {' → '.join(map(name, BY_DEPTH))}.",
        f"{SUMMARY}, §4.2, fig. 7",
        FIGURE_ONLY,
    ),
    ONE_COMPONENT,
]
