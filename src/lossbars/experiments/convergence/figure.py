"""Distance between barcodes of clouds against their number of points (Barannikov et al. 2020, fig. 6)."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from lossbars.experiments.convergence.fits import comparable, means, slope, upper_half
from lossbars.plots import style
from lossbars.plots.tables import per_model, span
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "function", "dim", "n", "pair")
VALUES = ("distance", "truth_one", "truth_other", "empty")
BESIDE = 1.25  # factor: the reference line lies so far above the line that it belongs to


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return convergence(work.table("distances"), work.settings.labels, work.settings.title)


@style.styled
def convergence(distances: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Mean bottleneck distance (L∞) of pairs of clouds against their size, a panel per function (figure 6).

    A line and a colour per dimension D, with the standard error of the mean; beside it the mean distance to the exact
    barcode (dotted), that of a barcode without finite bars (thin), and the slope −1/D (dashed) over the sizes whose
    slope stands below the panel, with its 95 % interval. Pairs at an infinite distance are left out and counted.
    ValueError for an empty table, a model without rows or without a finite distance, and a NaN distance, by name.
    """
    tables = per_model(distances, labels, COLUMNS, "distances")
    functions: dict[str, list[str]] = {}
    for model, table in tables.items():
        _check(table, model)
        functions.setdefault(str(table["function"].iloc[0]), []).append(model)
    figure, axes = style.panels(len(functions), title, height=3.6)
    dims = sorted({int(table["dim"].iloc[0]) for table in tables.values()})
    for panel, (function, models) in zip(axes, functions.items(), strict=True):
        ordered = sorted(models, key=lambda model: int(tables[model]["dim"].iloc[0]))
        colors = [style.color(dims.index(int(tables[model]["dim"].iloc[0]))) for model in ordered]
        slopes = [_draw_model(panel, tables[m], m, color) for m, color in zip(ordered, colors, strict=True)]
        known = any(tables[model]["truth_one"].notna().any() for model in models)
        _finish(panel, function, slopes, known)
    style.caption(figure, _legend(), _note(pd.concat(tables.values())), columns=4)
    return figure


def _check(table: pd.DataFrame, model: str) -> None:
    where = f"table 'distances', model {model!r}"
    if absent := [column for column in VALUES if column not in table]:
        raise ValueError(f"{where} lacks the column {', '.join(absent)}")
    if table["distance"].isna().any():
        raise ValueError(f"{where}: a distance is not finite, nor infinite: it is no number")
    if comparable(table).empty:
        raise ValueError(f"{where}: every pair is infinitely far apart, its clouds have unequal numbers of components")


def _draw_model(axes: Axes, table: pd.DataFrame, model: str, color: str) -> Line2D:
    """Draws one dimension; returns its line of the panel's legend."""
    rows, dim = means(table), int(table["dim"].iloc[0])
    n, distance = rows["n"].to_numpy(dtype=np.float64), rows["distance"].to_numpy()
    bars = axes.errorbar(
        n, distance, rows["distance_error"], color=color, fmt="o-", markersize=2.6, capsize=1.5, zorder=4
    )
    bars.lines[0].set_gid(f"pairs-{model}")
    if rows["truth"].notna().any():
        axes.plot(n, rows["truth"], ":", color=color, linewidth=1.3, zorder=3, gid=f"truth-{model}")
        axes.plot(n, rows["empty"], "-", color=color, linewidth=0.5, zorder=2, gid=f"empty-{model}")
    name = f"{dim} (−{1 / dim:.2f}): "
    if len(n) > 1:
        fitted, low, high = slope(n, distance)
        x = n[-upper_half(len(n)) :]
        centre = np.exp(np.log(distance[-len(x) :]).mean() - (np.log(x) - np.log(x).mean()) / dim)
        axes.plot(x, BESIDE * centre, "--", color=color, linewidth=0.9, zorder=3, gid=f"reference-{model}")
        interval = f" [{low:.2f}, {high:.2f}]" if math.isfinite(low) else " (of two sizes)"
        name += f"{fitted:.2f}{interval}".replace("-", "−")
    return Line2D([], [], color=color, marker="o", markersize=2.6, label=name)


def _finish(axes: Axes, function: str, slopes: list[Line2D], known: bool) -> None:
    axes.set(xscale="log", xlabel="points N")
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    style.loss_axis(axes, "y", True, "bottleneck distance, L∞")
    if (place := axes.get_subplotspec()) and not place.is_first_col():
        axes.set_ylabel("")
    name = "".join(part.capitalize() for part in function.split("_"))  # as the paper writes it
    axes.set_title(name if known else f"{name}\n(exact barcode unknown)")
    axes.legend(
        handles=slopes, loc="upper center", bbox_to_anchor=(0.5, -0.16), title="D (−1/D): slope [95 % interval]",
        handlelength=1.2, labelspacing=0.3, borderpad=0,
    )  # fmt: skip


def _note(table: pd.DataFrame) -> str:
    counts = [int(count) for count in comparable(table).groupby(["model", "n"]).size()]
    infinite = len(table) - len(comparable(table))
    note = f"Means over {span(counts)} pairs of clouds, ± the standard error. Slopes: over the larger half of sizes."
    if infinite:
        note += f" Left out: {infinite} pairs infinitely far apart (unequal numbers of components)."
    return note


def _legend() -> list[Line2D]:
    grey: dict[str, Any] = {"color": "0.3"}
    return [
        Line2D([], [], marker="o", markersize=2.6, label="between two clouds", **grey),
        Line2D([], [], linestyle=":", linewidth=1.3, label="to the exact barcode", **grey),
        Line2D([], [], linewidth=0.5, label="no finite bar, to the exact one", **grey),
        Line2D([], [], linestyle="--", linewidth=0.9, label="slope −1/D", **grey),
    ]
