"""Saddles by several recipes for the curves of the same pairs of minima, side by side. Not in the papers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.networks.settings import RecipesFigure
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.work import Work

COLUMNS = ("model", "by", "a", "b", "kind", "t", "objective")


def draw(work: Work[RecipesFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return optimisers(work.trained("curves"), settings.labels, settings.recipes, settings.title)


@style.styled
def optimisers(
    curves: pd.DataFrame, labels: dict[str, str], recipes: Mapping[str, dict[str, str]], title: str
) -> Figure:
    """Deaths of the direct bars by each recipe alone, a panel per model, a column per recipe, a dot per minimum.

    A line joins the deaths of one minimum; the dash is their mean. ``recipes`` are the names of each model's recipes,
    by kind; a model with one alone is not drawn. ValueError for an empty table, by name.
    """
    compared = {
        model: text for model, text in labels.items() if sum(k.startswith("curves") for k in recipes[model]) > 1
    }
    tables = per_model(curves, compared, COLUMNS, "curves", kind="curve")
    deaths = {model: deaths_by_recipe(table, list(recipes[model])) for model, table in tables.items()}
    figure, axes = style.panels(len(compared), title, height=2.6, sharey=True)
    log = style.wants_log(np.concatenate([table.to_numpy().ravel() for table in deaths.values()]))
    for panel, (model, table) in zip(axes, deaths.items(), strict=True):
        looks = [(style.MARKERS[i % len(style.MARKERS)], style.color(i), kind) for i, kind in enumerate(table.columns)]
        draw_joined(panel, table, 0.0, [f"minimum-{minimum}" for minimum in table.index], "deaths", looks)
        panel.set_xlim(-0.5, len(table.columns) - 0.5)
        style.loss_axis(panel, "y", log, "death")
        if panel is not axes[0]:
            panel.set_ylabel("")
        panel.set_title(compared[model])
        names = [style.wrap(recipes[model][kind], 1.6 / len(table.columns) + 0.3) for kind in table.columns]
        panel.set_xticks(range(len(names)), names, rotation=30 if len(names) > 3 else 0)
    note = "Direct bars of the given minima. A dot: the death of a minimum's bar by the curves of one recipe. "
    note += "Lines join those of a minimum."
    style.caption(figure, [mean_handle()], note)
    return figure


def deaths_by_recipe(curves: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    """Minimum → death of its direct bar by each recipe alone, a column per kind; the lowest minimum has none.

    The loss of a minimum is that of its curves at their ends. Of equal losses the smaller number counts as the lower.
    """
    ends = [curves[curves["t"] == t].groupby(side)["objective"].min() for side, t in (("a", 0.0), ("b", 1.0))]
    losses = pd.concat(ends).groupby(level=0).min()
    rank = {minimum: place for place, minimum in enumerate(losses.sort_values(kind="stable").index)}
    heights = curves.groupby(["by", "a", "b"])["objective"].max().reset_index()
    higher = np.where(heights["a"].map(rank) > heights["b"].map(rank), heights["a"], heights["b"])
    deaths = heights.assign(minimum=higher).groupby(["minimum", "by"])["objective"].min().unstack()
    return deaths[[kind for kind in kinds if kind in deaths.columns]]


def draw_joined(
    axes: Axes, table: pd.DataFrame, first: float, lines: list[str], what: str, looks: list[tuple[str, str, str]]
) -> None:
    """Dots of each column above each other, from ``first`` on; a line joins those of a row, a dash is the mean.

    ``lines`` are the lines' gids, ``looks`` marker and colour of each column, and its name in gids after ``what``.
    """
    places = first + np.arange(len(table.columns))
    for gid, (_, row) in zip(lines, table.iterrows(), strict=True):
        axes.plot(places, row, color=style.GREY, linewidth=0.5, alpha=0.6, gid=gid)
    for place, column, (marker, color, name) in zip(places, table.columns, looks, strict=True):
        values = table[column]
        axes.plot(np.full(len(table), place), values, marker, color=color, markersize=3, gid=f"{what}-{name}")
        axes.plot([place], [values.mean()], "_", color="black", markersize=12, markeredgewidth=1.4, gid=f"mean-{name}")


def mean_handle() -> Line2D:
    """The dash in a legend."""
    return Line2D([], [], marker="_", markersize=9, color="black", linestyle="none", label="mean")
