"""What the paper reports of functions: a claim per row, put beside what was obtained.

Tables of one experiment in, a table out. How a claim is judged is in
:mod:`lossbars.experiments.functions.claims.benchmarks`.
"""

from dataclasses import asdict
from typing import Any

import pandas as pd

from lossbars.claims.claim import COLUMNS, UNMEASURED
from lossbars.claims.results import FunctionResults
from lossbars.experiments.functions.claims.benchmarks import CONVERGENCE_CLAIMS, FUNCTION_CLAIMS, TINY_CLAIMS
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS

CLAIMS = {
    "function-barcodes": FUNCTION_CLAIMS,
    "convergence": CONVERGENCE_CLAIMS,
    "tiny-networks": TINY_CLAIMS,
    "level-sets": LEVEL_SET_CLAIMS,
}
OF_KIND = {  # of experiments that the paper has not
    "functions": [*FUNCTION_CLAIMS, *LEVEL_SET_CLAIMS],
    "convergence": CONVERGENCE_CLAIMS,
}


def claim_rows(results: FunctionResults) -> pd.DataFrame:
    """A row per claim; an experiment that the paper does not have gets those of its kind that it measures."""
    own = {"experiment": results.experiment, "budget": budget(results.recipe)}
    claims = CLAIMS.get(results.experiment, OF_KIND[results.recipe["kind"]])
    rows = [own | asdict(claim) | asdict(check(results)) for claim, check in claims]
    measured = [row for row in rows if row["verdict"] != UNMEASURED]
    kept = rows if results.experiment in CLAIMS else measured or rows
    return pd.DataFrame(kept, columns=COLUMNS)


def budget(recipe: dict[str, Any]) -> str:
    """Clouds and points in one line, or pairs and sizes."""
    if recipe["kind"] == "convergence":
        sizes = recipe["sizes"]
        span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
        return f"{recipe['pairs']} pairs of clouds of each size, {span} points"
    parts = []
    if points := sorted({own["cloud"]["points"] for own in recipe["models"].values() if own["cloud"]}):
        span = f"{points[0]:,}" if len(points) == 1 else f"{points[0]:,} to {points[-1]:,}"
        parts.append(f"{recipe['seeds']} cloud{'s' if recipe['seeds'] > 1 else ''} of {span} points")
    starts = sorted({own["optimised"]["starts"] for own in recipe["models"].values() if own["optimised"]})
    if starts:
        parts.append(f"curves between minima from {' or '.join(map(str, starts))} starts")
    return ", and ".join(parts)
