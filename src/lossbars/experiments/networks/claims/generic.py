"""Claims about every experiment on networks."""

from functools import partial

from lossbars.barcodes.barcode import DIVISOR, Metric
from lossbars.claims.claim import FAILS, HOLDS, NO_NUMBER, Claim, Claims, Finding, number
from lossbars.claims.papers import V3
from lossbars.experiments.networks.claims.results import Results, finite, unmeasured
from lossbars.plots.bars import to_score

SYMBOL: dict[Metric, str] = {"sqrt2": "√2", "linf": "L∞"}


def count_minima(results: Results) -> Finding:
    """How many minima each model has."""
    counts = results.minima.groupby("model").size()
    return Finding(results.each({model: str(counts[model]) for model in results.among(counts.index)}), NO_NUMBER)


def to_scores(results: Results, convention: str) -> Finding:
    """TO-scores of index 0 in both ground metrics."""
    texts = {}
    for model in results.among(results.bars["model"]):
        bars = finite(results.bars, model, convention)
        texts[model] = ", ".join(f"{number(to_score(bars, metric))} ({SYMBOL[metric]})" for metric in DIVISOR)
    return Finding(results.each(texts), NO_NUMBER, "(death − birth) of the longest finite bar, over √2 or over 2")


def direct_above_merged(results: Results) -> Finding:
    """Whether no minimum's merged bar ends above its direct one: a direct curve is one of the paths of the other."""
    bars = results.bars[results.bars["dim"] == 0]
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
    detail = "the objective at all places where curves were measured; what is lower could be descended from"
    return Finding(results.each(texts), FAILS if below else HOLDS, detail) if texts else unmeasured("curves")


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
