"""Spectra of Wishart plus Wigner matrices: computed and sampled (Tanner's lecture, figure 1)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "tau", "energy", "rows", "distance", "part", "x", "y")
CUT = 3.0  # times the second highest histogram: what an axis shows at most


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return hessian_spectra(work.tables("table"), work.settings.labels, work.settings.title)


@style.styled
def hessian_spectra(table: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A panel per model and τ, a colour per energy: computed density, and the histogram of a sampled matrix.

    ValueError for an empty table, a model without rows and a number that is not finite, by name.
    """
    tables = per_model(table, labels, COLUMNS, "hessian_spectra")
    parts = {(model, tau): of_tau for model, rows in tables.items() for tau, of_tau in rows.groupby("tau")}
    figure, axes = style.panels(len(parts), title, height=2.3)
    for panel, ((model, tau), rows) in zip(axes, parts.items(), strict=True):
        for index, (energy, matrix) in enumerate(rows.groupby("energy")):
            color, name = style.color(index), f"{model}-{tau:g}-{energy:g}"
            curve, bins = matrix[matrix["part"] == "density"], matrix[matrix["part"] == "sampled"]
            panel.stairs(bins["y"].to_numpy()[:-1], bins["x"].to_numpy(), fill=True, alpha=0.3, color=color)
            panel.plot(curve["x"], curve["y"], label=f"ε = {energy:g}", linewidth=0.9, color=color, gid=name)
        tops = rows[rows["part"] == "sampled"].groupby("energy")["y"].max().sort_values().tolist()
        panel.set_ylim(0, min(1.15 * tops[-1], CUT * tops[-min(2, len(tops))]))
        panel.axvline(0, color=style.GREY, linewidth=0.6, zorder=0)
        panel.legend(loc="upper right")
        panel.set(title=f"{labels[model]}, τ = {tau:g}", xlabel="eigenvalue λ", ylabel="density")
    handles = [
        Line2D([], [], color="0.3", linewidth=0.9, label="computed density"),
        Line2D([], [], color="0.3", alpha=0.3, linewidth=6, label="eigenvalues of one matrix"),
    ]
    rows, worst = table["rows"].max(), table["distance"].max()
    note = f"Matrices of {rows} rows; the largest Kolmogorov–Smirnov distance is {worst:.2g}. High peaks are cut off."
    style.caption(figure, handles, note)
    return figure
