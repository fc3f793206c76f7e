"""Barcodes of functions (Barannikov et al. 2020, fig. 2c to 5c)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lossbars.experiments.functions.bar_tables import significant
from lossbars.experiments.functions.figures.cloud_tables import clouds, coarser, count
from lossbars.plots import style
from lossbars.plots.bar_marks import bar_legend, draw_bars
from lossbars.plots.bars import SHARE, finite, grouped
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "source", "seed", "birth", "death")
GAP = 0.7  # bars, between groups of equal ones
ROOM = 205.0  # points: the width of a panel
ARROWS = 1.02  # fraction of the panel's height


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return sublevel_bars(work.table("bars"), settings.labels, settings.title)


@style.styled
def sublevel_bars(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """The barcode of each model's cloud with the lowest number, one panel per model (figures 2c to 5c).

    A bar reaches from its birth (dot) to its death (dash); a half-line leaves the top as an arrow. Shown are the bars
    longer than ``SHARE`` of the longest finite one, by birth. Bars whose births and deaths are equal within that length
    stand together in one shade, their number below. ValueError for an empty table and a model without rows, by name.
    """
    tables = clouds(bars, labels, COLUMNS)
    figure, axes = style.panels(len(labels), title, height=2.2, columns=2)
    for index, (panel, (model, table)) in enumerate(zip(axes, tables.items(), strict=True)):
        shown = significant(table)
        losses = np.concatenate([shown["birth"], finite(shown)["death"]])
        style.loss_axis(panel, "y", False, "value")
        panel.set(ylim=style.limits(losses, False, below=0.15), xticks=[])
        _draw_groups(panel, grouped(shown), style.color(index))
        left_out = count(table) - len(shown)
        counts = f"{len(shown)} bars" + (f", {left_out} shorter ones left out" if left_out else "")
        panel.set_title(f"{labels[model]}: {counts}", pad=9)
    note = f"Left out: bars no longer than {SHARE:.0%} of the longest finite one (noise){coarser(tables)}."
    note += " ×n: n bars whose births and deaths are equal within that length."
    style.caption(figure, bar_legend(3.2), note)
    return figure


def _draw_groups(axes: Axes, groups: list[pd.DataFrame], color: str) -> None:
    """Bars one unit apart; groups ``GAP`` further, in two shades by turns."""
    model, x, at = groups[0]["model"].iloc[0], [], 0.0
    for group in groups:
        x.append(at + 0.5 + np.arange(len(group)))
        at += len(group) + GAP
    axes.set_xlim(-GAP, at)
    pitch = ROOM / (at + GAP)
    width, dot = min(1.6, 0.6 * pitch), min(3.2, 0.95 * pitch)
    sizes: dict[str, Any] = {
        "width": width,
        "dot": dot,
        "dash": (dot + 0.8, width),
        "half_line": max(width, 1.2),
        "arrow": ARROWS,
    }
    for shade in (0, 1):
        if rows := groups[shade::2]:
            places = np.concatenate(x[shade::2])
            draw_bars(axes, places, pd.concat(rows), _shade(color, shade), f"{model}-{shade}", **sizes)
    for place, group in zip(x, groups, strict=True):
        _write_count(axes, float(place.mean()), group, pitch)


def _shade(color: str, shade: int) -> Any:
    return tuple(np.array(to_rgb(color)) * (0.55 if shade else 1.0))


def _write_count(axes: Axes, x: float, group: pd.DataFrame, pitch: float) -> None:
    """``×8`` below eight equal bars, upright where it is wider than they are, and not at all where it is higher."""
    room = pitch * (len(group) + GAP)
    if len(group) == 1 or room < style.SMALL:
        return
    axes.annotate(
        f"×{len(group)}", (x, group["birth"].min()), (0, -4), textcoords="offset points", ha="center", va="top",
        fontsize=style.SMALL, color="0.3", rotation=0 if room > 11 else 90,
    )  # fmt: skip
