"""1-saddle barcodes of several architectures (Barannikov et al. 2020, Topological obstructions, figure 6b)."""

from matplotlib.figure import Figure

from lossbars.experiments.networks.figures.barcodes import barcodes
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return barcodes(work.table("bars"), work.settings.labels, work.settings.title, "merged", dim=1)
