"""The two sides of a saddle: thresholds at which strings connect, and maxima of optimised curves. Not in the papers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator

from lossbars.experiments.networks.figures.optimisers import deaths_by_recipe
from lossbars.experiments.networks.settings import StringsFigure
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.work import Work

COLUMNS = ("model", "by", "a", "b", "kind", "t", "objective")
CURVES, STRINGS = "#9CC8E8", "#003A5D"


def draw(work: Work[StringsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return string_bridge(work.trained("curves"), settings.labels, settings.strings, settings.title)


@style.styled
def string_bridge(curves: pd.DataFrame, labels: dict[str, str], strings: Mapping[str, str], title: str) -> Figure:
    """Two panels a model: of each pair, the string's height against the lowest curve's; and the direct bars by both.

    ``strings`` names the kind of each model's recipe for strings; models without one are left out. A wide pale bar ends
    at the lowest curve of a minimum to a lower one, the narrow dark one at the lowest string. ValueError for an empty
    table, and a model without rows, by name.
    """
    compared = {model: text for model, text in labels.items() if model in strings}
    tables = per_model(curves, compared, COLUMNS, "curves", kind="curve")
    figure, axes = style.panels(2 * len(compared), title, height=2.4, columns=2 if len(compared) == 1 else 4)
    for index, (model, table) in enumerate(tables.items()):
        left, right = axes[2 * index : 2 * index + 2]
        tops = heights(table, strings[model])
        _draw_heights(left, tops, model)
        left.set_title(
            f"{compared[model]}\nstrings lower: {(tops['string'] < tops['curve']).sum()} of {len(tops)} pairs"
        )
        _draw_bars(right, table, strings[model], model)
    note = "Strings: the lowest threshold that connects a pair. Curves: the lowest of the other recipes' maxima."
    style.caption(figure, _legend(), f"{note} Both are upper bounds of the saddle. Bars: direct, of the given minima.")
    return figure


def heights(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A row per pair: ``string`` and ``curve``, the largest loss on the string, and on the lowest other curve."""
    tops = table.groupby(["a", "b", "by"])["objective"].max().unstack()
    return pd.DataFrame({"string": tops[kind], "curve": tops.drop(columns=kind).min(axis=1)})


def _draw_heights(axes: Axes, tops: pd.DataFrame, model: str) -> None:
    values = tops.to_numpy()
    log = style.wants_log(values)
    low, high = style.limits(values, log)
    axes.plot([low, high], [low, high], color=style.GREY, linewidth=0.7, gid=f"diagonal-{model}")
    axes.plot(tops["curve"], tops["string"], "o", color=STRINGS, markersize=3, mew=0, alpha=0.8, gid=f"pairs-{model}")
    axes.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
    style.loss_axis(axes, "x", log, "curve")
    style.loss_axis(axes, "y", log, "string")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator() if log else MaxNLocator(3))


def _draw_bars(axes: Axes, table: pd.DataFrame, kind: str, model: str) -> None:
    each = deaths_by_recipe(table, list(table["by"].unique()))
    deaths = pd.DataFrame({"curve": each.drop(columns=kind).min(axis=1), "string": each[kind]})
    ends = pd.concat([table[table["t"] == t].groupby(side)["objective"].min() for side, t in (("a", 0.0), ("b", 1.0))])
    births = ends.groupby(level=0).min().loc[deaths.index]
    order = births.sort_values().index
    x = np.arange(len(order))
    for name, width, color in (("curve", 5.0, CURVES), ("string", 1.8, STRINGS)):
        axes.vlines(x, births[order], deaths.loc[order, name], color=color, linewidth=width, gid=f"{name}s-{model}")
        axes.plot(x, deaths.loc[order, name], "_", color=color, markersize=9, mew=1.2)  # a bar of no length shows too
    values = np.concatenate([births.to_numpy(), deaths.to_numpy().ravel()])
    log = style.wants_log(values)
    axes.set(xticks=[], xlabel="minima, by loss", ylim=style.limits(values, log))
    style.loss_axis(axes, "y", log, "loss")


def _legend() -> list[Line2D]:
    look: dict[str, Any] = {"linestyle": "-"}
    return [
        Line2D([], [], color=CURVES, linewidth=5, label="bar by curves", **look),
        Line2D([], [], color=STRINGS, linewidth=1.8, label="bar by strings", **look),
        Line2D([], [], color=STRINGS, marker="o", markersize=3, linestyle="none", label="a pair"),
    ]
