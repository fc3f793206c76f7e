"""Energy at which negative eigenvalues appear, against parameters over data points (lecture, figure 6b)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.hessian.fits import (
    by_index,
    fits,
    index_law,
    linear_minimum,
    linear_prediction,
    minimal_energy,
    smooth_prediction,
)
from lossbars.hessian.random_matrices import critical_energy as of_matrices
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "tau", "energy", "index", "alpha")
CURVES: dict[str, tuple[Callable[[float], float], Any]] = {
    "½(1 − τ)², published for tanh": (smooth_prediction, "-"),
    "½(1 − τ), published for linear nets": (linear_prediction, "--"),
    "½(1 − n/m), exact for linear nets": (linear_minimum, ":"),
    "ε_c of Wishart + Wigner": (lambda tau: of_matrices(tau) if tau < 1 else 0.0, "-."),
}


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return critical_energy(work.tables("table"), work.settings.labels, work.settings.title)


@style.styled
def critical_energy(searches: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """ε_c of the fits with its standard error, the mean energies of minima with their std, and the predictions.

    Models of one label have one colour.
    ValueError for an empty table, a model without rows and a number that is not finite, by name.
    """
    tables = per_model(searches, labels, COLUMNS, "hessian_critical")
    figure, (panel,) = style.panels(1, title, height=3.6)
    handles = []
    kinds = {label: style.color(index) for index, label in enumerate(dict.fromkeys(labels.values()))}
    for model, rows in tables.items():
        for tau, of_tau in rows.groupby("tau"):
            _draw(panel, float(tau), of_tau, kinds[labels[model]], f"{model}-{tau:g}")
    for label, color in kinds.items():
        handles.append(Line2D([], [], color=color, marker="s", markersize=3, linestyle="", label=label))
    reach = np.linspace(1e-3, max(1.0, 1.05 * searches["tau"].max()), 200)
    for name, (predict, dashes) in CURVES.items():
        panel.plot(reach, [predict(tau) for tau in reach], color="0.35", linewidth=0.9, linestyle=dashes, gid=name)
        handles.append(Line2D([], [], color="0.35", linewidth=0.9, linestyle=dashes, label=name))
    panel.axhline(0, color=style.GREY, linewidth=0.5, zorder=0)
    panel.set(xlabel="τ = 2n/m, parameters over data points", ylabel="energy ε = L/n", ylim=(-0.06, 0.52))
    note = "Squares: mean energies of minima, with their std. Circles: ε_c of fits, with standard error."
    style.caption(figure, handles, note, columns=3)
    return figure


def _draw(panel: Axes, tau: float, searches: pd.DataFrame, color: str, name: str) -> None:
    mean, spread, count = minimal_energy(searches)
    if count:
        panel.errorbar(tau, mean, spread, color=color, fmt="s", markersize=3, elinewidth=0.7, gid=f"minima-{name}")
    rows = by_index(searches)
    if fits(rows):
        law = index_law(rows)
        look: dict[str, Any] = {"markerfacecolor": "none", "elinewidth": 0.7, "gid": f"fit-{name}"}
        panel.errorbar(tau, law.critical, law.error, color=color, fmt="o", markersize=6, **look)
