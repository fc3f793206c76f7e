"""Normalised length and number of beads against the threshold (Freeman & Bruna 2017, table 1)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lossbars.experiments.strings.config import StringsFigure
from lossbars.experiments.strings.fits import NEAR, PowerLaw, knee, law_of, levels
from lossbars.plots import style
from lossbars.plots.tables import per_model, span
from lossbars.workflow.work import Work

COLUMNS = ("model", "pair", "threshold", "answer", "beads")
MANY = 10  # mean beads from which their axis is logarithmic, above one
DECADES = 1.7  # of thresholds, from which the axis has a tick for each alone
NAMES = {"loss": "loss", "error": "share of errors", "perplexity": "perplexity"}


def draw(work: Work[StringsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return string_lengths(work.table("answers"), settings.labels, settings.metrics, settings.title)


@style.styled
def string_lengths(answers: pd.DataFrame, labels: dict[str, str], metrics: dict[str, str], title: str) -> Figure:
    """Two panels a model: length, and beads, over connected pairs, against the threshold, which falls to the right.

    Points are means, bars standard deviations, lines power laws below the last threshold at which the length is near 1.
    A hollow point has pairs that were not connected within the budget; thresholds without a connected pair have none.
    ValueError for an empty table, and a model without rows, by name.
    """
    per_model(answers, labels, COLUMNS, "strings")
    figure, axes = style.panels(2 * len(labels), title, height=1.9, columns=2)
    pairs: list[int] = []
    for index, model in enumerate(labels):
        table = levels(answers, model)
        pairs += table["pairs"].tolist()
        connected = table[table["connected"] > 0]
        left, right = axes[2 * index : 2 * index + 2]
        _draw(left, connected, "length", law_of(table, "length"), f"length-{model}", style.color(index))
        _draw(right, connected, "beads", law_of(table, "beads"), f"beads-{model}", style.color(index))
        if not np.isnan(end := knee(table)):
            left.axvline(end, color=style.GREY, linewidth=0.7, linestyle=":", gid=f"knee-{model}")
        left.set_title(labels[model], loc="left")
        left.set_ylabel("normalised length")
        right.set_ylabel("beads")
        for panel in (left, right):
            threshold_axis(panel, table["threshold"].to_numpy(dtype=np.float64), NAMES[metrics[model]])
    note = (
        f"Means over connected pairs, of {span(pairs)}, with their standard deviation. Dotted: the last threshold down "
        f"to which the mean length is at most {NEAR:g}."
    )
    style.caption(figure, _legend(), note)
    return figure


def _draw(axes: Axes, table: pd.DataFrame, name: str, law: PowerLaw | None, gid: str, color: str) -> None:
    x, y, spread = (table[column].to_numpy(dtype=np.float64) for column in ("threshold", name, f"{name}_std"))
    all_connected = (table["connected"] == table["pairs"]).to_numpy()
    axes.errorbar(x, y, spread, color=color, linestyle="none", capsize=1.5, linewidth=0.8)
    for shown, face in ((all_connected, color), (~all_connected, "white")):
        look: dict[str, Any] = {"color": color, "markerfacecolor": face, "gid": gid if face == color else None}
        axes.plot(x[shown], y[shown], "o", markersize=3.5, zorder=4, **look)
    if law:
        fitted = x[(y > 0) & (x <= _first(table, x))]
        line = np.geomspace(fitted.min(), fitted.max(), 50)
        axes.plot(line, law.at(line), color="0.25", linewidth=0.9, gid=f"law-{gid}")
        text = f"∝ threshold$^{{{law.exponent:.2f}}}$, R² = {law.r_squared:.2f}"
        axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", fontsize=style.SMALL)
    if name == "beads" and (y > MANY).any():
        axes.set_yscale("symlog", linthresh=1, linscale=0.5)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=name == "beads"))


def _first(table: pd.DataFrame, x: np.ndarray) -> float:
    """The highest threshold of those that the laws were fitted to."""
    end = knee(table)
    return float(x[x < end].max()) if not np.isnan(end) else float(x.max())


def threshold_axis(axes: Axes, thresholds: np.ndarray, name: str) -> None:
    """Thresholds on a log axis, falling to the right."""
    axes.set(xscale="log", xlabel=f"threshold on the {name}")
    axes.set_xlim(thresholds.max() * 1.25, thresholds.min() / 1.25)
    wide = np.log10(thresholds.max() / thresholds.min()) > DECADES
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend() -> list[Line2D]:
    point: dict[str, Any] = {"color": "0.3", "marker": "o", "markersize": 3.5, "linestyle": "none"}
    return [
        Line2D([], [], label="all pairs connected", **point),
        Line2D([], [], label="some not, within the budget", markerfacecolor="white", **point),
        Line2D([], [], color="0.25", linewidth=0.9, label="power law"),
    ]
