"""Index of critical points against their energy (Tanner's lecture, figure 6a)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.hessian.fits import SMALL, by_index, fits, index_law
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "tau", "energy", "index", "alpha")


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return index_energy(work.tables("table"), work.settings.labels, work.settings.title)


@style.styled
def index_energy(searches: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """All critical points on the left; on the right mean energies by index at small α, and the fit of the power 3/2.

    Without four small indices there is no fit, and the points alone are shown. ValueError for an empty table, a model
    without rows, and a number that is not finite, by name.
    """
    tables = per_model(searches, labels, COLUMNS, "hessian_critical")
    parts = {(model, tau): of_tau for model, rows in tables.items() for tau, of_tau in rows.groupby("tau")}
    figure, (every, small) = style.panels(2, title, height=3.2)
    handles = []
    for index, ((model, tau), of_tau) in enumerate(parts.items()):
        look = style.look(index) | {"linestyle": ""}
        points = of_tau[of_tau["accepted"]]
        every.plot(points["energy"], points["alpha"], markersize=2.2, alpha=0.6, gid=f"points-{model}-{tau:g}", **look)
        text = f"{labels[model]}, τ = {tau:.3g}"
        if fits(rows := by_index(of_tau)):
            text += f": ε_c = {_draw_fit(small, rows, look, f'fit-{model}-{tau:g}'):.3f}".replace("-", "−")
        handles.append(Line2D([], [], label=text, markersize=3, **style.look(index)))
    every.set(title="all critical points", xlabel="energy ε = L/n", ylabel="index α")
    small.set(title="small indices, and the fit of α0 |ε − ε_c|$^{3/2}$", xlabel="mean energy ε", ylabel="index α")
    accepted = pd.concat(parts.values())["accepted"]
    note = f"{int(accepted.sum())} of {len(accepted)} searches end at critical points; bars are one std."
    style.caption(figure, handles, note, columns=3)
    return figure


def _draw_fit(axes: Axes, rows: pd.DataFrame, look: dict[str, Any], gid: str) -> float:
    """Mean energies by index and the fit through them; the critical energy."""
    law, small = index_law(rows), rows[rows["alpha"] <= SMALL]
    axes.errorbar(small["energy"], small["alpha"], xerr=small["spread"], markersize=3, elinewidth=0.5, **look)
    alpha = np.linspace(0, SMALL, 100)
    axes.plot(law.critical + (alpha / law.scale) ** (1 / law.power), alpha, color=look["color"], gid=gid)
    return law.critical
