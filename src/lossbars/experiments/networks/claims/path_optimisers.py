"""Curves of the same pairs of minima by several recipes, compared."""

from typing import Any

import numpy as np

from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Finding, number
from lossbars.experiments.networks.claims.generic import Results, each_recipe, maxima_by


def recipes_compared(results: Results) -> Finding:
    """Per recipe: mean of the curves' maxima, for how many pairs it is the lowest, and passes over the data.

    A pass is one loss and its gradient of every sample for one network: epochs times the places of a curve in a step.
    """
    curves = results.curves[results.curves["kind"] == "curve"] if len(results.curves) else results.curves
    maxima = maxima_by(curves, ["a", "b"]) if len(curves) else {}
    texts = {}
    for model, recipes in results.models.items():
        own = {by: maxima[model, by] for by in recipes["recipes"] if (model, by) in maxima}
        if len(own) < 2:
            continue
        tops = np.stack([tops.sort_index().to_numpy() for tops in own.values()])
        lowest = np.bincount(tops.argmin(axis=0), minlength=len(own))
        for (by, values), wins in zip(own.items(), lowest, strict=True):
            mean, spread = number(values.mean(), 3), number(values.std(ddof=1), 2)
            work = f"{passes(recipes[by]) or 'as many as needed'} passes"
            texts[model, by] = f"{mean} ± {spread}, lowest of {wins} of {len(values)} pairs, {work}"
    detail = (
        "mean ± std of the curves' maxima; passes over the data for one curve, with gradients; the lowest curve counts"
    )
    return Finding(each_recipe(results, texts) or "—", NO_NUMBER if texts else UNMEASURED, detail)


def passes(recipe: dict[str, Any]) -> int | None:
    """Passes over the data that a curve of this recipe takes: points of a path, its minima apart, or random places.

    None of a string, which takes as many as its beads need.
    """
    family = recipe["family"]
    if family["kind"] == "string":
        return None
    return int(recipe["epochs"] * (family["points"] - 2 if family["kind"] == "path" else recipe["points"]))
