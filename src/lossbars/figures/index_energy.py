"""Index of critical points against their energy (loss-landscape-lecture.txt, figure 6a)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.figures import style
from lossbars.figures.tables import per_model
from lossbars.hessian_fits import SMALL, by_index, fits, index_law

COLUMNS = ("model", "tau", "energy", "index", "alpha")


@style.styled
def index_energy(searches: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """All critical points on the left; on the right mean energies by index at small α, and the fit of the power 3/2.

    Models and τ whose critical points have fewer than four small indices are left out. ValueError for an empty table, a
    model without rows, a number that is not finite, and where nothing is left, by name.
    """
    tables = per_model(searches, labels, COLUMNS, "hessian_critical")
    parts = {(model, tau): own for model, rows in tables.items() for tau, own in rows.groupby("tau")}
    shown = {key: own for key, own in parts.items() if fits(by_index(own))}
    if not shown:
        raise ValueError("table 'hessian_critical': no model has critical points of four small indices")
    figure, (every, small) = style.panels(2, title, height=3.2)
    handles = []
    for index, ((model, tau), own) in enumerate(shown.items()):
        rows = by_index(own)
        law, rows = index_law(rows), rows[rows["alpha"] <= SMALL]
        color, marker = style.color(index), style.MARKERS[index % len(style.MARKERS)]
        look: dict[str, Any] = {"color": color, "marker": marker, "linestyle": ""}
        points = own[own["accepted"]]
        every.plot(points["energy"], points["alpha"], markersize=2.2, alpha=0.6, gid=f"points-{model}-{tau:g}", **look)
        small.errorbar(rows["energy"], rows["alpha"], xerr=rows["spread"], markersize=3, elinewidth=0.5, **look)
        alpha = np.linspace(0, SMALL, 100)
        energy = law.critical + (alpha / law.scale) ** (1 / law.power)
        small.plot(energy, alpha, color=color, gid=f"fit-{model}-{tau:g}")
        text = f"{labels[model]}, τ = {tau:.3g}: ε_c = {law.critical:.3f}".replace("-", "−")
        handles.append(Line2D([], [], label=text, markersize=3, color=color, marker=marker))
    every.set(title="all critical points", xlabel="energy ε = L/n", ylabel="index α")
    small.set(title="small indices, and the fit of α0 |ε − ε_c|$^{3/2}$", xlabel="mean energy ε", ylabel="index α")
    whole = pd.concat(shown.values())
    note = f"{int(whole['accepted'].sum())} of {len(whole)} searches end at critical points; bars are one std."
    style.caption(figure, handles, note, columns=3)
    return figure
