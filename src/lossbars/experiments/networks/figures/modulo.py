"""Barcodes as they are and modulo permutations of units, side by side. Not in the papers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.barcodes.barcode import MODULO
from lossbars.experiments.networks.figures.barcodes import COLUMNS, draw_bars, legend
from lossbars.plots import style
from lossbars.plots.bars import to_score
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

CURVES = ("model", "a", "b", "kind", "loss")
SIDES = {"plain": "plain", "modulo": "modulo permutations"}


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    curves, aligned = work.trained("curves"), work.trained("aligned")
    return modulo(work.table("bars"), curves, aligned, work.settings.labels, work.settings.title)


@style.styled
def modulo(
    bars: pd.DataFrame, curves: pd.DataFrame, aligned: pd.DataFrame, labels: dict[str, str], title: str
) -> Figure:
    """Above, direct bars of each model, plain and modulo permutations; below, the highest loss on straight segments.

    A line joins the two segments of a pair of minima, the one between them as they are and the one to the permuted
    copy of the second; the dash is their mean. Models without ``aligned`` curves are not drawn. ValueError for an empty
    table, and for a model without rows in one of them, by name.
    """
    shown = {model: text for model, text in labels.items() if (aligned["model"] == model).any()}
    tables = [per_model(bars, shown, COLUMNS, "bars", convention=f"direct{end}", dim=0) for end in ("", MODULO)]
    sides = [per_model(table, shown, CURVES, "curves", kind="segment") for table in (curves, aligned)]
    figure, (upper, lower) = style.panels(2, title, height=2.6, columns=1)
    _draw_barcodes(upper, tables, shown)
    tops = [[side[model].groupby(["a", "b"])["loss"].max() for side in sides] for model in shown]
    heights = np.concatenate([side.to_numpy() for pair in tops for side in pair])
    log = style.wants_log(heights)
    style.loss_axis(lower, "y", log, "height of the segment")
    lower.set(xlim=upper.get_xlim(), ylim=style.limits(heights, log))
    for index, (model, pair) in enumerate(zip(shown, tops, strict=True)):
        _draw_segments(lower, pair, index, model)
    below = [f"{pair[0].mean():.3g} → {pair[1].mean():.3g}\nn = {len(pair[0])} pairs" for pair in tops]
    style.name_models(lower, 2 * np.arange(len(shown)) + 1.0, list(shown.values()), below)
    lower.tick_params(axis="x", length=0)
    note = f"{explain('direct' + MODULO)}.\nTO: TO-score, the longest finite bar / √2. "
    note += "Below: the largest loss on the straight segment of each pair of minima, as they are (left) and aligned."
    mean = Line2D([], [], marker="_", markersize=9, color="black", linestyle="none", label="mean")
    style.caption(figure, [*legend(0), mean], note)
    return figure


def _draw_barcodes(axes: Axes, tables: list[dict[str, pd.DataFrame]], labels: dict[str, str]) -> None:
    """Two barcodes of each model on one axis, the plain one first."""
    pairs = [side for model in labels for side in zip(SIDES, (table[model] for table in tables), strict=True)]
    rows = pd.concat([table for _, table in pairs])
    losses = np.concatenate([rows["birth"], rows["death"][np.isfinite(rows["death"])]])
    log = style.wants_log(losses)
    style.loss_axis(axes, "y", log)
    axes.set(xlim=(0, len(pairs)), ylim=style.limits(losses, log))
    for index, (side, table) in enumerate(pairs):
        if index % 2:
            axes.axvspan(index, index + 1, color="0.955", linewidth=0, zorder=0)
        draw_bars(axes, table, f"{table['model'].iloc[0]}-{side}", index, style.color(index // 2))
    names = [f"{label}\n{SIDES[side]}" for label in labels.values() for side in SIDES]
    below = [f"TO {to_score(table):.3g}" for _, table in pairs]
    style.name_models(axes, np.arange(len(pairs)) + 0.5, names, below)
    axes.tick_params(axis="x", length=0)


def _draw_segments(axes: Axes, pair: list[pd.Series], index: int, model: str) -> None:
    """The two heights of each pair of minima of the ``index``-th model."""
    places = [2 * index + 0.5, 2 * index + 1.5]
    both = pd.concat(pair, axis=1, keys=list(SIDES))
    for ends, row in both.iterrows():
        axes.plot(places, row, color=style.GREY, linewidth=0.5, alpha=0.6, gid=f"pair-{model}-{ends[0]}+{ends[1]}")
    for place, side in zip(places, SIDES, strict=True):
        axes.plot(
            np.full(len(both), place),
            both[side],
            style.MARKERS[0],
            color=style.color(index),
            markersize=3,
            gid=f"segments-{model}-{side}",
        )
        axes.plot(
            [place], [both[side].mean()], "_", color="black", markersize=12, markeredgewidth=1.4,
            gid=f"mean-{model}-{side}",
        )  # fmt: skip
