"""Barcodes, and beside them the number of connected components of sublevel sets."""

from matplotlib.figure import Figure

from lossbars.experiments.functions.config import ComponentsFigure
from lossbars.plots.components import components
from lossbars.workflow.work import Work


def draw(work: Work[ComponentsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return components(work.table("bars"), settings.labels, settings.title, settings.axis, settings.comparable)
