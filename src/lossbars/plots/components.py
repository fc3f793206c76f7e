"""Barcodes, and beside them the number N(λ) of connected components of the sublevel sets.

No paper has this figure: Tanner's lecture on the topology of the loss landscape defines N(λ), which is read off a
barcode.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lossbars.barcodes.barcode import components_at
from lossbars.plots import style
from lossbars.plots.bars import SHARE, grouped, lengths, longest
from lossbars.plots.tables import per_model

COLUMNS = ("model", "birth", "death")
WIDE = 120.0  # points: the width of a panel of bars
ARROWS = 1.03  # fraction of the panel's height
NOTES = {
    "networks": "Only the given minima count, and curves bound their deaths from above. ",
    "cloud": f"Of a cloud, bars no longer than {SHARE:.0%} of the longest finite one are left out (noise). ",
    "merged": "Of curves, bars no longer than the stated tolerance are left out: they join places of one valley. ",
}


@style.styled
def components(
    bars: pd.DataFrame, labels: dict[str, str], title: str, unit: str = "loss", one_axis: bool = True
) -> Figure:
    """Each model's bars, and N(λ) beside them on the same axis of ``unit``: λ crosses as many bars as N(λ) says.

    N(λ) is a step function, at a birth and a death already what it is above
    (:func:`lossbars.barcodes.barcode.components_at`). Only merged bars count components. Of networks these are drawn;
    of functions those of the cloud with the lowest number, without its noise, or where a model has no cloud those of
    its curves, without what is no longer than their ``threshold``. ``one_axis``: all models have one range of λ.
    ValueError for an empty table, and for a model without such bars, by name.
    """
    tables = {model: _counted(bars, model, labels) for model in labels} or per_model(bars, labels, COLUMNS, "bars")
    pairs = min(2, len(labels))  # in a row
    figure, axes = style.panels(2 * len(labels), title, height=1.75, columns=4, width_ratios=[1.4, 1] * pairs)
    every = {model: table[["birth", "death"]].to_numpy(dtype=np.float64) for model, table in tables.items()}
    for index, (model, ends) in enumerate(every.items()):
        left, right = axes[2 * index : 2 * index + 2]
        _scale_losses(left, np.concatenate(list(every.values())) if one_axis else ends, unit, "source" not in bars)
        _draw_bars(left, ends, style.color(index), model)
        most = _draw_steps(right, left, ends, style.color(index), model)
        left.set_title(f"{labels[model]}: {len(ends):,} bar{'s' * (len(ends) > 1)}", pad=9)
        right.set_title(f"N ≤ {most:,}", pad=9)
    sources = dict.fromkeys(table["source"].iloc[0] for table in tables.values())
    note = "".join(NOTES[source] for source in sources)
    note += "N(λ): connected components of the set where the "
    style.caption(figure, _legend(), note + f"{unit} is at most λ, so many as there are merged bars at λ.")
    return figure


def _counted(bars: pd.DataFrame, model: str, labels: dict[str, str]) -> pd.DataFrame:
    """The bars of a model that count components, by birth, and those of one birth by death, the latest first."""
    named = {model: labels[model]}
    if "source" not in bars:
        table = per_model(bars, named, COLUMNS, "bars", convention="merged", dim=0)[model].assign(source="networks")
        return pd.concat(grouped(table))
    cloud = "model" in bars and bool(((bars["model"] == model) & (bars["source"] == "cloud")).any())
    table = per_model(bars, named, (*COLUMNS, "seed"), "bars", source="cloud" if cloud else "merged")[model]
    table = table[table["seed"] == table["seed"].min()]
    limit = SHARE * longest(table) if cloud else table["threshold"].to_numpy()
    return pd.concat(grouped(table[lengths(table) > limit]))


def _scale_losses(axes: Axes, ends: np.ndarray, unit: str, may_be_log: bool) -> None:
    """The axis of λ, upwards; of functions never logarithmic, since their values are of any sign."""
    values = ends[np.isfinite(ends)]
    log = may_be_log and style.wants_log(values)
    axes.set(ylim=style.limits(values, log, below=0.1, above=0.18))
    if not log:
        axes.locator_params(axis="y", nbins=5)
    style.loss_axis(axes, "y", log, f"{unit} λ")


def _draw_bars(axes: Axes, ends: np.ndarray, color: str, model: str) -> None:
    axes.set(xlim=(-0.7, len(ends) - 0.3), xticks=[])
    x, top, pitch = np.arange(len(ends)), axes.get_ylim()[1], WIDE / len(ends)
    endless = np.isinf(ends[:, 1])
    width, size = min(1.6, 0.7 * pitch), min(3.2, 0.95 * pitch)
    axes.vlines(x, ends[:, 0], np.minimum(ends[:, 1], top), color=color, linewidth=width, gid=f"bars-{model}")
    axes.plot(x, ends[:, 0], "o", color=color, markersize=size, mew=0, clip_on=False, gid=f"births-{model}")
    axes.plot(
        x[~endless], ends[~endless, 1], "_", color=color, markersize=size + 1, mew=width, gid=f"deaths-{model}"
    )  # fmt: skip
    axes.plot(
        x[endless], np.full(endless.sum(), ARROWS), "^", color=color, markersize=5, mew=0, clip_on=False,
        transform=axes.get_xaxis_transform(), gid=f"arrows-{model}",
    )  # fmt: skip


def _draw_steps(axes: Axes, beside: Axes, ends: np.ndarray, color: str, model: str) -> int:
    """N(λ) to the right, λ upwards as ``beside``; returns its largest value."""
    low, high = beside.get_ylim()
    inner = np.unique(ends[np.isfinite(ends)])
    number = components_at(ends, inner)
    edges = np.concatenate([[low], inner, [high]])
    counts = np.concatenate([[0], number])  # between two edges
    look: dict[str, Any] = {"orientation": "horizontal", "color": color}
    axes.stairs(counts, edges, baseline=None, linewidth=1.2, gid=f"steps-{model}", **look)
    axes.stairs(counts, edges, alpha=0.18, fill=True, linewidth=0, **look)
    axes.set(yscale=beside.get_yscale(), ylim=(low, high), xlim=(0, 1.12 * max(counts.max(), 2)), xlabel="N(λ)")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.tick_params(axis="y", which="both", labelleft=False)
    axes.yaxis.set_major_locator(beside.yaxis.get_major_locator())
    return int(counts.max())


def _legend() -> list[Line2D]:
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=3.2, label="birth: a component more", **grey),
        Line2D([], [], marker="_", markersize=5, mew=1.6, label="death: two join", **grey),
        Line2D([], [], marker="^", markersize=5, label="half-line", **grey),
        Line2D([], [], color=style.GREY, linewidth=1.2, label="N(λ)"),
    ]
