"""Bars of minima of two recipes beside their test accuracies.

Barannikov et al. 2022, §5; Barannikov et al. 2020, Topological obstructions, §3. Type 1 is the model's first group of
minima (a small constant learning rate), type 2 the second (annealed).
"""

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, Claim, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V1, V3
from lossbars.experiments.networks.claims.published import TWO_TYPES
from lossbars.experiments.networks.claims.results import Results, finite, in_figure, maxima_of, reported, unmeasured
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
            first, second = deaths[0], deaths[1]
            held.append(bool(first.min() > second.max()))
            spans = " and ".join(f"{number(heights.min())} to {number(heights.max())}" for heights in (first, second))
            above = (first.to_numpy()[:, None] > second.to_numpy()[None, :]).mean()
            texts[model] = f"{spans}, type 1 above type 2 in {100 * above:.0f}% of all couples"
    if not texts:
        return unmeasured("finite bars of two groups of minima")
    detail = "deaths of the finite direct bars of type 1 and of type 2, from lowest to highest"
    return results.of_bars(texts, HOLDS if all(held) else FAILS, detail)


def curves_within_and_across(results: Results) -> Finding:
    """Mean of the curves' maxima, within each type and between them."""
    texts = {}
    maxima = maxima_of(results.curves)
    for model in results.among(maxima):
        tops = maxima[model]
        ends = [tops.index.get_level_values(side).map(group_of).astype(str) for side in ("a", "b")]
        names = np.where(ends[0] == ends[1], "type " + (ends[0].astype(int) + 1).astype(str), "across")
        texts[model] = ", ".join(f"{name} {mean_and_std(those, ' curves')}" for name, those in tops.groupby(names))
    return reported(results.each(texts), "± is the std over curves")


def two_types(experiment: str) -> Claims:
    """Claims on minima of two types, by the text that an experiment follows."""
    figure = f"{V1}, §3.2, fig. 5" if experiment.endswith("-flow") else f"{V3}, §5, fig. 6"
    curves = Claim("within-across", "Maxima of the curves within the types and across.", f"{V1}, §3.2")
    return [
        in_figure(
            "type-1-higher", "Saddles of type 1 minima are always above those of type 2.", figure, first_group_higher
        ),
        (curves, curves_within_and_across),
        *TWO_TYPES[experiment].claims,
    ]
