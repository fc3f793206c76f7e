"""TO-score against architecture (Barannikov et al. 2022, figure 3).

Also Barannikov et al. 2020, Topological obstructions, figure 3.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from lossbars.plots import style
from lossbars.plots.bars import to_score as score_of
from lossbars.plots.tables import explain, per_model, span
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

BARS = ("model", "convention", "dim", "birth", "death")
SUBSETS = ("model", "convention", "size", "subset", "birth", "death")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task; without a spread where no subset is smaller than all minima of some model.

    Two minima have no smaller subset with a bar that ends.
    """
    bars = work.table("bars")
    subsets = work.tables("robustness") if work.files("robustness") else None
    fewest = bars[(bars["dim"] == 0) & (bars["convention"] == "direct")].groupby("model").size().min()
    if subsets is not None and subsets["size"].min() >= fewest:
        subsets = None
    return to_score(bars, subsets, work.settings.labels, work.settings.title)


@style.styled
def to_score(bars: pd.DataFrame, robustness: pd.DataFrame | None, labels: dict[str, str], title: str) -> Figure:
    """TO-score (√2) of each model's direct bars, in the order of ``labels``, in units of the loss (papers: figure 3).

    The spread is that of the TO-scores of random subsets of the minima, of the largest size below n in
    ``robustness``: faint dots, and mean ± standard deviation (that of a sample). No spread where it is None.
    ValueError for an empty table, a model without rows, and one without subsets smaller than n, by name.
    """
    tables = per_model(bars, labels, BARS, "bars", convention="direct", dim=0)
    counts = [len(table) for table in tables.values()]
    note = f"{explain('direct')}.\nTO-score: the longest finite bar / √2; n = {span(counts)} minima per model."
    figure, (axes,) = style.panels(1, title, height=2.6)
    scores = np.array([score_of(table) for table in tables.values()])
    x = np.arange(len(labels))
    axes.plot(x, scores, "-", color=style.GREY, linewidth=0.8, zorder=1)
    handles: list[Any] = []
    handles += axes.plot(x, scores, "D", color=style.PALETTE[0], markersize=5, zorder=4, label="all minima", gid="all")
    shown = scores
    if robustness is not None:
        chosen = per_model(robustness, labels, SUBSETS, "robustness", convention="direct")
        sizes, spreads = _spreads(chosen, counts)
        handles.append(_draw_spreads(axes, x, spreads))
        note += f" Spread: over {span([len(s) for s in spreads])} random subsets of {span(sizes)} minima."
        shown = np.concatenate([scores, *spreads])
    style.loss_axis(axes, "y", style.wants_log(shown), "TO-score (√2)")
    if not style.wants_log(shown):
        axes.set_ylim(bottom=0)
    style.name_models(axes, x, list(labels.values()))
    axes.set_xlim(-0.5, len(labels) - 0.5)
    style.caption(figure, handles, note)
    return figure


def _draw_spreads(axes: Axes, x: np.ndarray, spreads: list[np.ndarray]) -> ErrorbarContainer:
    """Right of each model, mean ± standard deviation, and right of it the scores, side by side."""
    color = style.PALETTE[1]
    for position, spread in zip(x, spreads, strict=True):
        offsets = 0.24 + 0.12 * (np.arange(len(spread)) + 0.5) / len(spread)
        axes.plot(position + offsets, spread, "o", color=color, alpha=0.35, markersize=2.5, mew=0)
    means = [spread.mean() for spread in spreads]
    deviations = [spread.std(ddof=1) if len(spread) > 1 else 0.0 for spread in spreads]
    label = "subsets: mean ± std"
    return axes.errorbar(x + 0.16, means, deviations, fmt="o", color=color, markersize=4, capsize=2.5, label=label)


def _spreads(tables: dict[str, pd.DataFrame], counts: list[int]) -> tuple[list[int], list[np.ndarray]]:
    """Per model, the largest size of subset below its number of minima, and the TO-scores of those subsets."""
    sizes, spreads = [], []
    for (model, table), count in zip(tables.items(), counts, strict=True):
        smaller = table[table["size"] < count]
        if smaller.empty:
            raise ValueError(f"table 'robustness' has no subset of model {model!r} smaller than its {count} minima")
        sizes.append(int(smaller["size"].max()))
        groups = smaller[smaller["size"] == sizes[-1]].groupby("subset")
        spreads.append(np.array([score_of(group) for _, group in groups]))
    return sizes, spreads
