"""Barcodes of the given minima, and of these with the minima that descents from curves found, side by side."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from lossbars.barcodes.barcode import CLOSED
from lossbars.experiments.networks.figures.barcodes import COLUMNS, draw_barcodes, legend
from lossbars.plots import style
from lossbars.plots.bars import score_text, to_score
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

SIDES = {"": "given", CLOSED: "closed"}  # after the name of the convention → what the figure calls the barcode


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return closed(work.table("bars"), work.settings.labels, work.settings.title)


@style.styled
def closed(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Merged bars of each model, given (left) and closed (right); under each its TO-score and its number of bars.

    ValueError for an empty table and for a model without bars of either, by name.
    """
    note = f"{explain('merged-closed')}. Given: with the trained minima alone. Closed: with those that descents from "
    return side_by_side(bars, labels, title, SIDES, f"{note}places on curves found.")


def side_by_side(bars: pd.DataFrame, labels: dict[str, str], title: str, sides: Mapping[str, str], note: str) -> Figure:
    """Several merged barcodes of each model, by what comes after the name of the convention, with their names."""
    of = {end: per_model(bars, labels, COLUMNS, "bars", convention=f"merged{end}", dim=0) for end in sides}
    tables = {f"{model}{end}": side[model] for model in labels for end, side in of.items()}
    names = [f"{label}\n{words}" for label in labels.values() for words in sides.values()]
    below = [f"{score_text(to_score(table))}\nn = {len(table)}" for table in tables.values()]
    figure, (axes,) = style.panels(1, title, height=3.0)
    draw_barcodes(axes, tables, names, below, alike=len(sides))
    note += "\nTO: TO-score, the longest finite bar / √2. n: number of minima."
    style.caption(figure, legend(0, tables.values()), note)
    return figure
