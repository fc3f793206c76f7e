"""Barcodes of the losses of tiny networks beside the published tops (Barannikov et al. 2020, fig. 7)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lossbars.experiments.functions.bar_tables import LARGE, large, significant
from lossbars.experiments.functions.claims.tiny_networks import published_tops
from lossbars.experiments.functions.config import LandscapesFigure
from lossbars.experiments.functions.figures.cloud_tables import clouds, coarser, count
from lossbars.plots import style
from lossbars.plots.bar_marks import bar_legend, draw_bars
from lossbars.plots.bars import SHARE, finite
from lossbars.workflow.work import Work

COLUMNS = ("model", "source", "seed", "birth", "death", "size", "n", "low", "high")
SOURCES = {"cloud": "of the cloud with the lowest number", "merged": "of optimised curves (merged)"}
BAND = "#F3DDB3"
PANEL = 440.0  # points: the width of the panel


def draw(work: Work[LandscapesFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    published = published_tops(settings.landscapes)
    return tiny_bars(work.table("bars"), settings.labels, settings.title, published)


@style.styled
def tiny_bars(
    bars: pd.DataFrame,
    labels: dict[str, str],
    title: str,
    published: dict[str, tuple[float, float]] | None = None,
    source: str = "cloud",
    most: int = 40,
) -> Figure:
    """The bars of each network side by side on one axis (figure 7), at most the ``most`` longest of each.

    Of a cloud, those of large clusters: in many dimensions noise is long. ``published`` has for some models the
    interval that the paper gives for the tops of the bars: a shaded band in the model's column. Below each name: the
    number of bars, and the range of all sampled values. Values are in the units of the table. ``source`` is cloud or
    merged. ValueError for an empty table and a model without rows, by name.
    """
    if source not in SOURCES:
        raise ValueError(f"source {source!r} is none of {', '.join(SOURCES)}")
    tables = clouds(bars, labels, COLUMNS, source)
    shown = {model: _longest(significant(large(table)), most) for model, table in tables.items()}
    figure, (axes,) = style.panels(1, title, height=3.2)
    bands = {model: band for model, band in (published or {}).items() if model in labels}
    rows = pd.concat(shown.values())
    values = np.concatenate([rows["birth"], finite(rows)["death"], *bands.values()])
    log = style.wants_log(values)
    style.loss_axis(axes, "y", log)
    axes.set(xlim=(0, len(labels)), ylim=style.limits(values, log))
    for index, (model, table) in enumerate(shown.items()):
        _draw_column(axes, table, index, bands.get(model))
    below = [f"{_range(bars, model)}\n{_count(tables[model], shown[model])}" for model in labels]
    style.name_models(axes, np.arange(len(labels)) + 0.5, list(labels.values()), below)
    axes.tick_params(axis="x", length=0)
    note = f"Bars {SOURCES[source]}"
    note += f" whose clusters have {LARGE:.1%} of all points or more" if source == "cloud" else ""
    note += f"; of these the {most} longest at most, none below {SHARE:.0%} of the longest finite one{coarser(tables)}."
    note += " f: the range of all sampled values."
    published_handle = [Patch(color=BAND, label="published interval of the tops")] if bands else []
    style.caption(figure, bar_legend(3.0) + published_handle, note)
    return figure


def _longest(bars: pd.DataFrame, most: int) -> pd.DataFrame:
    """The ``most`` longest bars, by birth; half-lines are the longest."""
    order = (bars["birth"] - bars["death"]).sort_values(kind="stable").index[:most]
    return bars.loc[order].sort_values(["birth", "death"])


def _range(bars: pd.DataFrame, model: str) -> str:
    """The range of values at all points of a model's clouds: optimised curves stay below most of them."""
    clouds = bars[(bars["model"] == model) & (bars["source"] == "cloud")]
    return f"f {clouds['low'].min():.2g} to {clouds['high'].max():.3g}" if len(clouds) else "f unknown"


def _count(table: pd.DataFrame, shown: pd.DataFrame) -> str:
    return f"{len(shown)} bars" if len(shown) == count(table) else f"{len(shown)} of {count(table)}\nbars"


def _draw_column(axes: Axes, bars: pd.DataFrame, index: int, band: tuple[float, float] | None) -> None:
    """The bars of one network, spread over (index, index + 1), and the published interval of their tops."""
    color, model = style.color(index), bars["model"].iloc[0]
    if index:
        axes.axvline(index, color="0.88", linewidth=0.7, zorder=0)
    if band:
        axes.fill_between([index, index + 1], *band, color=BAND, linewidth=0, zorder=0.5, gid=f"published-{model}")
    x = index + 0.1 + 0.8 * (np.arange(len(bars)) + 0.5) / len(bars)
    width = min(1.6, 0.5 * PANEL / axes.get_xlim()[1] / len(bars))
    draw_bars(axes, x, bars, color, model, width=width, dot=2.2, dash=(3.0, 1.2), half_line=1.4, arrow=1.015)
