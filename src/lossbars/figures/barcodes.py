"""Barcodes of several architectures side by side (loss-barcode.txt and topological-obstructions.txt, figure 2)."""

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.figures import style
from lossbars.figures.tables import by_group, explain, longest_over_root2, per_model

COLUMNS = ("model", "convention", "dim", "birth", "death", "born_at", "dies_at")


@style.styled
def barcodes(
    bars: pd.DataFrame,
    labels: dict[str, str],
    title: str,
    convention: Literal["direct", "merged"] = "direct",
    dim: int = 0,
    groups: Mapping[str, list[str]] | None = None,
) -> Figure:
    """One group of vertical bars per model, sorted by birth (both papers, figure 2; with ``dim=1`` v1, figure 6b).

    A bar reaches from its birth (dot) to its death (dash); a half-line leaves the top as an arrow. Losses are in
    the units of the table. Under each name: the TO-score, in the same units, and n, the number of minima (with
    ``dim=1``, of bars). Of a model whose minima come in ``groups``, these stand apart, a red line between them (v1,
    figure 5; v3, figure 6). ValueError for an empty table and for a model without bars, by name.
    """
    divided = []
    if groups:
        divided = list(itertools.accumulate(max(1, len(groups[model])) for model in labels))
        bars, labels = by_group(bars, labels, groups)
    explained = explain(convention)
    tables = per_model(bars, labels, COLUMNS, "bars", convention=convention, dim=dim)
    figure, (axes,) = style.panels(1, title, height=3.0)
    rows = pd.concat(tables.values())
    losses = np.concatenate([rows["birth"], rows["death"][np.isfinite(rows["death"])]])
    log = style.wants_log(losses)
    style.loss_axis(axes, "y", log)
    axes.set(xlim=(0, len(labels)), ylim=style.limits(losses, log))
    for index, table in enumerate(tables.values()):
        _draw_bars(axes, table.sort_values(["birth", "born_at"]), index)
        if groups and index and index not in divided:
            axes.axvline(index, color="red", linewidth=1.0, gid=f"between-groups-{index}")
    below = [f"TO {longest_over_root2(table):.3g}\nn = {len(table)}" for table in tables.values()]
    style.name_models(axes, np.arange(len(labels)) + 0.5, list(labels.values()), below)
    axes.tick_params(axis="x", length=0)
    what = "minima" if dim == 0 else f"bars of dimension {dim}"
    style.caption(
        figure, _legend(dim), f"{explained}.\nTO: TO-score, the longest finite bar / √2. n: number of {what}."
    )
    return figure


def _draw_bars(axes: Axes, table: pd.DataFrame, index: int) -> None:
    """The bars of the ``index``-th model, spread over (index, index + 1)."""
    color, model = style.color(index), table["model"].iloc[0]
    if index % 2:
        axes.axvspan(index, index + 1, color="0.955", linewidth=0, zorder=0)
    x = index + 0.12 + 0.76 * (np.arange(len(table)) + 0.5) / len(table)
    birth, death = table["birth"].to_numpy(), table["death"].to_numpy()
    ends = np.isfinite(death)
    top = axes.get_ylim()[1]
    axes.vlines(x[ends], birth[ends], death[ends], color=color, linewidth=1.6, gid=f"bars-{model}")
    axes.plot(x[ends], death[ends], "_", color=color, markersize=4, markeredgewidth=1.6, gid=f"deaths-{model}")
    axes.vlines(x[~ends], birth[~ends], top, color=color, linewidth=1.6, gid=f"half-lines-{model}")
    axes.plot(
        x[~ends], np.full((~ends).sum(), 1.015), "^", color=color, markersize=5, clip_on=False,
        transform=axes.get_xaxis_transform(), gid=f"arrows-{model}",
    )  # fmt: skip
    axes.plot(x, birth, "o", color=color, markersize=3.2, clip_on=False, gid=f"births-{model}")


def _legend(dim: int) -> list[Line2D]:
    born, dies = ("minimum", "death (saddle)") if dim == 0 else ("birth (curve)", "death (triangle)")
    endless = "half-line of the global minimum" if dim == 0 else "half-line"
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=3.2, label=born, **grey),
        Line2D([], [], marker="_", markersize=5, markeredgewidth=1.6, label=dies, **grey),
        Line2D([], [], marker="^", markersize=5, label=endless, **grey),
    ]
