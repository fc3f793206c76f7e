"""Gradient descent near a local minimum at three learning rates (Barannikov et al. 2022, figure 14)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "regime", "rate", "step", "x", "saddle", "far")
REGIMES = {"below": "below 2/f″", "between": "halfway to the smallest rate that escapes", "above": "above it"}


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return escape_regimes(work.tables("trajectories"), work.settings.labels, work.settings.title)


@style.styled
def escape_regimes(trajectories: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Places of gradient descent, step by step, a panel per model and a colour per learning rate (figure 14).

    Saddle and both minima are lines; places beyond both minima by more than their distance are cut off. ValueError for
    an empty table, a model without rows and an unknown regime, by name.
    """
    tables = per_model(trajectories, labels, COLUMNS, "trajectories")
    figure, axes = style.panels(len(labels), title, height=2.3, columns=2)
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        if unknown := set(table["regime"]) - set(REGIMES):
            raise ValueError(f"table 'trajectories', model {model!r}: unknown regime {min(unknown)!r}")
        saddle, far = float(table["saddle"].iloc[0]), float(table["far"].iloc[0])
        for y, dashes in ((0.0, "-"), (saddle, ":"), (far, "-")):
            panel.axhline(y, color=style.GREY, linestyle=dashes, linewidth=0.7, zorder=1)
        for index, regime in enumerate(REGIMES):
            path = table[table["regime"] == regime]
            x = np.clip(path["x"].to_numpy(), -1.2 * far, 2.2 * far)
            color, name = style.color(index), f"{regime}-{model}"
            panel.plot(path["step"], x, "o-", color=color, markersize=1.5, linewidth=0.5, zorder=3 + index, gid=name)
        panel.set(title=labels[model], xlabel="step", ylabel="θ", xscale="symlog", ylim=(-1.1 * far, 2.1 * far))
    handles = [
        Line2D([], [], color=style.color(index), marker="o", markersize=2, linewidth=0.7, label=text)
        for index, text in enumerate(REGIMES.values())
    ]
    style.caption(figure, handles, "Learning rates; lines are the two minima, the dotted one is the saddle.", columns=3)
    return figure
