"""Null spaces of Hessians at interpolating minimisers, against d − r·n."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "net", "start", "parameters", "fitted", "dimension", "largest", "next")
ROUNDING = 1e-18  # smaller moduli are drawn as this


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return null_space(work.tables("table"), work.settings.labels, work.settings.title)


@style.styled
def null_space(table: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Dimensions against d − r·n on the left; on the right the moduli on both sides of each cut.

    ValueError for an empty table, a model without rows and a number that is not finite, by name.
    """
    tables = per_model(table, labels, COLUMNS, "hessian_minimisers")
    figure, (dimensions, gap) = style.panels(2, title, height=3.0)
    handles = []
    for index, (net, rows) in enumerate(pd.concat(tables.values()).groupby("net", sort=False)):
        look = style.look(index) | {"linestyle": ""}
        expected = rows["parameters"] - rows["fitted"]
        dimensions.plot(expected, rows["dimension"], markersize=5, alpha=0.7, gid=f"dimension-{index}", **look)
        place = index + (rows["start"] - rows["start"].mean()) / (2 * len(rows))
        gap.plot(place, rows["largest"].clip(lower=ROUNDING), markersize=3, markerfacecolor="none", **look)
        gap.plot(place, rows["next"], markersize=3, **look)
        handles.append(Line2D([], [], label=str(net), markersize=4, **look))
    ends = [0.0, 1.1 * float((table["parameters"] - table["fitted"]).max())]
    dimensions.plot(ends, ends, color=style.GREY, linewidth=0.8, zorder=0)
    dimensions.set(xlabel="d − r·n", ylabel="dimension of the null space")
    gap.set(yscale="log", ylabel="|eigenvalue| over the largest", xticks=[])
    note = "One point per minimiser. Right: open, the largest that counts as 0; filled, the smallest that does not."
    style.caption(figure, handles, note, columns=3)
    return figure
