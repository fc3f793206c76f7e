"""TO-score against architecture (Barannikov et al. 2022, figure 3).

Also Barannikov et al. 2020, Topological obstructions, figure 3.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossbars.experiments.networks.uncertainty import uncertainty
from lossbars.plots import style
from lossbars.plots.bars import to_score as score_of
from lossbars.plots.tables import explain, per_model, span
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

BARS = ("model", "convention", "dim", "birth", "death")
SUBSETS = ("model", "convention", "size", "subset", "minimum", "birth", "death")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task; without errors where no subset is smaller than all minima of some model.

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

    With ``robustness``, the bars of subsets of the minima, each has its standard error, the number that claims state:
    :func:`lossbars.experiments.networks.uncertainty.uncertainty`. An infinite score is an ∞ at the top. ValueError for
    an empty table, a model without rows, and one without subsets smaller than n, by name.
    """
    tables = per_model(bars, labels, BARS, "bars", convention="direct", dim=0)
    counts = [len(table) for table in tables.values()]
    note = f"{explain('direct')}.\nTO-score: the longest finite bar / √2; n = {span(counts)} minima per model."
    figure, (axes,) = style.panels(1, title, height=2.6)
    scores = np.array([score_of(table) for table in tables.values()])
    errors = np.zeros(len(scores))
    if robustness is not None:
        errors, kinds = _errors(per_model(robustness, labels, SUBSETS, "robustness", convention="direct"), counts)
        note += f" Error bars: {', or '.join(kinds)}."
    if np.isinf(scores).any():
        note += " ∞: some minima are joined by no curve."
    style.caption(figure, _draw_scores(axes, scores, errors), note)
    style.name_models(axes, np.arange(len(labels)), list(labels.values()))
    axes.set_xlim(-0.5, len(labels) - 0.5)
    return figure


def _draw_scores(axes: Axes, scores: np.ndarray, errors: np.ndarray) -> list[Any]:
    """A diamond for each finite score, with its error where there is one; on a log axis errors end at the axis."""
    x, known = np.arange(len(scores)), np.isfinite(scores)
    axes.plot(x[known], scores[known], "-", color=style.GREY, linewidth=0.8, zorder=1)
    look: dict[str, Any] = {"color": style.PALETTE[0], "zorder": 4}
    handles: list[Any] = axes.plot(x[known], scores[known], "D", markersize=5, label="all minima", gid="all", **look)
    some = known & (errors > 0)
    if some.any():
        label = "± standard error"
        bars = axes.errorbar(x[some], scores[some], errors[some], fmt="none", capsize=2.5, label=label, **look)
        handles.append(bars)
    for position in x[~known]:
        axes.text(position, 0.98, "∞", transform=axes.get_xaxis_transform(), ha="center", va="top")
    log = bool(known.any()) and style.wants_log(scores[known])
    style.loss_axis(axes, "y", log, "TO-score (√2)")
    if not log:
        axes.set_ylim(bottom=0)
    return handles


def _errors(tables: dict[str, pd.DataFrame], counts: list[int]) -> tuple[np.ndarray, list[str]]:
    """Per model, the standard error of its score, 0 where it is not known; and what these errors are, each once."""
    for (model, table), count in zip(tables.items(), counts, strict=True):
        if table["size"].min() >= count:
            raise ValueError(f"table 'robustness' has no subset of model {model!r} smaller than its {count} minima")
    found = [uncertainty(table, model, score_of) for model, table in tables.items()]
    return np.array([one.error for one in found]), list(dict.fromkeys(one.kind for one in found))
