"""What the papers do not compare: curves by several recipes, and barcodes modulo permutations of units."""

import numpy as np
import pandas as pd

from lossbars.barcodes.barcode import MODULO
from lossbars.claims.claim import Claim, Finding, number
from lossbars.claims.papers import OURS
from lossbars.experiments.networks.claims.results import Results, barcode_of, maxima_by, reported
from lossbars.plots.bars import to_score
from lossbars.recipes import Curves, Descent, Paths


def recipes_compared(results: Results) -> Finding:
    """Per recipe: mean of the curves' maxima, for how many pairs it is the lowest, and passes over the data.

    A pass is one loss and its gradient of every sample for one network: epochs times the places of a curve in a step.
    """
    maxima = maxima_by(results.curves, ["a", "b"])
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
    return reported(results.each_recipe(texts), detail)


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


def modulo_permutations(results: Results) -> Finding:
    """TO-scores plain and modulo permutations, and the mean height of straight segments as they are and aligned."""
    texts = {}
    straight = [_straight(table) for table in (results.curves, results.aligned)]
    for model in results.models:
        bars = results.bars[results.bars["model"] == model]
        parts = []
        for convention in ("direct", "merged"):
            if (bars["convention"] == convention + MODULO).any():
                scores = [to_score(barcode_of(bars, model, convention + end)) for end in ("", MODULO)]
                before, after = (number(score, 3) for score in scores)
                parts.append(f"TO-score ({convention}) {before} → {after}")
        heights = [tops[model] for tops in straight if model in tops]
        if parts and len(heights) == 2:
            parts.append(f"straight segments up to {number(heights[0], 3)} → {number(heights[1], 3)}")
        if parts:
            texts[model] = ", ".join(parts)
    detail = (
        "plain → modulo permutations; TO-scores are in √2; of the segments' maxima the mean over pairs, first of the "
        "minima as they are, then with the second's units permuted to match the first's"
    )
    return reported(results.each(texts), detail)


def _straight(curves: pd.DataFrame) -> dict[str, float]:
    """Model → mean over pairs of the largest loss on the straight segment."""
    if curves.empty:
        return {}
    segments = curves[curves["kind"] == "segment"]
    tops = segments.groupby(["model", "a", "b"])["objective"].max().groupby(level="model").mean()
    return {str(model): float(mean) for model, mean in tops.items()}


RECIPES = Claim("recipes", "Curves of the same pairs by several recipes.", OURS), recipes_compared
PERMUTATIONS = (
    Claim("modulo-permutations", "Barcodes modulo permutations of units, beside the plain ones.", OURS),
    modulo_permutations,
)
