"""Claims about every experiment on networks."""

from functools import partial

import numpy as np
import pandas as pd

from lossbars.barcodes.barcode import DIVISOR, Metric
from lossbars.claims.claim import FAILS, HOLDS, NO_NUMBER, Claim, Claims, Finding, number
from lossbars.claims.papers import V3
from lossbars.experiments.networks.claims.results import Results, barcode_of, unmeasured
from lossbars.experiments.networks.endpoints import ENDPOINT, RULE, UNDECIDED, climbs, kinds
from lossbars.experiments.networks.uncertainty import uncertainty
from lossbars.plots.bars import to_score

SYMBOL: dict[Metric, str] = {"sqrt2": "√2", "linf": "L∞"}


def count_minima(results: Results) -> Finding:
    """How many minima each model has, and how many of them are endpoints or undecided by their residues."""
    counts = results.minima.groupby("model").size()
    others = _not_minima(results.bars)
    texts = {
        model: f"{counts[model]}" + (f", of them {others[model]}" if others.get(model) else "")
        for model in results.among(counts.index)
    }
    return Finding(results.each(texts), NO_NUMBER, RULE if any(others.values()) else "")


def _not_minima(bars: pd.DataFrame) -> dict[str, str]:
    """Model → how many minima are none by their residues and direct bars, in words; none where no bar has a residue."""
    if not {"birth_residue", "convention"} <= set(bars) or bars["birth_residue"].isna().all():
        return {}
    direct = bars[(bars["convention"] == "direct") & (bars["dim"] == 0)]
    texts = {}
    for model, rows in direct.groupby("model"):
        beside = climbs(rows).to_numpy(np.float64).T
        words = kinds(rows["birth_residue"].to_numpy(np.float64), *beside).tolist()
        some = {"endpoints": words.count(ENDPOINT), "undecided": words.count(UNDECIDED)}
        texts[str(model)] = ", ".join(f"{count} {word}" for word, count in some.items() if count)
    return texts


def to_scores(results: Results, convention: str) -> Finding:
    """TO-scores of index 0 in both ground metrics, each with its uncertainty where it is known."""
    texts: dict[str, str] = {}
    kinds: dict[str, None] = {}
    for model in results.among(results.bars["model"]):
        bars, scores = barcode_of(results.bars, model, convention), []
        if bars.empty:
            continue
        for metric in DIVISOR:
            spread = uncertainty(results.robustness, model, partial(to_score, metric=metric), convention)
            scores.append(f"{number(to_score(bars, metric))}{spread.text} ({SYMBOL[metric]})")
            kinds[spread.kind] = None
        texts[model] = ", ".join(scores)
    detail = f"(death − birth) of the longest finite bar, over √2 or over 2; ±: {', or '.join(kinds)}"
    return Finding(results.each(texts), NO_NUMBER, detail) if texts else unmeasured("descents from curves")


def direct_above_merged(results: Results) -> Finding:
    """Whether no minimum's merged bar ends above its direct one: a direct curve is one of the paths of the other."""
    bars = results.bars[(results.bars["dim"] == 0) & results.bars["convention"].isin(["direct", "merged"])]
    deaths = bars.set_index(["model", "born_at", "convention"])["death"].unstack()
    deaths = deaths.reindex(columns=["direct", "merged"])
    kept = deaths["direct"] >= deaths["merged"]  # false where one is missing
    violated = deaths.index[~kept]
    wrong = ", ".join(f"{results.label(m)} minimum {born}" for m in results.models for of, born in violated if of == m)
    lower = int((deaths["direct"] > deaths["merged"]).sum())
    detail = f"violated by: {wrong}" if wrong else f"a path through other minima is lower for {lower}"
    return Finding(f"{int(kept.sum())} of {len(kept)} minima", FAILS if wrong else HOLDS, detail)


def nothing_below(results: Results) -> Finding:
    """Whether no place on a curve is lower than the lowest minimum, which has the half-line."""
    if results.curves.empty:
        return unmeasured("curves")
    texts, below = {}, False
    for model in results.among(results.minima["model"]):
        lowest = results.minima.loc[results.minima["model"] == model, "objective"].min()
        on_curves = results.curves[(results.curves["model"] == model) & (results.curves["kind"] == "curve")]
        if on_curves.empty:
            continue
        place = on_curves.loc[on_curves["objective"].idxmin()]
        lower = bool(place["objective"] < lowest)
        where = f"{number(lowest - place['objective'])} below it on the curve {place['a']}+{place['b']}"
        texts[model] = where if lower else "nothing below the lowest minimum"
        below |= lower
    found = _found(results)
    texts = {model: text + found.get(model, "") for model, text in texts.items()}
    detail = "the objective at all places where curves were measured"
    if found:
        detail += "; minima that descents from curves found are in the table of minima, and in the closed barcodes"
    return Finding(results.each(texts), FAILS if below else HOLDS, detail) if texts else unmeasured("curves")


def _found(results: Results) -> dict[str, str]:
    """Model → how low the minima are that are in its closed barcode only, in words; nothing where there are none."""
    texts = {}
    bars = results.bars[results.bars["dim"] == 0]
    for model in results.among(bars["model"]):
        closed, given = (barcode_of(bars, model, convention) for convention in ("merged-closed", "merged"))
        new = closed[~closed["born_at"].isin(given["born_at"])]
        if len(new):
            texts[model] = f" ({len(new)} minima found, the lowest at {number(new['birth'].min())})"
    return texts


GENERIC: Claims = [
    (Claim("minima", "Number of minima.", "a definition, not a claim of the papers"), count_minima),
    *(
        (
            Claim(
                f"to-score-{convention}",
                f"TO-score of the {convention} barcode ({algorithm}).",
                f"{V3}, §3.4, definition 3",
            ),
            partial(to_scores, convention=convention),
        )
        for convention, algorithm in (("direct", "Algorithm 1"), ("merged", "Algorithm 2, r = 0"))
    ),
    (
        Claim(
            "to-score-merged-closed",
            "TO-score of the closed barcode (merged), whose minima are the given ones and those that descents from "
            "curves found.",
            "not a claim of the papers, whose barcodes are of given minima",
        ),
        partial(to_scores, convention="merged-closed"),
    ),
    (
        Claim(
            "direct-above-merged",
            "No merged bar ends above the direct bar of the same minimum.",
            "follows from the definitions",
        ),
        direct_above_merged,
    ),
    (
        Claim(
            "nothing-below",
            "No place on a curve is lower than the lowest minimum.",
            "not a claim of the papers: else the half-line is not that of the lowest point that was seen",
        ),
        nothing_below,
    ),
]
