"""A trajectory that escapes, on its polynomial (Barannikov et al. 2022, figure 16)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.escape.polynomials import polynomial_of
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

DEEPEST = 8  # times the largest value that is shown: what is further down is cut off
COLUMNS = ("model", "regime", "bar", "rate", "step", "x", "value", "saddle", "far")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return escape_trajectories(work.tables("trajectories"), work.settings.labels, work.settings.title)


@style.styled
def escape_trajectories(trajectories: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Each model's polynomial, and gradient descent on it from its start over the saddle, if it gets there (figure 16).

    Steps before the escape and after it have two colours; what leaves the window is not shown. ValueError for an empty
    table and a model without rows, by name; a model without an escape shows the largest of its rates.
    """
    tables = per_model(trajectories, labels, COLUMNS, "trajectories")
    figure, axes = style.panels(len(labels), title, height=2.4)
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        path = table[table["rate"] == table["rate"].max()].sort_values("step")
        saddle, far, bar = (float(path[name].iloc[0]) for name in ("saddle", "far", "bar"))
        polynomial = polynomial_of(path.iloc[0])
        low, high = -1.2 * saddle, far + 0.8 * (far - saddle)
        grid = np.linspace(low, high, 500)
        panel.plot(grid, polynomial(grid), color=style.GREY, linewidth=1.0, zorder=1)
        over = np.flatnonzero(path["x"].to_numpy() > saddle)
        moment = int(over[0]) if len(over) else len(path) - 1
        for index, part in enumerate((path.iloc[: moment + 1], path.iloc[moment:])):
            color, name = style.color(index), ("before", "after")[index]
            panel.plot(part["x"], part["value"], "o-", color=color, markersize=2, linewidth=0.4, zorder=3 - index,
                       gid=f"{name}-{model}")  # fmt: skip
        shown = path["value"][(path["x"] > low) & (path["x"] < saddle)].max()
        bottom = float(polynomial(far))
        top = max(1.5 * bar, 1.1 * float(shown))
        panel.set_ylim(max(bottom, -DEEPEST * top) - 0.2 * top, top)
        panel.set(title=f"{labels[model]}, η = {path['rate'].iloc[0]:.4g}", xlabel="θ", ylabel="f(θ)", xlim=(low, high))
    handles = [
        Line2D([], [], color=style.color(i), marker="o", markersize=2, linewidth=0.6, label=text)
        for i, text in enumerate(("up to the step over the saddle", "from there on"))
    ]
    note = "Gradient descent at a rate a little above the smallest one that escapes."
    style.caption(figure, handles, note, columns=2)
    return figure
