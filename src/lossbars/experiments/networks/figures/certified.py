"""Merged barcodes whose deaths are maxima of curves, beside those whose deaths are saddles."""

import pandas as pd
from matplotlib.figure import Figure

from lossbars.barcodes.barcode import CERTIFIED, CLOSED_CERTIFIED
from lossbars.experiments.networks.figures.closed import side_by_side
from lossbars.plots import style
from lossbars.plots.tables import explain
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

SIDES = {"": "by curves", CERTIFIED: "by saddles", CLOSED_CERTIFIED: "closed"}


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return certified(work.table("bars"), work.settings.labels, work.settings.title)


@style.styled
def certified(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Merged bars of each model: by curves, by saddles between the same minima, and by saddles between all minima.

    ValueError for an empty table and for a model without bars of any of these, by name.
    """
    note = (
        f"{explain('merged-closed')}. By curves: the given minima, deaths are largest losses on curves. By saddles: "
        "certified saddles between them, polished. Closed: with the minima that descents from saddles found."
    )
    return side_by_side(bars, labels, title, SIDES, note)
