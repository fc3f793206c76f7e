"""Whether embeddings preserve the loss, and saddles are not higher in the larger network.

Barannikov et al. 2022, §3.5, §3.6.

Tables have a row per minimum of the small model but its lowest; see
:mod:`lossbars.experiments.networks.embeddings.step`.
"""

import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, Claim, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V3
from lossbars.experiments.networks.claims.results import Results, unmeasured

PRESERVED = Claim(
    "embedding-loss", "The loss of an embedded minimum is that of the minimum in the smaller network.", f"{V3}, §3.5"
)
LOWER = Claim(
    "embedding-saddles",
    "The penalty of a minimum of the larger network is lower than that of the smaller one's minimum it comes from.",
    f"{V3}, §3.6, theorem 2",
)
ROUNDING = 1e-6  # of a mean of float32 losses of single samples, over 1 + loss
ABSENT = unmeasured("embeddings")


def preserved(results: Results) -> Finding:
    """The largest difference between a minimum's loss and that of its embedding, float32 networks."""
    if results.embeddings.empty:
        return ABSENT
    texts, largest = [], 0.0
    for name, rows in _tables(results):
        gap = pd.concat([(rows[f"start_{side}"] - rows[f"birth_{side}"] - rows["shift"]).abs() for side in "ab"])
        scale = 1 + pd.concat([rows[f"birth_{side}"] for side in "ab"])
        largest = max(largest, float((gap / scale).max()))
        ones = int(rows["ones"].iloc[0])
        seeds = len({*rows["a"], *rows["b"]})
        grows = f", ‖θ‖² grows by {ones}" if ones else ", ‖θ‖² stays"
        texts.append(f"{name}: {number(float(gap.max()), 2)} at most (n = {seeds} minima){grows}")
    detail = f"rounding: {ROUNDING:g} of 1 + loss; with weight decay λ, λ/2 times the growth is taken off"
    return Finding("; ".join(texts), HOLDS if largest <= ROUNDING else FAILS, detail)


def bound(table: pd.DataFrame) -> pd.Series:
    """What the penalty in the larger network is at most: the lower maximum of the path as concatenated, and optimised.

    Both join the two descended minima.
    """
    return table[["before", "after"]].min(axis=1)


def saddle(table: pd.DataFrame) -> pd.Series:
    """The smaller network's penalty, with the shift of an embedding: the highest place seen on its curve.

    It was seen on the grid of the curve, or as embedded.
    """
    return (table["penalty"] + table["shift"]).combine(table["curve"], max)


def lower(results: Results) -> Finding:
    """Bounds of the larger network's penalties beside the smaller one's; the theorem itself says 'lower'."""
    if results.embeddings.empty:
        return ABSENT
    texts, details, fails = [], [], False
    for name, rows in _tables(results):
        fails |= bool((bound(rows) > saddle(rows)).any())
        below = int((bound(rows) < saddle(rows)).sum())
        means = [mean_and_std(values) for values in (saddle(rows), rows["before"], rows["after"])]
        texts.append(
            f"{name}: lower for {below} of {len(rows)}; penalties {means[0]}, path {means[1]}, optimised {means[2]}"
        )
        details.append(f"{name}: {_descents(rows)}")
    detail = "; ".join(details) + "; the lower of path and optimised path bounds the penalty from above"
    return Finding("; ".join(texts), results.judged(not fails), detail)


def _descents(rows: pd.DataFrame) -> str:
    """How minima fell, and whether the loss ever rose on the way."""
    columns = ["start", "end", "highest"]
    sides = [rows[[f"{name}_{side}" for name in columns]].set_axis(columns, axis=1) for side in "ab"]
    minima = pd.concat(sides).drop_duplicates()  # a minimum may be in several rows
    rise = float((minima["highest"] - minima["start"]).max())
    means = [number(minima[name].mean(), 3) for name in ("start", "end")]
    return (
        f"embedded minima fall from {means[0]} to {means[1]} on average, "
        f"on the way the loss rises by {number(max(rise, 0.0), 2)} at most"
    )


def _tables(results: Results) -> list[tuple[str, pd.DataFrame]]:
    """What figures call each embedding, and its rows."""
    tables = {str(key): rows for key, rows in results.embeddings.groupby("model")}
    named = results.config.embeddings.items()
    return [(embedding.label or key, tables[key]) for key, embedding in named if key in tables]


EMBEDDINGS: Claims = [(PRESERVED, preserved), (LOWER, lower)]
