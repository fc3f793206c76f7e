"""How far saddles move with the set of minima that is known (Topological obstructions, section 4, figure 7)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Finding, mean_and_std, number
from lossbars.experiments.networks.claims.generic import Results, each

SIZE = 4  # of the sets, or the nearest there is: as in the figure


def saddles_over_sets(results: Results) -> Finding:
    """Mean ± std of each minimum's direct death over sets of one size that have it, where its bar is finite."""
    texts, shares = {}, []
    for model, rows in _finite(results):
        size = min(rows["size"].unique(), key=lambda own: (abs(own - SIZE), own))
        own = rows[rows["size"] == size].sort_values(["birth", "minimum"], kind="stable")
        deaths = own.groupby("minimum", sort=False)["death"]
        ends = [f"{minimum}: {mean_and_std(those, ' sets')}" for minimum, those in deaths]
        texts[model] = f"sets of {size}: {', '.join(ends)}"
        largest, length = deaths.std(ddof=1).max(), (own["death"] - own["birth"]).mean()
        if np.isfinite(largest):  # one set has no spread
            shares.append(f"{results.label(model)} {number(largest / length, 2)}")
    if not texts:
        return Finding("—", UNMEASURED, "this needs barcodes of subsets of the minima")
    detail = "minima by increasing loss, finite direct bars alone; largest std as a share of the mean bar's length: "
    return Finding(each(results, texts), NO_NUMBER, detail + (", ".join(shares) or "—"))


def saddle_over_sizes(results: Results) -> Finding:
    """Mean ± std of the death of the highest minimum, whose bar is finite in every set, against the sets' size."""
    texts = {}
    for model, rows in _finite(results):
        minimum = rows.loc[rows["birth"].idxmax(), "minimum"]
        deaths = rows[rows["minimum"] == minimum].groupby("size")["death"]
        parts = [f"{size}: {mean_and_std(own, ' sets')}" for size, own in deaths]
        texts[model] = f"minimum {minimum}, by size of the set {', '.join(parts)}"
    if not texts:
        return Finding("—", UNMEASURED, "this needs barcodes of subsets of the minima")
    return Finding(each(results, texts), NO_NUMBER, "direct bars of the minimum of the highest loss")


def _finite(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """The finite direct bars of each model's subsets, of models that have any."""
    table = results.robustness
    for model in results.models:
        own = table[table["model"] == model]
        if len(own):
            own = own[(own["convention"] == "direct") & np.isfinite(own["death"])]
            if len(own):
                yield model, own
