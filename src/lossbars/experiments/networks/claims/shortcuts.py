"""How bars and test errors move with depth and width, with shortcuts and without (Barannikov et al. 2022, §6)."""

import math
from collections import defaultdict
from typing import Literal

import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, UNMEASURED, Finding, number
from lossbars.claims.verdicts import falls, rises, together
from lossbars.experiments.networks.claims.depth import Measure, subset_spread
from lossbars.experiments.networks.claims.generalisation import compared
from lossbars.experiments.networks.claims.results import Results, finite
from lossbars.networks.specs import NetworkSpec, ResNetSpec

Measured = dict[str, tuple[float, float, str]]  # model → value, its spread, and how many of what it is the mean of


def model_of(results: Results, network: NetworkSpec) -> str | None:
    """The first model with this network."""
    return next((key for key, model in results.models.items() if model.network == network), None)


def families(results: Results, shortcuts: bool, along: Literal["depth", "width"]) -> list[list[str]]:
    """Models with or without shortcuts, in the order of ``along``: a list for each value of the other, of two or more.

    All models of a list differ in ``along``; of two with the same depth and width the first counts.
    """
    other = "width" if along == "depth" else "depth"
    models: dict[int, dict[int, str]] = defaultdict(dict)  # the other → the one along which they differ → model
    for key, model in results.models.items():
        network = model.network
        if isinstance(network, ResNetSpec) and network.shortcuts is shortcuts:
            models[getattr(network, other)].setdefault(getattr(network, along), key)
    return [[row[place] for place in sorted(row)] for _, row in sorted(models.items()) if len(row) > 1]


def moves(
    results: Results, shortcuts: bool, along: Literal["depth", "width"], measure: Measure, up: bool = False
) -> Finding:
    """Whether ``measure`` of the finite direct bars falls, or with ``up`` rises, at each step in depth or width."""
    measured, spread = of_bars(results, measure)
    lists = [[model for model in row if model in measured] for row in families(results, shortcuts, along)]
    lists = [row for row in lists if len(row) > 1]
    if not lists:
        kind = "with" if shortcuts else "without"
        return Finding(
            "—", UNMEASURED, f"this needs finite bars of two networks {kind} shortcuts that differ in {along}"
        )
    judge = rises if up else falls
    verdict = together(judge([measured[m][0] for m in row], [measured[m][1] for m in row]) for row in lists)
    shown = {model: measured[model] for row in lists for model in row}
    return Finding(results.each(_texts(shown)), results.qualified(verdict), spread)


def of_bars(results: Results, measure: Measure) -> tuple[Measured, str]:
    """``measure`` of each model's finite direct bars, a mean over them, with its spread, and what the spread is.

    The spread is the standard deviation over subsets of the minima where there are any, else over the bars: these
    share their minima, so it is not divided by the root of their number. It is 0 for one bar.
    """
    measured: Measured = {}
    words: dict[str, None] = {}
    for model in results.models:
        bars = finite(results.bars, model, "direct")
        if bars.empty:
            continue
        spread, how = subset_spread(results.robustness, model, measure)
        if not spread:
            of_each = pd.Series([measure(bars.iloc[[i]]) for i in range(len(bars))])
            spread, how = (
                (float(of_each.std(ddof=1)), "std over the bars") if len(bars) > 1 else (0.0, "of one bar none")
            )
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
        spread = float(errors.std(ddof=1)) if len(errors) > 1 else 0.0
        measured[model] = float(errors.mean()), spread, f"{len(errors)} minima"
    return _largest(results, network, measured, "test error in %; ± is the std over the minima")


def _largest(results: Results, network: NetworkSpec, measured: Measured, spread: str) -> Finding:
    """Undecided where the next value, or the largest of another, is within the spread of both."""
    one = model_of(results, network)
    rivals = {model: values for model, values in measured.items() if model != one}
    if one not in measured or not rivals:
        return Finding("—", UNMEASURED, "this needs that network and another")
    next_one = max(rivals, key=lambda model: rivals[model][0])
    lead = measured[one][0] - rivals[next_one][0]
    noise = math.hypot(measured[one][1], rivals[next_one][1])
    verdict = UNDECIDED if abs(lead) <= noise else HOLDS if lead > 0 else FAILS
    side = "above" if lead > 0 else "below"
    detail = f"{number(abs(lead), 3)} {side} {results.label(next_one)}, spread {number(noise, 2)}; {spread}"
    return Finding(results.each(_texts(measured)), results.qualified(verdict), detail)


def _texts(measured: Measured) -> dict[str, str]:
    return {
        model: f"{number(value)}{f' ± {number(spread, 2)}' if spread else ''} (n = {count})"
        for model, (value, spread, count) in measured.items()
    }


def network_against_table(
    results: Results, network: NetworkSpec, column: str, mean: float, std: float, epochs: int
) -> Finding:
    """The mean of ``column`` over one network's minima against a published mean ± std after so many epochs."""
    model = model_of(results, network)
    if model is None:
        return Finding("—", UNMEASURED, "this needs a model with that network")
    values = results.minima.loc[results.minima["model"] == model, column]
    trained = results.models[model].minima.epochs
    return compared(values, mean, std, comparable=trained == epochs and results.all_samples)
