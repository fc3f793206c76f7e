"""Steps to escape a local minimum against the learning rate (Barannikov et al. 2022, figure 17)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from lossbars.experiments.escape.fits import grid, typical_start
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "search", "bar", "start", "multiple", "steps")
SHOWN = 4  # bars of each model


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return escape_steps(work.table("runs"), work.settings.labels, work.settings.title)


@style.styled
def escape_steps(runs: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Steps of one start until it is over the saddle, 0 where it never is, a colour per bar (figure 17).

    The start is the one in the middle, by its steps in all. Learning rates are in units of 2/f'', steps on a scale that
    is logarithmic from 1 on. ValueError for an empty table and a model without rows, by name.
    """
    per_model(runs, labels, COLUMNS[:4], "escapes")
    figure, axes = style.panels(len(labels), title, height=2.8, columns=2)
    for panel, model in zip(axes, labels, strict=True):
        shown = grid(runs, model)
        shown = shown[shown["start"] == typical_start(shown)]
        bars = np.sort(shown["bar"].unique())
        chosen = bars[np.unique(np.linspace(0, len(bars) - 1, SHOWN).round().astype(int))]
        for index, bar in enumerate(chosen):
            of_bar = shown[shown["bar"] == bar]
            panel.plot(of_bar["multiple"], of_bar["steps"], ".-", color=style.color(index), markersize=3, linewidth=0.5,
                       label=f"{bar:.4g}", gid=f"steps-{model}-{index}")  # fmt: skip
        panel.set_yscale("symlog", linthresh=1)
        decades = [0.0] + [10.0**power for power in range(1 + int(np.log10(max(shown["steps"].max(), 1))))]
        panel.yaxis.set_major_locator(FixedLocator(decades))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.set(title=labels[model], xlabel="learning rate, in units of 2/f″", ylabel="steps to escape")
        panel.legend(title="length of the bar", loc="upper left", handlelength=1.0)
    style.caption(figure, [], "The start in the middle, by its steps in all; 0: it never escapes.")
    return figure
