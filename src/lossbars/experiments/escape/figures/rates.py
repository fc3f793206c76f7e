"""The smallest learning rate that escapes against the length of the bar (Barannikov et al. 2022, figure 12 right)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lossbars.experiments.escape.fits import band, line, smallest
from lossbars.plots import style
from lossbars.plots.tables import per_model, span
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "search", "bar", "threshold")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return escape_rates(work.table("runs"), work.settings.labels, work.settings.title)


@style.styled
def escape_rates(runs: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A point per bar, the mean over starts with its standard deviation, and the line with its 95 % band (figure 12).

    The cross is the threshold of :func:`lossbars.experiments.escape.descent.threshold`. Bars whose starts all stay are
    left out.
    ValueError for an empty table, a model without rows and one without four bars that are escaped, by name.
    """
    per_model(runs, labels, COLUMNS[:3], "escapes")
    figure, axes = style.panels(len(labels), title, height=2.5)
    starts: list[int] = []
    missing = 0
    for index, (panel, model) in enumerate(zip(axes, labels, strict=True)):
        rows = smallest(runs, model)
        missing += int(rows["missing"].sum())
        rows = rows[rows["starts"] > 0]
        starts += rows["starts"].tolist()
        bar, rate = rows["bar"].to_numpy(dtype=np.float64), rows["rate"].to_numpy(dtype=np.float64)
        try:
            fit = line(bar, rate)
        except ValueError as error:
            raise ValueError(f"table 'escapes', model {model!r}: {error}") from None
        x = np.linspace(bar.min(), bar.max(), 100)
        y, reach = fit.intercept + fit.slope * x, band(fit, bar, rate, x)
        color = style.color(index)
        panel.fill_between(x, y - reach, y + reach, color=color, alpha=0.2, linewidth=0, gid=f"band-{model}")
        panel.plot(x, y, color=color, linewidth=0.9, gid=f"line-{model}")
        panel.errorbar(bar, rate, rows["spread"], color=color, fmt="o", markersize=3, capsize=1.5, zorder=4)
        panel.plot(bar, rows["threshold"], "+", color="0.1", markersize=6, zorder=5, gid=f"threshold-{model}")
        text = f"slope {fit.slope:.3g} ± {fit.slope_reach:.2g}, R² = {fit.r_squared:.4f}".replace("-", "−")
        panel.set(title=f"{labels[model]}\n{text}", xlabel="length of the bar", ylabel="learning rate η")
    left_out = f" Left out: {missing} starts that no rate of the grid lets escape." if missing else ""
    note = f"Smallest rate that escapes: mean and standard deviation over {span(starts)} starts.{left_out}"
    style.caption(figure, _legend(), note)
    return figure


def _legend() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color="0.3", marker="o", markersize=3, linestyle="", label="measured"),
        Line2D([], [], color="0.1", marker="+", markersize=6, linestyle="", label="threshold, from f alone"),
        Line2D([], [], color="0.3", linewidth=0.9, label="least squares"),
        Patch(color="0.3", alpha=0.2, linewidth=0, label="95 % interval of the line"),
    ]
