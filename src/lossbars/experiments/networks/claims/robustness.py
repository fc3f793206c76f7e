"""How far saddles move with the set of minima that is known (Barannikov et al. 2020, Topological obstructions, §4)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lossbars.claims.claim import NO_NUMBER, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V1
from lossbars.experiments.networks.claims.results import Results, finite, in_figure, unmeasured

SIZE = 4  # of the sets, or the nearest there is: as in figure 7
ABSENT = unmeasured("barcodes of subsets of the minima")


def saddles_over_sets(results: Results) -> Finding:
    """Mean ± std of each minimum's direct death over sets of one size that have it, where its bar is finite."""
    texts, shares = {}, []
    for model, bars in _finite(results):
        size = min(bars["size"].unique(), key=lambda size: (abs(size - SIZE), size))
        of_size = bars[bars["size"] == size].sort_values(["birth", "minimum"], kind="stable")
        deaths = of_size.groupby("minimum", sort=False)["death"]
        ends = [f"{minimum}: {mean_and_std(those, ' sets')}" for minimum, those in deaths]
        texts[model] = f"sets of {size}: {', '.join(ends)}"
        largest, length = deaths.std(ddof=1).max(), (of_size["death"] - of_size["birth"]).mean()
        if np.isfinite(largest) and length > 0:  # one set has no spread, and curves that climb nothing have no length
            shares.append(f"{results.label(model)} {number(largest / length, 2)}")
    if not texts:
        return ABSENT
    detail = "minima by increasing loss, finite direct bars alone; largest std as a share of the mean bar's length: "
    return Finding(results.each(texts), NO_NUMBER, detail + (", ".join(shares) or "—"))


def saddle_over_sizes(results: Results) -> Finding:
    """Mean ± std of the death of the highest minimum, whose bar is finite in every set, against the sets' size."""
    texts = {}
    for model, bars in _finite(results):
        minimum = bars.loc[bars["birth"].idxmax(), "minimum"]
        deaths = bars[bars["minimum"] == minimum].groupby("size")["death"]
        parts = [f"{size}: {mean_and_std(those, ' sets')}" for size, those in deaths]
        texts[model] = f"minimum {minimum}, by size of the set {', '.join(parts)}"
    if not texts:
        return ABSENT
    return Finding(results.each(texts), NO_NUMBER, "direct bars of the minimum of the highest loss")


def _finite(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    """The finite direct bars of each model's subsets, of models that have any."""
    table = results.robustness
    for model in results.among(table["model"]):
        bars = finite(table, model, "direct")
        if len(bars):
            yield model, bars


ROBUSTNESS: Claims = [
    in_figure(
        "saddles-over-sets",
        "Mean and std of each minimum's saddle over sets of minima.",
        f"{V1}, §4, fig. 7a",
        saddles_over_sets,
    ),
    in_figure(
        "saddle-over-sizes",
        "The same of one minimum against the sets' size.",
        f"{V1}, §4, fig. 7b",
        saddle_over_sizes,
    ),
]
