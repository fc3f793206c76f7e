"""Barcodes modulo permutations of units, beside the plain ones. Not in the papers."""

import pandas as pd

from lossbars.barcodes.barcode import MODULO
from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Claim, Finding, number
from lossbars.experiments.networks.claims.results import Results, finite
from lossbars.plots.bars import to_score

CLAIM = Claim(
    "modulo-permutations", "Barcodes modulo permutations of units, beside the plain ones.", "not in the papers"
)


def modulo_permutations(results: Results) -> Finding:
    """TO-scores plain and modulo permutations, and the mean height of straight segments as they are and aligned."""
    texts = {}
    straight = [_straight(table) for table in (results.curves, results.aligned)]
    for model in results.models:
        bars = results.bars[results.bars["model"] == model]
        parts = []
        for convention in ("direct", "merged"):
            if (bars["convention"] == convention + MODULO).any():
                scores = [to_score(finite(bars, model, convention + end)) for end in ("", MODULO)]
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
    return Finding(results.each(texts) or "—", NO_NUMBER if texts else UNMEASURED, detail)


def _straight(curves: pd.DataFrame) -> dict[str, float]:
    """Model → mean over pairs of the largest loss on the straight segment."""
    if curves.empty:
        return {}
    segments = curves[curves["kind"] == "segment"]
    tops = segments.groupby(["model", "a", "b"])["loss"].max().groupby(level="model").mean()
    return {str(model): float(mean) for model, mean in tops.items()}
