"""Persistence diagrams of several architectures (Barannikov et al. 2022, §3.4, definition 3)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "convention", "dim", "birth", "death")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return persistence(work.table("bars"), work.settings.labels, work.settings.title)


@style.styled
def persistence(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Death against birth of every merged bar, a colour and marker per model (the diagrams of v3, definition 3).

    Filled markers are bars of dimension 0, open ones of dimension 1. Half-lines lie on the dashed line ∞ at the top.
    Losses are in the units of the table. ValueError for an empty table and for a model without bars, by name.
    """
    tables = per_model(bars, labels, COLUMNS, "bars", convention="merged")
    figure, (axes,) = style.panels(1, title, height=3.6)
    rows = pd.concat(tables.values())
    births, deaths = rows["birth"].to_numpy(), rows["death"].to_numpy()
    losses = np.concatenate([births, deaths[np.isfinite(deaths)]])
    log = style.wants_log(losses)
    style.loss_axis(axes, "x", log, "loss at birth")
    style.loss_axis(axes, "y", log, "loss at death")
    endless = style.limits(losses, log, above=0.1)[1]
    axes.set(xlim=style.limits(births, log), ylim=style.limits(losses, log, above=0.16))
    corner = style.limits(losses, log, below=1.0)
    axes.plot(corner, corner, "-", color=style.GREY, linewidth=0.8, zorder=1, gid="diagonal")
    if np.isinf(deaths).any():
        axes.axhline(endless, linestyle="--", color=style.GREY, linewidth=0.8, zorder=1, gid="infinity")
        axes.annotate("∞", (1, endless), (3, 0), axes.get_yaxis_transform(), textcoords="offset points", va="center")
    for index, (model, table) in enumerate(tables.items()):
        _draw_points(axes, table, index, endless, model)
    style.caption(figure, _legend(tables, labels), f"{explain('merged')}. n: number of minima.", columns=3)
    return figure


def _draw_points(axes: Axes, table: pd.DataFrame, index: int, endless: float, model: str) -> None:
    for dim, rows in table.groupby("dim"):
        death = rows["death"].replace(np.inf, endless)
        axes.plot(rows["birth"], death, gid=f"points-{model}-{dim}", zorder=3, **_look(index, int(dim)))


def _look(index: int, dim: int) -> dict[str, Any]:
    color = style.color(index)
    look: dict[str, Any] = {"marker": style.MARKERS[index % len(style.MARKERS)], "linestyle": "none", "color": color}
    face = color if dim == 0 else "none"
    return look | {"markersize": 5, "markerfacecolor": face, "markeredgewidth": 0.9, "alpha": 0.85, "clip_on": False}


def _legend(tables: dict[str, pd.DataFrame], labels: dict[str, str]) -> list[Line2D]:
    handles = []
    for index, (model, table) in enumerate(tables.items()):
        label = f"{labels[model]} (n = {(table['dim'] == 0).sum()})"
        handles.append(Line2D([], [], label=label, **_look(index, 0)))
    if any((table["dim"] == 1).any() for table in tables.values()):
        for name, face in (("dimension 0", style.GREY), ("dimension 1", "none")):
            look: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": style.GREY, "markerfacecolor": face}
            handles.append(Line2D([], [], label=name, markersize=5, **look))
    return handles
