"""Bars of minima of two recipes beside their test accuracies.

Barannikov et al. 2022, §5; Barannikov et al. 2020, Topological obstructions, §3. Type 1 is the model's first group of
minima (a small constant learning rate), type 2 the second (annealed).
"""

import numpy as np
import pandas as pd

from lossbars.claims.claim import (
    AGREES,
    DIFFERS,
    FAILS,
    HOLDS,
    INCOMPARABLE,
    NO_NUMBER,
    UNMEASURED,
    Finding,
    mean_and_std,
    number,
)
from lossbars.experiments.networks.claims.results import Results, finite, maxima_of, only_curves
from lossbars.seeding import group_of


def deaths_by_group(results: Results, model: str) -> dict[int, pd.Series]:
    """Group → heights of the saddles that end its minima's finite direct bars."""
    bars = finite(results.bars, model, "direct")
    groups = bars["born_at"].astype(int).map(group_of)
    return {int(str(group)): rows["death"] for group, rows in bars.groupby(groups)}


def first_group_higher(results: Results) -> Finding:
    """Whether every saddle of type 1 is above every saddle of type 2."""
    texts, held = {}, []
    for model in results.models:
        deaths = deaths_by_group(results, model)
        if set(deaths) == {0, 1}:
            one, two = deaths[0], deaths[1]
            held.append(bool(one.min() > two.max()))
            spans = " and ".join(f"{number(heights.min())} to {number(heights.max())}" for heights in (one, two))
            above = (one.to_numpy()[:, None] > two.to_numpy()[None, :]).mean()
            texts[model] = f"{spans}, type 1 above type 2 in {100 * above:.0f}% of all couples"
    if not texts:
        return Finding("—", UNMEASURED, "this needs finite bars of two groups of minima")
    detail = "deaths of the finite direct bars of type 1 and of type 2, from lowest to highest"
    return Finding(results.each(texts), results.qualified(HOLDS if all(held) else FAILS), detail)


def curves_within_and_across(results: Results) -> Finding:
    """Mean of the curves' maxima, within each type and between them."""
    texts = {}
    maxima = maxima_of(only_curves(results.curves), ["a", "b"])
    for model in results.among(maxima):
        tops = maxima[model]
        ends = [tops.index.get_level_values(side).map(group_of).astype(str) for side in ("a", "b")]
        names = np.where(ends[0] == ends[1], "type " + (ends[0].astype(int) + 1).astype(str), "across")
        texts[model] = ", ".join(f"{name} {mean_and_std(those, ' curves')}" for name, those in tops.groupby(names))
    return Finding(results.each(texts) or "—", NO_NUMBER if texts else UNMEASURED, "± is the std over curves")


def group_against_table(results: Results, group: int, column: str, mean: float, std: float, epochs: int) -> Finding:
    """The mean of ``column`` over the minima of one group against a published mean ± std after so many epochs."""
    minima = results.minima[results.minima["seed"].map(group_of) == group]
    if minima.empty:
        return Finding("—", UNMEASURED, "this needs minima in groups")
    trained = {list(model.groups.values())[group].minima.epochs for model in results.models.values()}
    return compared(minima[column], mean, std, comparable=trained == {epochs} and results.all_samples)


def compared(values: pd.Series, mean: float, std: float, comparable: bool) -> Finding:
    """The mean of ``values``, one of each minimum, against a published mean ± std."""
    away = (values.mean() - mean) / std
    verdict = INCOMPARABLE if not comparable else AGREES if abs(away) <= 2 else DIFFERS
    sign = "above" if away > 0 else "below"
    return Finding(mean_and_std(values, " minima"), verdict, f"{abs(away):.2g} published std {sign} the published mean")
