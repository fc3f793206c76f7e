"""Exact spectra of H, H0 and H1 of a small net, and that of H by Lanczos."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.hessian.lanczos import Quadrature
from lossbars.plots import style
from lossbars.plots.tables import per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "part", "value", "weight", "energy", "distance")
PARTS = {"hessian": "H", "gauss-newton": "H0", "residual": "H1"}
WIDTH, BINS, PLACES = 0.01, 80, 600  # of the smoothed density, as a share of the range


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return net_spectrum(work.tables("table"), work.settings.labels, work.settings.title)


@style.styled
def net_spectrum(table: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """A row per net: distribution functions of H, H0 and H1; the eigenvalues of H and the density by Lanczos.

    ValueError for an empty table, a model without rows and a number that is not finite, by name.
    """
    tables = per_model(table, labels, COLUMNS, "hessian_parts")
    figure, axes = style.panels(2 * len(labels), title, height=2.6, columns=2)
    for (model, rows), cumulated, density in zip(tables.items(), axes[::2], axes[1::2], strict=True):
        for index, (part, name) in enumerate(PARTS.items()):
            values = np.sort(rows.loc[rows["part"] == part, "value"].to_numpy())
            shares = np.arange(1, len(values) + 1) / len(values)
            cumulated.step(values, shares, where="post", label=name, color=style.color(index), gid=f"{part}-{model}")
        cumulated.set(title=labels[model], xlabel="eigenvalue λ", ylabel="share at or below λ")
        cumulated.set_xscale("symlog", linthresh=0.1)
        cumulated.legend(loc="upper left")
        _density(density, rows, model)
    handles = [
        Line2D([], [], color=style.color(0), alpha=0.35, linewidth=6, label="eigenvalues of H"),
        Line2D([], [], color="0.1", label="density by Lanczos, smoothed"),
    ]
    worst = table["distance"].max()
    note = f"Distribution functions of H by Lanczos and exact differ by {worst:.2g} at most."
    style.caption(figure, handles, note)
    return figure


def _density(panel: Axes, rows: pd.DataFrame, model: str) -> None:
    values = rows.loc[rows["part"] == "hessian", "value"].to_numpy()
    nodes = rows[rows["part"] == "lanczos"]
    panel.hist(values, BINS, density=True, color=style.color(0), alpha=0.35)
    x = np.linspace(values.min(), values.max(), PLACES)
    quadrature = Quadrature(nodes["value"].to_numpy()[None], nodes["weight"].to_numpy()[None])
    density = quadrature.density(x, WIDTH * float(np.ptp(values)))
    panel.plot(x, density, color="0.1", linewidth=0.9, gid=f"lanczos-{model}")
    panel.set(title=f"energy {rows['energy'].iloc[0]:.3f}", xlabel="eigenvalue λ", ylabel="density", yscale="log")
    panel.set_ylim(0.5 / (len(values) * float(np.ptp(values)) / BINS), None)
