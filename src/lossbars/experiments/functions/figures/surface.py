"""Surfaces of functions of two variables (Barannikov et al. 2020, fig. 2a to 5a)."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LightSource, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.axes3d import Axes3D  # type: ignore[import-untyped]

from lossbars.plots import style
from lossbars.plots.surfaces import COLUMNS, as_grid
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

CELLS = 160  # a side at most: more are finer than the pixels
PIXELS = 220  # an inch: the surface is a picture in the PDF and the SVG, which would have all its cells else


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return surface(work.tables("surfaces"), settings.labels, settings.title)


@style.styled
def surface(surface: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """The graph of each function of two variables, one panel per model (Barannikov et al. 2020, fig. 2a to 5a).

    Places and values are in the units of the table, which holds a full grid per model. Where a wall at the edge of
    the box would flatten everything else, it is cut, and the panel says where. ValueError for an empty table, a model
    without rows and points that are no full grid, by name.
    """
    tables = per_model(surface, labels, COLUMNS, "surface")
    figure, axes = style.panels(len(labels), title, height=2.35, subplot_kw={"projection": "3d"})
    figure.set_dpi(PIXELS)
    cuts = []
    for panel, (model, rows) in zip(axes, tables.items(), strict=True):
        x, y, values = as_grid(rows, model)
        top = cut_at(values)
        _draw(panel, x, y, np.minimum(values, top))
        if top < values.max():
            cuts.append(f"{labels[model]} at {top:.3g} of {values.max():.3g}")
        panel.set_title(labels[model], pad=-2)
    note = f" Cut, to show what is below: {'; '.join(cuts)}." if cuts else ""
    style.caption(figure, [], f"Values over the box of each function; colours are those of the height.{note}")
    return figure


def cut_at(values: Float[np.ndarray, "n m"]) -> float:
    """The largest value to draw: thrice as far above the minimum as the median where the maximum is beyond fivefold."""
    low, middle, high = values.min(), np.median(values), values.max()
    return float(low + 3 * (middle - low) if high - low > 5 * (middle - low) else high)


def _draw(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray) -> None:
    assert isinstance(axes, Axes3D)
    step = -(-max(values.shape) // CELLS)
    light = LightSource(azdeg=315, altdeg=50)
    reach = np.ptp(values) or 1.0
    unit = (values - values.min()) / reach * values.shape[0] * 0.5  # cells as wide as high, or the light means nothing
    colours = light.shade_rgb(colormaps["viridis"](Normalize()(values))[..., :3], unit, blend_mode="soft")
    places: Any = np.meshgrid(x, y)
    axes.plot_surface(
        *places, values, facecolors=colours, rstride=step, cstride=step, linewidth=0, antialiased=False, shade=False,
        rasterized=True, gid="surface",
    )  # fmt: skip
    axes.set_box_aspect((1, 1, 0.72), zoom=1.0)
    axes.view_init(elev=34, azim=-58)
    axes.set_xlabel("x", labelpad=-9)
    axes.set_ylabel("y", labelpad=-9)
    axes.tick_params(labelsize=style.SMALL - 1, pad=-3)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.pane.set(facecolor="0.97", edgecolor="0.85")
        axis._axinfo["grid"].update(color="0.88", linewidth=0.4)
