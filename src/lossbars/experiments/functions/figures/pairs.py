"""Which saddle ends the bar of which minimum (Barannikov et al. 2020, fig. 2b to 5b)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Stroke, withStroke

from lossbars.experiments.functions.bar_tables import places, significant
from lossbars.experiments.functions.figures.cloud_tables import clouds, coarser, count
from lossbars.experiments.functions.figures.surface import PIXELS, cut_at
from lossbars.plots import style
from lossbars.plots.bars import SHARE, finite
from lossbars.plots.surfaces import COLUMNS as SURFACE
from lossbars.plots.surfaces import as_grid
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

BARS = ("model", "source", "seed", "birth", "death", "size", "x0", "x1")
LINE = "white"


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return pairs(work.tables("surfaces"), work.table("bars"), settings.labels, settings.title)


@style.styled
def pairs(
    surface: pd.DataFrame, bars: pd.DataFrame, labels: dict[str, str], title: str, most: int = 30, many: int = 130
) -> Figure:
    """Minima and the saddles that end their bars, on the colours of the function (figures 2b to 5b).

    Of each model, the bars of the cloud with the lowest number that are longer than ``SHARE`` of the longest finite
    one; where these are more than ``many``, the ``most`` with the largest clusters at their death, as the paper has
    it for Langermann's function. ValueError for an empty table and for a model without rows in either, by name.
    """
    grids, tables = per_model(surface, labels, SURFACE, "surface"), clouds(bars, labels, BARS)
    figure, axes = style.panels(len(labels), title, height=2.9, columns=2)
    figure.set_dpi(PIXELS)
    cut = False
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        kept = significant(table)
        shown = kept if len(kept) <= many else kept.nlargest(most, "size")
        cut |= _draw_values(figure, panel, grids[model], model)
        _draw_pairs(panel, shown)
        panel.set_title(f"{labels[model]}\n{_counts(len(shown), len(kept), count(table))}")
    note = f"Noise: bars no longer than {SHARE:.0%} of the longest finite one{coarser(tables)}."
    note += f" Of more than {many} bars, the {most} of the largest clusters are shown."
    note += " An arrow at a colour bar: values above are cut." if cut else ""
    style.caption(figure, _legend(), note)
    return figure


def _counts(shown: int, kept: int, every: int) -> str:
    hidden = [f"{n} {what}" for n, what in ((kept - shown, "of smaller clusters"), (every - kept, "noise")) if n]
    return f"{shown} bars" + (f"; not shown: {', '.join(hidden)}" if hidden else "")


def _draw_values(figure: Figure, axes: Axes, rows: pd.DataFrame, model: str) -> bool:
    """The function's colours; whether values are cut."""
    x, y, values = as_grid(rows, model)
    top = cut_at(values)
    image: ScalarMappable = axes.pcolormesh(
        x, y, values, cmap="viridis", vmax=top, shading="nearest", rasterized=True, gid=f"values-{model}"
    )
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel="x", ylabel="y")
    axes.locator_params(nbins=5)
    bar = figure.colorbar(image, ax=axes, extend="max" if top < values.max() else "neither", aspect=24, pad=0.02)
    bar.outline.set_linewidth(0.4)
    return bool(top < values.max())


def _draw_pairs(axes: Axes, bars: pd.DataFrame) -> None:
    model, ends = bars["model"].iloc[0], finite(bars)
    minima, saddles = places(ends), places(ends, "s")
    outline = [Stroke(linewidth=1.7, foreground="black", alpha=0.55), withStroke(linewidth=0.8, foreground=LINE)]
    links = list(np.stack([minima, saddles], axis=1)) if len(ends) else []
    axes.add_collection(
        LineCollection(links, colors=LINE, linewidths=0.8, path_effects=outline, zorder=3, gid=f"links-{model}")
    )
    for what, place in (("saddles", saddles), ("minima", minima), ("global", places(bars[np.isinf(bars["death"])]))):
        if len(place):
            axes.plot(*place.T, gid=f"{what}-{model}", zorder=4, clip_on=False, **LOOKS[what])


LOOKS: dict[str, dict[str, Any]] = {
    "minima": {"marker": "o", "color": "white", "mec": "black", "mew": 0.6, "markersize": 3.6, "linestyle": "none"},
    "saddles": {
        "marker": "X", "color": style.PALETTE[1], "mec": "white", "mew": 0.4, "markersize": 4.4, "linestyle": "none",
    },
    "global": {
        "marker": "*", "color": style.PALETTE[4], "mec": "black", "mew": 0.6, "markersize": 9.5, "linestyle": "none",
    },
}  # fmt: skip


def _legend() -> list[Line2D]:
    names = {"minima": "minimum of a finite bar", "saddles": "saddle that ends it", "global": "minimum of a half-line"}
    return [Line2D([], [], label=name, **LOOKS[what]) for what, name in names.items()]
