"""Triangles and 1-saddles (Barannikov et al. 2020, Topological obstructions, §1.3, appendix I)."""

import math

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, Check, Claim, Finding, mean_and_std, number
from lossbars.claims.papers import V1
from lossbars.experiments.networks.claims.results import Recipe, Results, in_figure, maxima_by, reported, unmeasured
from lossbars.recipes import Triangles

CORNERS = ["a", "b", "c"]


def trained_sides_lower(results: Results) -> Finding:
    """Whether triangles with trained sides (regime 1) reach lower maxima than those with fixed ones (regime 2).

    Of several budgets, the largest of each regime counts: the paper gave trained sides more epochs.
    """
    maxima = maxima_by(results.triangles, CORNERS)
    measured = {recipe: _triangles(results, recipe) for recipe in results.recipes("triangles") if recipe in maxima}
    chosen = {measured[recipe].sides: recipe for recipe in sorted(measured, key=lambda one: measured[one].epochs)}
    if set(chosen) != {"trained", "fixed"}:
        return unmeasured("triangles of both regimes")
    trained, fixed = (maxima[chosen[sides]] for sides in ("trained", "fixed"))
    gain = fixed.mean() - trained.mean()
    spread = math.hypot(*(_standard_error(tops, results.config.seeds) for tops in (trained, fixed)))
    verdict = UNDECIDED if abs(gain) < spread else HOLDS if gain > 0 else FAILS
    texts = {recipe: mean_and_std(maxima[recipe], " triangles") for recipe in measured}
    names = [results.recipe_name(chosen[sides], list(texts)) for sides in ("trained", "fixed")]
    change = f"{'lower' if gain > 0 else 'higher'} by {number(abs(gain), 3)}, standard error {number(spread, 2)}"
    detail = f"{names[0]}, against {names[1]}: {change}; ± is the std over triangles"
    return Finding(results.each_recipe(texts), results.qualified(verdict), detail)


def _triangles(results: Results, recipe: Recipe) -> Triangles:
    model, kind = recipe
    triangles = results.models[model].kinds[kind]
    assert isinstance(triangles, Triangles)
    return triangles


def _standard_error(values: pd.Series, minima: int) -> float:
    """Triangles share their corners: no more of them are independent than there are minima."""
    return float(values.std(ddof=1)) / math.sqrt(min(len(values), minima)) if len(values) > 1 else 0.0


def one_saddle_bars(results: Results) -> Finding:
    """Per model and recipe, the mean 1-saddle bar of one triangle: [maximum on its sides, maximum on the triangle]."""
    table = results.triangles
    on_sides = table[(table[["t1", "t2", "t3"]] < 1e-9).any(axis=1)] if len(table) else table
    births, deaths = maxima_by(on_sides, CORNERS), maxima_by(table, CORNERS)
    texts = {}
    for recipe in results.recipes("triangles"):
        if recipe in deaths:
            birth, death = births[recipe], deaths[recipe]
            length = mean_and_std(death - birth, " triangles")
            texts[recipe] = f"[{number(birth.mean())}, {number(death.mean())}], length {length}"
    return reported(results.each_recipe(texts), "means over the triangles of a recipe, ± is the std over them")


def one_saddles_of_complex(results: Results) -> Finding:
    """The 1-saddle barcode of the complex of all triangles: loops of curves, and the triangles that fill them."""
    texts = {}
    for model in results.models:
        loops = results.bars[(results.bars["model"] == model) & (results.bars["dim"] == 1)]
        filled = loops[np.isfinite(loops["death"])]
        if len(loops):
            ends = zip(filled["birth"], filled["death"], strict=True)
            bars = ", ".join(f"[{number(birth, 3)}, {number(death, 3)}]" for birth, death in ends)
            texts[model] = f"{len(loops)} bars, {len(loops) - len(filled)} of them half-lines: {bars or '—'}"
    detail = "of the merged barcode, whose triangles are the lowest known; bars of length zero are left out"
    return reported(results.each(texts), detail)


FIGURE_16 = f"{V1}, appendix I, fig. 16"
REGIMES = in_figure(
    "triangle-regimes",
    "Triangles with trained sides (regime 1) reach lower maxima than with fixed sides (regime 2).",
    FIGURE_16,
    trained_sides_lower,
)
ONE_SADDLE = in_figure(
    "one-saddle-bars",
    "1-saddle bar of one triangle: from the maximum on its sides to the maximum on the triangle.",
    FIGURE_16,
    one_saddle_bars,
)
COMPLEX_SADDLES: tuple[Claim, Check] = (
    Claim(
        "one-saddle-complex",
        "1-saddle barcode of all triangles together (Algorithm 2, r = 1).",
        f"{V1}, §1.3; no figure has that of this network",
    ),
    one_saddles_of_complex,
)
