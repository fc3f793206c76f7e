"""Curves of the same pairs of minima by several recipes, compared. Not in the papers."""

import numpy as np

from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Claim, Finding, number
from lossbars.experiments.networks.claims.results import Results, maxima_by, only_curves
from lossbars.recipes import Curves, Descent, Paths

CLAIM = Claim("recipes", "Curves of the same pairs by several recipes.", "not in the papers")


def recipes_compared(results: Results) -> Finding:
    """Per recipe: mean of the curves' maxima, for how many pairs it is the lowest, and passes over the data.

    A pass is one loss and its gradient of every sample for one network: epochs times the places of a curve in a step.
    """
    maxima = maxima_by(only_curves(results.curves), ["a", "b"])
    texts = {}
    for model, config in results.models.items():
        tops = {kind: maxima[model, kind].sort_index() for kind in config.kinds if (model, kind) in maxima}
        if len(tops) < 2:
            continue
        lowest = np.bincount(np.stack(list(tops.values())).argmin(axis=0), minlength=len(tops))
        for (kind, values), wins in zip(tops.items(), lowest, strict=True):
            mean, spread = number(values.mean(), 3), number(values.std(ddof=1), 2)
            cost = f"{passes(config.kinds[kind]) or 'as many as needed'} passes"
            texts[model, kind] = f"{mean} ± {spread}, lowest of {wins} of {len(values)} pairs, {cost}"
    detail = (
        "mean ± std of the curves' maxima; passes over the data for one curve, with gradients; the lowest curve counts"
    )
    return Finding(results.each_recipe(texts) or "—", NO_NUMBER if texts else UNMEASURED, detail)


def passes(recipe: Descent) -> int | None:
    """Passes over the data that a curve of this recipe takes: points of a path, its minima apart, or random places.

    None of a string, which takes as many as its beads need.
    """
    match recipe:
        case Paths():
            return recipe.epochs * (recipe.family.points - 2)
        case Curves():
            return recipe.epochs * recipe.points
    return None
