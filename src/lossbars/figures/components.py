"""Barcodes, and beside them the number N(λ) of connected components of the sublevel sets.

No paper has this figure: loss-landscape-lecture.txt (page 5) defines N(λ), and a barcode is what it is read off.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lossbars.bar_tables import SHARE, lengths, longest
from lossbars.barcode import components as components_at
from lossbars.figures import style
from lossbars.figures.tables import per_model

COLUMNS = ("model", "birth", "death")
WIDE = 120.0  # points: the width of a panel of bars
ARROWS = 1.03  # fraction of the panel's height
NOTES = {
    "cloud": f"Of a cloud, bars no longer than {SHARE:.0%} of the longest finite one are left out (noise). ",
    "curves": "Of curves, bars no longer than the stated tolerance are left out: they join places of one valley. ",
}


@style.styled
def components(bars: pd.DataFrame, labels: dict[str, str], title: str, unit: str = "loss") -> Figure:
    """Each model's bars, and N(λ) beside them on the same axis of ``unit``: a level λ crosses as many bars as N(λ) says.

    N(λ) is a step function, at a birth and at a death already what it is above (:func:`lossbars.barcode.components`).
    Only merged bars count components. Of networks these are drawn; of functions those of the cloud with the lowest
    number, without its noise, or where a model has no cloud those of its curves, without what is no longer than their
    ``threshold``. ValueError for an empty table, and for a model without such bars, by name.
    """
    of_functions = "source" in bars
    tables = {model: _counted(bars, model, labels) for model in labels} or per_model(bars, labels, COLUMNS, "bars")
    figure, axes = style.panels(
        2 * len(labels), title, height=1.75, columns=min(4, 2 * len(labels)), width_ratios=[1.4, 1] * min(2, len(labels))
    )
    for index, (model, table) in enumerate(tables.items()):
        left, right = axes[2 * index : 2 * index + 2]
        ends = table[["birth", "death"]].to_numpy(dtype=np.float64)
        _draw_bars(left, ends, style.color(index), model, unit)
        most = _draw_steps(right, left, ends, style.color(index), model)
        left.set_title(f"{labels[model]}\n{_plural(len(ends), 'bar')}", pad=9)
        right.set_title(f"at most {_plural(most, 'component')}", pad=9)
    sources = dict.fromkeys("cloud" if own["source"].iloc[0] == "cloud" else "curves" for own in tables.values())
    note = "".join(NOTES[source] for source in sources) if of_functions else ""
    note += "N(λ): connected components of the set where the "
    style.caption(figure, _legend(), note + f"{unit} is at most λ, so many as there are merged bars at λ.")
    return figure


def _counted(bars: pd.DataFrame, model: str, labels: dict[str, str]) -> pd.DataFrame:
    """The bars of a model that count components, by birth."""
    own = {model: labels[model]}
    if "source" not in bars:
        table = per_model(bars, own, COLUMNS, "bars", convention="merged", dim=0)[model].assign(source="curves")
        return table.sort_values(["birth", "death"])
    cloud = bool(((bars["model"] == model) & (bars["source"] == "cloud")).any())
    table = per_model(bars, own, (*COLUMNS, "seed"), "bars", source="cloud" if cloud else "merged")[model]
    table = table[table["seed"] == table["seed"].min()]
    limit = SHARE * longest(table) if cloud else table["threshold"].to_numpy()
    return table[lengths(table) > limit].sort_values(["birth", "death"])


def _draw_bars(axes: Axes, ends: np.ndarray, color: str, model: str, unit: str) -> None:
    values = ends[np.isfinite(ends)]
    log = style.wants_log(values)
    axes.set(ylim=style.limits(values, log, below=0.1, above=0.18), xlim=(-0.7, len(ends) - 0.3), xticks=[])
    if not log:
        axes.locator_params(axis="y", nbins=5)
    style.loss_axis(axes, "y", log, f"{unit} λ")
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
    axes.stairs(counts, edges, orientation="horizontal", baseline=None, color=color, linewidth=1.2, gid=f"steps-{model}")
    axes.stairs(counts, edges, orientation="horizontal", color=color, alpha=0.18, fill=True, linewidth=0)
    axes.set(yscale=beside.get_yscale(), ylim=(low, high), xlim=(0, 1.12 * max(counts.max(), 2)), xlabel="N(λ)")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.tick_params(axis="y", which="both", labelleft=False)
    axes.yaxis.set_major_locator(beside.yaxis.get_major_locator())
    return int(counts.max())


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _legend() -> list[Line2D]:
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=3.2, label="birth: a component more", **grey),
        Line2D([], [], marker="_", markersize=5, mew=1.6, label="death: two join", **grey),
        Line2D([], [], marker="^", markersize=5, label="half-line", **grey),
        Line2D([], [], color=style.GREY, linewidth=1.2, label="N(λ)"),
    ]
