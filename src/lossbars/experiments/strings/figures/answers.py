"""Share of pairs that strings connect, against the threshold."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lossbars.experiments.strings.config import StringsFigure
from lossbars.experiments.strings.figures.lengths import NAMES, threshold_axis
from lossbars.experiments.strings.fits import CONNECTED
from lossbars.plots import style
from lossbars.plots.tables import per_model, span
from lossbars.workflow.work import Work

COLUMNS = ("model", "pair", "threshold", "answer")


def draw(work: Work[StringsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return string_answers(work.table("answers"), settings.labels, settings.metrics, settings.title)


@style.styled
def string_answers(answers: pd.DataFrame, labels: dict[str, str], metrics: dict[str, str], title: str) -> Figure:
    """A line per model, a panel per metric: share of its pairs that are connected at each threshold.

    Pairs that were not tried at a threshold, because they failed at a higher one, count as not connected. ValueError
    for an empty table, and a model without rows, by name.
    """
    tables = per_model(answers, labels, COLUMNS, "strings")
    kinds = list(dict.fromkeys(metrics[model] for model in labels))
    figure, axes = style.panels(len(kinds), title, height=2.6)
    for panel, kind in zip(axes, kinds, strict=True):
        models = [model for model in labels if metrics[model] == kind]
        thresholds = np.concatenate([tables[model]["threshold"].to_numpy(dtype=np.float64) for model in models])
        for model in models:
            index, share = list(labels).index(model), connected_share(tables[model])
            look = style.look(index) | {"label": labels[model], "gid": f"share-{model}"}
            panel.plot(share.index, share, markersize=3.5, **look)
        threshold_axis(panel, thresholds, NAMES[kind])
        panel.set(ylim=(-0.04, 1.04), ylabel="share of pairs connected")
    counts = [table["pair"].nunique() for table in tables.values()]
    handles = [line for panel in axes for line in panel.get_lines()]
    note = f"{span(counts)} pairs of each. Connected: every segment of the string is below the threshold on its grid; "
    style.caption(figure, handles, note + "the others are not connected within the budget.", columns=3)
    return figure


def connected_share(table: pd.DataFrame) -> pd.Series:
    """Share of a model's pairs that are connected, by threshold, the highest first."""
    there = table[table["answer"] == CONNECTED].groupby("threshold").size()
    share = there.reindex(sorted(table["threshold"].unique(), reverse=True), fill_value=0) / table["pair"].nunique()
    return share.astype(float)
