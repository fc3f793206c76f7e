"""Barcodes of functions (Barannikov et al. 2020, fig. 2c to 5c)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.functions.bar_tables import significant
from lossbars.experiments.functions.figures.cloud_tables import clouds, coarser, count
from lossbars.plots import style
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
    style.caption(figure, _legend(), note)
    return figure


def _draw_groups(axes: Axes, groups: list[pd.DataFrame], color: str) -> None:
    """Bars one unit apart; groups ``GAP`` further, in two shades by turns."""
    model, x, at = groups[0]["model"].iloc[0], [], 0.0
    for group in groups:
        x.append(at + 0.5 + np.arange(len(group)))
        at += len(group) + GAP
    axes.set_xlim(-GAP, at)
    pitch = ROOM / (at + GAP)
    for shade in (0, 1):
        if rows := groups[shade::2]:
            _draw_bars(
                axes, np.concatenate(x[shade::2]), pd.concat(rows), _shade(color, shade), pitch, f"{model}-{shade}"
            )
    for place, group in zip(x, groups, strict=True):
        _write_count(axes, float(place.mean()), group, pitch)


def _shade(color: str, shade: int) -> Any:
    return tuple(np.array(to_rgb(color)) * (0.55 if shade else 1.0))


def _draw_bars(axes: Axes, x: np.ndarray, rows: pd.DataFrame, color: Any, pitch: float, name: str) -> None:
    birth, death = rows["birth"].to_numpy(), rows["death"].to_numpy()
    ends, top, width = np.isfinite(death), axes.get_ylim()[1], min(1.6, 0.6 * pitch)
    size = min(3.2, 0.95 * pitch)
    axes.vlines(x[ends], birth[ends], death[ends], color=color, linewidth=width, gid=f"bars-{name}")
    axes.plot(
        x[ends], death[ends], "_", color=color, markersize=size + 0.8, markeredgewidth=width, gid=f"deaths-{name}"
    )
    axes.plot(x, birth, "o", color=color, markersize=size, markeredgewidth=0, clip_on=False, gid=f"births-{name}")
    if ends.all():
        return  # empty artists outside of the axes' clipping would spoil the layout
    axes.vlines(x[~ends], birth[~ends], top, color=color, linewidth=max(width, 1.2), gid=f"half-lines-{name}")
    axes.plot(
        x[~ends], np.full((~ends).sum(), ARROWS), "^", color=color, markersize=5, clip_on=False,
        transform=axes.get_xaxis_transform(), gid=f"arrows-{name}",
    )  # fmt: skip


def _write_count(axes: Axes, x: float, group: pd.DataFrame, pitch: float) -> None:
    """``×8`` below eight equal bars, upright where it is wider than they are, and not at all where it is higher."""
    room = pitch * (len(group) + GAP)
    if len(group) == 1 or room < style.SMALL:
        return
    axes.annotate(
        f"×{len(group)}", (x, group["birth"].min()), (0, -4), textcoords="offset points", ha="center", va="top",
        fontsize=style.SMALL, color="0.3", rotation=0 if room > 11 else 90,
    )  # fmt: skip


def _legend() -> list[Line2D]:
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=3.2, label="birth (minimum)", **grey),
        Line2D([], [], marker="_", markersize=5, markeredgewidth=1.6, label="death (saddle)", **grey),
        Line2D([], [], marker="^", markersize=5, label="half-line", **grey),
    ]
