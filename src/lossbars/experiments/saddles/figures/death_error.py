"""Error of the deaths of bars against the gradients that the curves take, by path optimiser."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.saddles.claims import errors
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "optimiser", "size", "evaluations", "truth", "merged")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return death_error(work.table("deaths"), work.settings.labels, work.settings.title)


@style.styled
def death_error(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A panel per function, a line per optimiser: the largest error of a merged death at each size.

    ValueError for an empty table, a model without rows and a death that is no number, by name.
    """
    tables = per_model(bars, labels, COLUMNS, "saddles")
    names = dict.fromkeys(name for table in tables.values() for name in table["optimiser"])
    looks = {name: style.look(index) | {"markersize": 3.5} for index, name in enumerate(names)}
    figure, axes = style.panels(len(labels), title, height=2.9)
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        for name, rows in errors(table).groupby("optimiser", sort=False):
            ordered = rows.sort_values("evaluations")
            panel.plot(ordered["evaluations"], ordered["error"], gid=f"{model}-{name}", **looks[str(name)])
        panel.set(title=labels[model], xscale="log", yscale="log", xlabel="gradients of a curve", ylabel="error")
    handles = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    note = "Largest error of a death of the merged barcode, in units of the function, against its known saddles."
    style.caption(figure, handles, note)
    return figure
