"""What experiments on networks obtained: each function measures one thing and judges it in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import (
    AGREES,
    AT_BUDGET,
    DIFFERS,
    FAILS,
    HOLDS,
    INCOMPARABLE,
    NO_NUMBER,
    UNDECIDED,
    UNMEASURED,
    Claim,
    Finding,
    mean_and_std,
    number,
)

DIVISOR = {"sqrt2": math.sqrt(2), "linf": 2.0}  # of the longest finite bar (loss-barcode.txt, definition 3)
SYMBOL = {"sqrt2": "√2", "linf": "L∞"}


@dataclass(frozen=True)
class Results:
    """What one experiment obtained. Tables carry a column ``model``; ``recipe`` is that of the job of its claims."""

    experiment: str
    recipe: dict[str, Any]
    bars: pd.DataFrame
    minima: pd.DataFrame
    curves: pd.DataFrame
    triangles: pd.DataFrame
    robustness: pd.DataFrame
    embeddings: pd.DataFrame = field(default_factory=pd.DataFrame)  # ``model`` is the embedding
    aligned: pd.DataFrame = field(default_factory=pd.DataFrame)  # curves to permuted copies, which ``curves`` has not

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Recipes of the models, in the order of the configuration."""
        own: dict[str, dict[str, Any]] = self.recipe["models"]
        return {model: own[model] for model in self.recipe.get("order", own)}

    @property
    def all_samples(self) -> bool:
        """Whether the training set is whole."""
        return self.recipe["scale"]["samples"] == 1 and self.recipe.get("samples") is None

    def by_depth(self) -> list[tuple[int, str]]:
        """Number of hidden layers and model of every fully connected network, the shallowest first."""
        mlps = [(own["network"]["depth"], key) for key, own in self.models.items() if own["network"]["kind"] == "mlp"]
        return sorted(mlps, key=lambda one: one[0])

    def label(self, model: str) -> str:
        """What a reader knows the model by."""
        return self.models[model].get("label") or model

    def qualified(self, verdict: str) -> str:
        """The verdict, with its budget where that is not the whole one."""
        whole = self.all_samples and all(part == 1 for part in self.recipe["scale"].values())
        return verdict if whole or verdict not in (HOLDS, FAILS) else verdict + AT_BUDGET


Check = Callable[[Results], Finding]
Claims = list[tuple[Claim, Check]]


def each_recipe(results: Results, texts: dict[tuple[str, str], str]) -> str:
    """One text after another, each under its model's label, and its recipe's where the model has several."""
    return "; ".join(f"{recipe_name(results, place, list(texts))}: {text}" for place, text in texts.items())


def recipe_name(results: Results, place: tuple[str, str], among: list[tuple[str, str]]) -> str:
    """What a reader knows a recipe of a model by, among others."""
    model, by = place
    several = sum(other == model for other, _ in among) > 1
    return f"{results.label(model)}, {results.models[model]['recipes'][by]}" if several else results.label(model)


def each(results: Results, texts: dict[str, str]) -> str:
    """One text after another, each under its model's label."""
    return "; ".join(f"{results.label(model)}: {text}" for model, text in texts.items())


def finite(bars: pd.DataFrame, model: str, convention: str) -> pd.DataFrame:
    """Finite bars of dimension 0; subsets of minima, which have no other, lack the column ``dim``."""
    own = bars[(bars["model"] == model) & (bars["convention"] == convention) & np.isfinite(bars["death"])]
    return own[own["dim"] == 0] if "dim" in own else own


def longest(bars: pd.DataFrame) -> float:
    """Length of the longest of finite bars; 0 without any."""
    return float((bars["death"] - bars["birth"]).max()) if len(bars) else 0.0


def maxima_of(table: pd.DataFrame, corners: list[str]) -> dict[str, pd.Series]:
    """Model → the largest loss of each of its simplices; of several recipes for one, the lowest."""
    largest = table.groupby(["model", *corners, "by"])["loss"].max().groupby(level=["model", *corners]).min()
    return {str(model): own for model, own in largest.groupby(level="model")}


def maxima_by(table: pd.DataFrame, corners: list[str]) -> dict[tuple[str, str], pd.Series]:
    """Model and recipe → the largest loss of each of the simplices."""
    largest = table.groupby(["model", "by", *corners])["loss"].max()
    return {(str(model), str(by)): own.droplevel([0, 1]) for (model, by), own in largest.groupby(level=[0, 1])}


def count_minima(results: Results) -> Finding:
    """How many minima each model has."""
    counts = results.minima.groupby("model").size()
    return Finding(each(results, {m: str(counts[m]) for m in results.models if m in counts}), NO_NUMBER)


def to_scores(results: Results, convention: str) -> Finding:
    """TO-scores of index 0 in both ground metrics."""
    present = set(results.bars["model"])
    lengths = {model: longest(finite(results.bars, model, convention)) for model in results.models if model in present}
    texts = {
        model: ", ".join(f"{number(value / by)} ({SYMBOL[metric]})" for metric, by in DIVISOR.items())
        for model, value in lengths.items()
    }
    return Finding(each(results, texts), NO_NUMBER, "(death − birth) of the longest finite bar, over √2 or over 2")


def direct_above_merged(results: Results) -> Finding:
    """Whether no minimum's merged bar ends above its direct one: a direct curve is one of the paths of the other."""
    bars = results.bars[results.bars["dim"] == 0]
    deaths = bars.set_index(["model", "born_at", "convention"])["death"].unstack()
    deaths = deaths.reindex(columns=["direct", "merged"])
    kept = deaths["direct"] >= deaths["merged"]  # false where one is missing
    wrong = ", ".join(f"{results.label(model)} minimum {minimum}" for model, minimum in deaths.index[~kept])
    lower = int((deaths["direct"] > deaths["merged"]).sum())
    detail = f"violated by: {wrong}" if wrong else f"a path through other minima is lower for {lower}"
    return Finding(f"{int(kept.sum())} of {len(kept)} minima", FAILS if wrong else HOLDS, detail)


def against_table(results: Results, column: str, mean: float, std: float, epochs: int) -> Finding:
    """The mean of ``column`` over all minima against a published mean ± std of minima of so many epochs."""
    minima = results.minima.drop_duplicates(["seed", column])  # models may share their minima
    values = minima[column].to_numpy(dtype=np.float64)
    trained = {own["minima"]["epochs"] for own in results.models.values()}
    away = (values.mean() - mean) / std
    verdict = AGREES if abs(away) <= 2 else DIFFERS
    if trained != {epochs} or not results.all_samples:
        verdict = INCOMPARABLE
    own = {model: mean_and_std(rows[column]) for model, rows in results.minima.groupby("model", sort=False)}
    sign = "above" if away > 0 else "below"
    detail = f"± is the std over minima; {abs(away):.2f} published std {sign} the published mean"
    detail += f"; {each(results, own)}" if len(own) > 1 else ""
    return Finding(mean_and_std(values, " minima"), verdict, detail)


def trained_sides_lower(results: Results) -> Finding:
    """Whether triangles with trained sides (regime 1) reach lower maxima than those with fixed ones (regime 2).

    Of several budgets, the largest of each regime counts: the paper gave trained sides more epochs.
    """
    maxima = maxima_by(results.triangles, ["a", "b", "c"]) if len(results.triangles) else {}
    chosen = {}
    for model, by in sorted(maxima, key=lambda place: results.models[place[0]][place[1]]["epochs"]):
        chosen[results.models[model][by]["sides"]] = (model, by)
    if set(chosen) != {"trained", "fixed"}:
        return Finding("—", UNMEASURED, "this needs triangles of both regimes")
    one, two = (maxima[chosen[sides]] for sides in ("trained", "fixed"))
    gain, spread = (
        two.mean() - one.mean(),
        math.hypot(*(_standard_error(v, results.recipe["seeds"]) for v in (one, two))),
    )
    verdict = UNDECIDED if abs(gain) < spread else HOLDS if gain > 0 else FAILS
    texts = {place: mean_and_std(own, " triangles") for place, own in maxima.items()}
    names = [recipe_name(results, chosen[sides], list(texts)) for sides in ("trained", "fixed")]
    detail = f"{'lower' if gain > 0 else 'higher'} by {number(abs(gain), 3)}, standard error {number(spread, 2)}"
    return Finding(
        each_recipe(results, texts),
        results.qualified(verdict),
        f"{names[0]}, against {names[1]}: {detail}; ± is the std over triangles",
    )


def _standard_error(values: pd.Series, minima: int) -> float:
    """Triangles share their corners: no more of them are independent than there are minima."""
    return float(values.std(ddof=1)) / math.sqrt(min(len(values), minima)) if len(values) > 1 else 0.0


def one_saddle_bars(results: Results) -> Finding:
    """Per model and recipe, the mean 1-saddle bar of one triangle: [maximum on its sides, maximum on the triangle]."""
    table, texts = results.triangles, {}
    if len(table):
        side = table[(table[["t1", "t2", "t3"]] < 1e-9).any(axis=1)]
        births, deaths = maxima_by(side, ["a", "b", "c"]), maxima_by(table, ["a", "b", "c"])
        for place, tops in deaths.items():
            length = mean_and_std(tops - births[place], " triangles")
            texts[place] = f"[{number(births[place].mean())}, {number(tops.mean())}], length {length}"
    verdict = NO_NUMBER if texts else UNMEASURED
    detail = "means over the triangles of a recipe, ± is the std over them"
    return Finding(each_recipe(results, texts) or "—", verdict, detail)


def one_saddles_of_complex(results: Results) -> Finding:
    """The 1-saddle barcode of the complex of all triangles: loops of curves, and the triangles that fill them."""
    texts = {}
    for model in results.models:
        own = results.bars[(results.bars["model"] == model) & (results.bars["dim"] == 1)]
        ends = own[np.isfinite(own["death"])]
        if len(own):
            bars = ", ".join(
                f"[{number(b, 3)}, {number(d, 3)}]" for b, d in zip(ends["birth"], ends["death"], strict=True)
            )
            texts[model] = f"{len(own)} bars, {len(own) - len(ends)} of them half-lines: {bars or '—'}"
    detail = "of the merged barcode, whose triangles are the lowest known; bars of length zero are left out"
    return Finding(each(results, texts) or "—", NO_NUMBER if texts else UNMEASURED, detail)
