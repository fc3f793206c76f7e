"""Barcodes as they are and modulo permutations of units, side by side. Not in the papers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossbars.barcodes.barcode import MODULO
from lossbars.experiments.networks.figures.barcodes import COLUMNS, draw_barcodes, legend
from lossbars.experiments.networks.figures.optimisers import draw_joined, mean_handle
from lossbars.plots import style
from lossbars.plots.bars import score_text, to_score
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

CURVES = ("model", "a", "b", "kind", "objective")
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
    tops = [[side[model].groupby(["a", "b"])["objective"].max() for side in sides] for model in shown]
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
    style.caption(figure, [*legend(0, [table for side in tables for table in side.values()]), mean_handle()], note)
    return figure


def _draw_barcodes(axes: Axes, sides: list[dict[str, pd.DataFrame]], labels: dict[str, str]) -> None:
    """Two barcodes of each model on one axis, the plain one first."""
    tables = {f"{model}-{end}": table[model] for model in labels for end, table in zip(SIDES, sides, strict=True)}
    names = [f"{label}\n{words}" for label in labels.values() for words in SIDES.values()]
    draw_barcodes(axes, tables, names, [score_text(to_score(table)) for table in tables.values()], alike=2)


def _draw_segments(axes: Axes, pair: list[pd.Series], index: int, model: str) -> None:
    """The two heights of each pair of minima of the ``index``-th model."""
    heights = pd.concat(pair, axis=1, keys=list(SIDES))
    pairs = [f"pair-{model}-{a}+{b}" for a, b in heights.index]
    looks = [(style.MARKERS[0], style.color(index), f"{model}-{side}") for side in SIDES]
    draw_joined(axes, heights, 2 * index + 0.5, pairs, "segments", looks)
