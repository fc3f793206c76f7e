"""Barcodes of several architectures side by side (Barannikov et al. 2022, figure 2).

Also Barannikov et al. 2020, Topological obstructions, figure 2.
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.networks.settings import GroupsFigure
from lossbars.plots import style
from lossbars.plots.bars import certified, finite, score_text, to_score, unresolved
from lossbars.plots.tables import by_group, explain, per_model
from lossbars.workflow.work import Work

COLUMNS = ("model", "convention", "dim", "birth", "death", "born_at", "dies_at")


def draw(work: Work[GroupsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return barcodes(work.table("bars"), settings.labels, settings.title, groups=settings.groups)


@style.styled
def barcodes(
    bars: pd.DataFrame,
    labels: dict[str, str],
    title: str,
    convention: Literal["direct", "merged"] = "direct",
    dim: Literal[0, 1] = 0,
    groups: Mapping[str, list[str]] | None = None,
) -> Figure:
    """One group of vertical bars per model, sorted by birth (both papers, figure 2; with ``dim=1`` v1, figure 6b).

    A bar reaches from its birth (dot) to its death (dash); a half-line leaves the top as an arrow. Losses are in
    the units of the table. Under each name: the TO-score, in the same units, and n, the number of minima (with
    ``dim=1``, of bars). Of a model whose minima come in ``groups``, these stand apart, a red line between them (v1,
    figure 5; v3, figure 6). ValueError for an empty table and for a model without bars, by name; with ``dim=1`` a model
    may have none.
    """
    divided = []
    if groups:
        divided = list(itertools.accumulate(max(1, len(groups[model])) for model in labels))
        bars, labels = by_group(bars, labels, groups)
    where = {"convention": convention} | ({"dim": 0} if dim == 0 else {})  # triangles may fill all loops at no cost
    tables = per_model(bars, labels, COLUMNS, "bars", **where)
    tables = {model: table[table["dim"] == dim] for model, table in tables.items()}
    figure, (axes,) = style.panels(1, title, height=3.0)
    below = [f"{score_text(to_score(table, dim=dim))}\nn = {len(table)}" for table in tables.values()]
    draw_barcodes(axes, tables, list(labels.values()), below)
    for index in range(1, len(tables) if groups else 1):
        if index not in divided:
            axes.axvline(index, color="red", linewidth=1.0, gid=f"between-groups-{index}")
    explained = explain(convention)
    if dim:
        explained = (
            "1-saddles of the given minima: a bar is a loop of curves, from its highest curve to the last of the "
            "triangles that fill it"
        )
    what = f"bars of dimension {dim}" if dim else "minima"
    note = f"{explained}.\nTO: TO-score, the longest finite bar / √2. n: number of {what}."
    style.caption(figure, legend(dim, tables.values()), note)
    return figure


def draw_barcodes(
    axes: Axes, tables: Mapping[str, pd.DataFrame], names: list[str], below: list[str], alike: int = 1
) -> None:
    """Barcodes side by side, every second on grey, ``alike`` successive ones in one colour, with names under them."""
    log, limits = loss_range(pd.concat(tables.values()))
    style.loss_axis(axes, "y", log)
    axes.set(xlim=(0, len(tables)), ylim=limits)
    for index, (key, table) in enumerate(tables.items()):
        if index % 2:
            axes.axvspan(index, index + 1, color="0.955", linewidth=0, zorder=0)
        draw_bars(axes, table, key, index, style.color(index // alike))
    style.name_models(axes, np.arange(len(tables)) + 0.5, names, below)
    axes.tick_params(axis="x", length=0)


def loss_range(bars: pd.DataFrame) -> tuple[bool, tuple[float, float]]:
    """Whether a loss axis for these bars is logarithmic, and its limits; 0 to 1 without bars."""
    losses = np.concatenate([bars["birth"], bars["death"][np.isfinite(bars["death"])]])
    if not len(losses):
        return False, (0.0, 1.0)
    log = style.wants_log(losses)
    return log, style.limits(losses, log)


def draw_bars(axes: Axes, table: pd.DataFrame, model: str, left: int, color: str) -> None:
    """The bars of one model by increasing birth, spread over (left, left + 1), up to the top of ``axes``."""
    table = table.sort_values(["birth", "born_at"])
    x = left + 0.12 + 0.76 * (np.arange(len(table)) + 0.5) / max(1, len(table))
    birth, death = table["birth"].to_numpy(), table["death"].to_numpy()
    ends = np.isfinite(death)
    top = axes.get_ylim()[1]
    axes.vlines(x[ends], birth[ends], death[ends], color=color, linewidth=1.6, gid=f"bars-{model}")
    at_saddle = ends & certified(table)
    known = ends & ~unresolved(table) & ~at_saddle
    axes.plot(x[known], death[known], "_", color=color, markersize=4, markeredgewidth=1.6, gid=f"deaths-{model}")
    if at_saddle.any():
        axes.plot(x[at_saddle], death[at_saddle], "D", color=color, markersize=2.6, gid=f"saddles-{model}")
    if (open_ended := ends & ~known & ~at_saddle).any():
        look: dict[str, Any] = {"markersize": 4, "markerfacecolor": "white", "markeredgewidth": 1.0}
        axes.plot(x[open_ended], death[open_ended], "v", color=color, gid=f"open-{model}", **look)
    axes.vlines(x[~ends], birth[~ends], top, color=color, linewidth=1.6, gid=f"half-lines-{model}")
    axes.plot(
        x[~ends], np.full((~ends).sum(), 1.015), "^", color=color, markersize=5, clip_on=False,
        transform=axes.get_xaxis_transform(), gid=f"arrows-{model}",
    )  # fmt: skip
    axes.plot(x, birth, "o", color=color, markersize=3.2, clip_on=False, gid=f"births-{model}")


def legend(dim: int, tables: Iterable[pd.DataFrame]) -> list[Line2D]:
    """What the bars of a dimension in these tables are drawn with."""
    tables = [finite(table) for table in tables]
    open_ended = any((unresolved(table) & ~certified(table)).any() for table in tables)
    at_saddles = any(certified(table).any() for table in tables)
    born, dies = ("minimum", "death (highest on a curve)") if dim == 0 else ("birth (curve)", "death (triangle)")
    endless = "half-line of the lowest" if dim == 0 else "half-line"
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=3.2, label=born, **grey),
        Line2D([], [], marker="_", markersize=5, markeredgewidth=1.6, label=dies, **grey),
        *([Line2D([], [], marker="D", markersize=2.6, label="death (certified saddle)", **grey)] if at_saddles else []),
        Line2D([], [], marker="^", markersize=5, label=endless, **grey),
        *([Line2D([], [], marker="v", markersize=4, mfc="white", label="not converged", **grey)] if open_ended else []),
    ]
