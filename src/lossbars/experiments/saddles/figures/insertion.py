"""Points inserted into a path.

Barannikov et al. 2020, Topological obstructions, fig. 10; Barannikov et al. 2022, fig. 13.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.surfaces import COLUMNS as SURFACE
from lossbars.plots.surfaces import as_grid
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "stage", "epoch", "point", "x", "y", "loss")
LEVELS, FIRST = 12, 0.02  # lines of equal value; the lowest, as a share of the range up to the median
CELLS = 70  # a side at most: the lines are smooth enough, and the file small
MARGIN = 0.35  # around the paths, as a share of the longer of their two extents
LOOK: dict[str, Any] = {"color": style.PALETTE[1], "marker": "o", "markersize": 3.0, "linewidth": 1.0}


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    stages, surfaces = work.tables("stages"), work.tables("surfaces")
    return insertion(stages, surfaces, work.settings.labels, work.settings.title)


@style.styled
def insertion(stages: pd.DataFrame, surface: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A row per function, a panel per stage: the path on lines of equal value.

    Stages are before the first insertion, before the next one, …, and the end. Titles say the largest value at a point
    and on a segment. ValueError for an empty table, a model without rows in either and a surface that is no full grid,
    by name.
    """
    tables, grids = per_model(stages, labels, COLUMNS, "insertion"), per_model(surface, labels, SURFACE, "surface")
    columns = max(table["stage"].nunique() for table in tables.values())
    figure, axes = style.panels(columns * len(labels), title, height=2.6, columns=columns)
    for row, (model, table) in enumerate(tables.items()):
        panels = axes[row * columns : (row + 1) * columns]
        for panel, (stage, path) in zip(panels, table.groupby("stage"), strict=False):
            _contours(panel, grids[model], model)
            panel.plot(path["x"], path["y"], gid=f"path-{model}-{stage}", zorder=4, **LOOK)
            panel.set_title(_words(path))
            _limit(panel, table, grids[model])
        panels[0].set_ylabel(f"{labels[model]}\ny")
        for spare in panels[table["stage"].nunique() :]:
            spare.set_axis_off()
    handles = [Line2D([], [], label="points of the path and its segments", **LOOK)]
    style.caption(figure, handles, "The path before points are inserted (left), and before each next insertion.")
    return figure


def _words(path: pd.DataFrame) -> str:
    top, between = path["loss"].max(), path["segment"].max()
    text = f"epoch {path['epoch'].iloc[0]}, {len(path)} points\nup to {top:.3g}, on segments {between:.3g}"
    return text.replace("-", "−")


def _contours(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    """Lines at values whose distances from the minimum grow by one factor."""
    x, y, values = as_grid(rows, model)
    low, reach = values.min(), np.median(values) - values.min()
    step = -(-max(values.shape) // CELLS)
    levels = low + reach * np.geomspace(FIRST, 4.0, LEVELS)
    axes.contour(x[::step], y[::step], values[::step, ::step], levels=levels, cmap="viridis", linewidths=0.6, zorder=1)
    axes.set(xlabel="x", ylabel="y")


def _limit(axes: Axes, table: pd.DataFrame, surface: pd.DataFrame) -> None:
    """Show one part of the plane at every stage, inside the surface."""
    low, high = table[["x", "y"]].min().to_numpy(), table[["x", "y"]].max().to_numpy()
    margin = MARGIN * (high - low).max()
    low = np.maximum(low - margin, surface[["x", "y"]].min().to_numpy())
    high = np.minimum(high + margin, surface[["x", "y"]].max().to_numpy())
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
