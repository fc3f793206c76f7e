"""Draw one figure of an experiment, of any kind."""

from importlib import import_module

from lossbars.plots.style import save
from lossbars.workflow.marks import mark
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work


class AnyFigureSettings(FigureSettings, extra="allow"):
    """The settings of some figure; its module knows them in full."""


def step(work: Work[AnyFigureSettings]) -> None:
    """Write the figure that the settings name, as PDF and SVG."""
    draw = import_module(work.settings.module).draw
    save(draw(work.with_settings_of(draw)), work.outputs["pdf"], work.outputs["svg"], mark(work.job))
