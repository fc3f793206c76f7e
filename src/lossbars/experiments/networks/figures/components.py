"""Barcodes of several architectures beside the components of their sublevel sets. Not in the papers."""

from matplotlib.figure import Figure

from lossbars.plots.components import components
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return components(work.table("bars"), work.settings.labels, work.settings.title)
