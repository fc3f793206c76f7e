"""How bars and test errors move with depth and width, with shortcuts and without (Barannikov et al. 2022, §6)."""

import math
from collections import defaultdict
from functools import partial
from typing import Literal, get_args

import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, Check, Claim, Claims, Finding, number
from lossbars.claims.papers import V3
from lossbars.claims.verdicts import falls, rises, together
from lossbars.experiments.networks.claims.depth import mean_death, mean_length
from lossbars.experiments.networks.claims.published import RESNETS, resnet
from lossbars.experiments.networks.claims.results import Results, finite, in_figure, unmeasured
from lossbars.experiments.networks.uncertainty import Measure, uncertainty
from lossbars.networks.specs import NetworkSpec, ResNetSpec

Along = Literal["depth", "width"]
Measured = dict[str, tuple[float, float, str]]  # model → value, its spread, and how many of what it is the mean of


def series(results: Results, shortcuts: bool, along: Along) -> list[list[str]]:
    """Models with or without shortcuts: for each width a list by depth, or for each depth a list by width.

    Lists have two models or more; of two models with the same depth and width the first counts.
    """
    other = "width" if along == "depth" else "depth"
    models: dict[int, dict[int, str]] = defaultdict(dict)  # the other → the one along which they differ → model
    for key, model in results.models.items():
        network = model.network
        if isinstance(network, ResNetSpec) and network.shortcuts is shortcuts:
            models[getattr(network, other)].setdefault(getattr(network, along), key)
    return [[row[place] for place in sorted(row)] for _, row in sorted(models.items()) if len(row) > 1]


def moves(results: Results, shortcuts: bool, along: Along, measure: Measure, up: bool = False) -> Finding:
    """Whether ``measure`` of the finite direct bars falls, or with ``up`` rises, at each step in depth or width."""
    measured, spread = of_bars(results, measure)
    lists = [[model for model in row if model in measured] for row in series(results, shortcuts, along)]
    lists = [row for row in lists if len(row) > 1]
    if not lists:
        kind = "with" if shortcuts else "without"
        return unmeasured(f"finite bars of two networks {kind} shortcuts that differ in {along}")
    judge = rises if up else falls
    verdict = together(judge([measured[m][0] for m in row], [measured[m][1] for m in row]) for row in lists)
    shown = {model: measured[model] for row in lists for model in row}
    return results.of_bars(_texts(shown), verdict, spread)


def of_bars(results: Results, measure: Measure) -> tuple[Measured, str]:
    """``measure`` of each model's finite direct bars, a mean over them, with its spread, and what the spread is.

    The spread is the standard error over minima where there are subsets of them, else the standard deviation over the
    bars: these share their minima, so it is not divided by the root of their number. It is 0 for one bar.
    """
    measured: Measured = {}
    words: dict[str, None] = {}
    for model in results.models:
        bars = finite(results.bars, model, "direct")
        if bars.empty:
            continue
        spread, how = uncertainty(results.robustness, model, measure)
        if not spread:
            of_each = pd.Series([measure(bars.iloc[[i]]) for i in range(len(bars))])
            spread, how = _std(of_each), "std over the bars" if len(bars) > 1 else "of one bar none"
        measured[model] = measure(bars), spread, f"{len(bars)} bars"
        words[how] = None
    return measured, f"mean over the finite direct bars; ± is the {', or '.join(words)}" if words else ""


def has_largest_bars(results: Results, network: NetworkSpec, measure: Measure) -> Finding:
    """Whether ``measure`` of the finite direct bars is largest for this network."""
    measured, spread = of_bars(results, measure)
    return _largest(results, network, measured, spread)


def has_largest_test_error(results: Results, network: NetworkSpec) -> Finding:
    """Whether the minima of this network have the largest mean test error, in percent."""
    measured: Measured = {}
    for model in results.among(results.minima["model"]):
        errors = 100 - results.minima.loc[results.minima["model"] == model, "test_accuracy"]
        measured[model] = float(errors.mean()), _std(errors), f"{len(errors)} minima"
    return _largest(results, network, measured, "test error in %; ± is the std over the minima")


def _std(values: pd.Series) -> float:
    """Standard deviation of a sample; 0 of one value."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _largest(results: Results, network: NetworkSpec, measured: Measured, spread: str) -> Finding:
    """Undecided where the largest value of another network is within the spread of both."""
    model = next((key for key, model in results.models.items() if model.network == network), None)
    rivals = {key: values for key, values in measured.items() if key != model}
    if model not in measured or not rivals:
        return unmeasured("that network and another")
    rival = max(rivals, key=lambda key: rivals[key][0])
    lead = measured[model][0] - rivals[rival][0]
    noise = math.hypot(measured[model][1], rivals[rival][1])
    verdict = UNDECIDED if abs(lead) <= noise else HOLDS if lead > 0 else FAILS
    side = "above" if lead > 0 else "below"
    detail = f"{number(abs(lead), 3)} {side} {results.label(rival)}, spread {number(noise, 2)}; {spread}"
    return Finding(results.each(_texts(measured)), results.qualified(verdict), detail)


def _texts(measured: Measured) -> dict[str, str]:
    return {
        model: f"{number(value)}{f' ± {number(spread, 2)}' if spread else ''} (n = {count})"
        for model, (value, spread, count) in measured.items()
    }


# Claims ------------------------------------------------------------------------------------------

FIGURE_7 = f"{V3}, §6, fig. 7"
WORST = resnet(110, 1, shortcuts=False)
MEASURES = {"length": ("get shorter", "get longer", mean_length), "death": ("get lower", "get higher", mean_death)}


def _moves(along: Along, shortcuts: bool, what: str) -> tuple[Claim, Check]:
    suffix, kind = ("", "with shortcuts") if shortcuts else ("-ns", "without shortcuts")
    up = along == "depth" and not shortcuts
    down_words, up_words, measure = MEASURES[what]
    claim = f"Bars {up_words if up else down_words} with {along}, {kind} (mean {what} of the finite direct bars)."
    check = partial(moves, shortcuts=shortcuts, along=along, measure=measure, up=up)
    return in_figure(f"{along}-{what}{suffix}", claim, FIGURE_7, check)


SHORTCUTS: Claims = [
    *(_moves(along, shortcuts, what) for along in get_args(Along) for shortcuts in (True, False) for what in MEASURES),
    *(
        in_figure(
            f"largest-{what}",
            f"ResNet-110-NS has the largest bars (mean {what}).",
            FIGURE_7,
            partial(has_largest_bars, network=WORST, measure=measure),
        )
        for what, (_, _, measure) in MEASURES.items()
    ),
    (
        Claim("largest-test-error", "ResNet-110-NS has the largest test error.", f"{V3}, §6, table 8"),
        partial(has_largest_test_error, network=WORST),
    ),
    *RESNETS,
]
