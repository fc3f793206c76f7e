"""Penalties in a small network against their bounds in a larger one (Barannikov et al. 2022, theorem 2)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "a", "penalty", "before", "after")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return embeddings(work.tables("embeddings"), work.settings.labels, work.settings.title)


@style.styled
def embeddings(table: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """One panel per embedding, in the order of ``labels``; a dot a minimum, losses in the units of the table.

    Across: its penalty in the small network. Up: the largest loss on the path between the descended minima in the
    large one, as concatenated and as optimised. On the diagonal both are equal; below, the large network's is lower.
    ValueError for an empty table, and an embedding without rows, by name.
    """
    tables = per_model(table, labels, COLUMNS, "embeddings")
    figure, panels = style.panels(len(labels), title, height=3.0)
    handles = []
    for axes, (key, rows) in zip(panels, tables.items(), strict=True):
        shown = rows[["penalty", "before", "after"]].to_numpy(dtype=np.float64)
        log = style.wants_log(shown)
        low, high = style.limits(shown, log)
        x = rows["penalty"]
        (diagonal,) = axes.plot([low, high], [low, high], "-", color=style.GREY, linewidth=0.8, label="equal")
        axes.vlines(x, rows[["before", "after"]].min(axis=1), rows["before"], color=style.GREY, linewidth=0.5)
        (before,) = axes.plot(x, rows["before"], "o", color=style.PALETTE[0], mfc="none", gid="before")
        (after,) = axes.plot(x, rows["after"], "D", color=style.PALETTE[1], markersize=4, gid="after")
        before.set_label("path as concatenated")
        after.set_label("path as optimised")
        handles = [before, after, diagonal]
        style.loss_axis(axes, "x", log, "penalty in the small network")
        style.loss_axis(axes, "y", log, "bound in the large network")
        axes.set(xlim=(low, high), ylim=(low, high))
        if not log:
            axes.locator_params(nbins=4)
        axes.set_title(f"{labels[key]}\nn = {len(rows)} minima", loc="left")
    note = "The penalty of a minimum: the lowest loss that a path to a lower minimum must reach.\n"
    style.caption(figure, handles, note + "In the large network, of the higher of the two minima that it descends to.")
    return figure
