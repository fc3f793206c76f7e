"""Polynomials with a local minimum to escape, one for each bar (Barannikov et al. 2022, figures 12 left and 15)."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from lossbars.experiments.escape.polynomials import COEFFICIENTS, polynomial_of
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "bar", "saddle", "far", *COEFFICIENTS)
MAP = colormaps["viridis"]
DEEPEST = 8  # times the longest bar: what is further down is cut off


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return escape_polynomials(work.table("runs"), work.settings.labels, work.settings.title)


@style.styled
def escape_polynomials(runs: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Each model's polynomials around their three critical points, a colour per bar length (figures 12 and 15).

    ``runs`` has the columns of :mod:`lossbars.experiments.escape.steps.runs`; no units. ValueError for an empty
    table and a model without rows, by name.
    """
    tables = per_model(runs, labels, COLUMNS, "escapes")
    figure, axes = style.panels(len(labels), title, height=2.3)
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        wells = table.drop_duplicates("bar").sort_values("bar")
        scale = Normalize(wells["bar"].iloc[0], wells["bar"].iloc[-1])
        left = -0.6 * wells["saddle"].max()
        depths = []
        for _, well in wells.iterrows():
            x = np.linspace(left, well["far"] + 0.25 * (well["far"] - well["saddle"]), 400)
            polynomial = polynomial_of(well)
            depths.append(float(polynomial(well["far"])))
            panel.plot(x, polynomial(x), color=MAP(scale(well["bar"])), linewidth=0.9, gid=f"polynomial-{model}")
        top = wells["bar"].max()
        panel.plot(0, 0, "o", color="0.1", markersize=3, zorder=5)
        low, high = float(wells["saddle"].min()), float(wells["far"].min())
        panel.set(title=labels[model], xlabel="θ", ylabel="f(θ)")
        panel.set_xlim(left, high + 0.25 * (high - low))
        bottom = max(min(depths), -DEEPEST * top)
        panel.set_ylim(1.1 * bottom, 2 * top)
        figure.colorbar(ScalarMappable(scale, MAP), ax=panel, label="length of the bar", pad=0.02)
    note = "The dot is the local minimum; its bar ends at the saddle to its right. Values far below it are cut off."
    style.caption(figure, [], note)
    return figure
