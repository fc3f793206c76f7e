"""Loss on the seven-point triangle (Barannikov et al. 2020, Topological obstructions, appendix I, figures 14 to 16)."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.tri import TriAnalyzer, Triangulation

from lossbars.experiments.networks.settings import RecipesFigure
from lossbars.plots import style
from lossbars.plots.tables import by_recipe, per_model, span
from lossbars.workflow.work import Work

COLUMNS = ("model", "a", "b", "c", "t1", "t2", "t3", "objective")
HEIGHT = math.sqrt(3) / 2
NODES = {  # name → (t1, t2, t3); t1 belongs to C, t2 to B, t3 to A
    "A": (0, 0, 1), "B": (0, 1, 0), "C": (1, 0, 0),
    "D": (0, 0.5, 0.5), "E": (0.5, 0.5, 0), "F": (0.5, 0, 0.5), "O": (1 / 3, 1 / 3, 1 / 3),
}  # fmt: skip
LEVELS = 24


def draw(work: Work[RecipesFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    surfaces, labels = by_recipe(work.trained("triangles"), settings.labels, settings.recipes)
    return triangle(surfaces, labels, settings.title)


@style.styled
def triangle(triangles: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """The loss on one triangle of each model, flattened to an equilateral one (v1, figures 15 and 16).

    θ(t) = t3·A + t2·B + t1·C on the flat triangle, corners a, b, c of the table at A, B, C. Drawn is the triple whose
    largest loss is lowest. D, E, F are the centres of the sides and O the centre; a cross marks the largest loss. Each
    panel has a colour scale of its own. ValueError for an empty table and for a model without triangles, by name.
    """
    tables = per_model(triangles, labels, COLUMNS, "triangles")
    figure, axes = style.panels(len(labels), title, height=2.4)
    for panel, (model, table) in zip(axes, tables.items(), strict=True):
        rows = _lowest(table)
        if len(rows) < 3:
            raise ValueError(f"table 'triangles': {len(rows)} points of a triangle of model {model!r}, 3 are needed")
        _draw_surface(figure, panel, rows)
        _draw_nodes(panel, rows)
        sides = rows[(rows[["t1", "t2", "t3"]] < 1e-9).any(axis=1)]["objective"].max()
        panel.set_title(f"{labels[model]}\nmax {rows['objective'].max():.3g}, on the sides {sides:.3g}")
    counts = span([len(table.groupby(["a", "b", "c"])) for table in tables.values()])
    note = f"The triangle whose maximum is lowest, among {counts} per model. Every panel has its own colours."
    style.caption(figure, _legend(), note)
    return figure


def _lowest(table: pd.DataFrame) -> pd.DataFrame:
    """The triangle with the lowest maximum, without repeated points."""
    groups = [rows for _, rows in table.groupby(["a", "b", "c"])]
    best = min(groups, key=lambda rows: float(rows["objective"].max()))
    repeated = best[["t1", "t2", "t3"]].round(9).duplicated()
    return best[~repeated].reset_index(drop=True)


def _place(t1: Any, t2: Any) -> tuple[Any, Any]:
    """A at (0, 0), B at (1, 0), C at (1/2, √3/2)."""
    return t2 + t1 / 2, HEIGHT * t1


def _draw_surface(figure: Figure, axes: Axes, rows: pd.DataFrame) -> None:
    losses = rows["objective"].to_numpy()
    mesh = Triangulation(*_place(rows["t1"].to_numpy(), rows["t2"].to_numpy()))
    mesh.set_mask(TriAnalyzer(mesh).get_flat_tri_mask(1e-4))  # rounding puts slivers on the sides
    log = style.wants_log(losses)
    low, high = losses.min(), max(losses.max(), losses.min() * (1 + 1e-6) + 1e-12)
    space = np.geomspace if log else np.linspace
    levels, norm = space(low, high, LEVELS), LogNorm(low, high) if log else Normalize(low, high)
    surface = axes.tricontourf(mesh, losses, levels=levels, norm=norm, cmap="viridis")
    surface.set(edgecolor="face", linewidth=0.2)  # else viewers show white seams between the levels
    ticks = space(low, high, 4)
    bar = figure.colorbar(surface, ax=axes, location="bottom", shrink=0.8, pad=0.02, aspect=22)
    bar.set_label("loss (log scale)" if log else "loss")
    bar.set_ticks(ticks.tolist(), labels=[f"{tick:.3g}" for tick in ticks])
    bar.minorticks_off()


def _draw_nodes(axes: Axes, rows: pd.DataFrame) -> None:
    minima = dict(zip("ABC", rows[["a", "b", "c"]].iloc[0], strict=True))
    top = rows.loc[rows["objective"].idxmax()]
    x, y = _place(top["t1"], top["t2"])
    look: dict[str, Any] = {"markeredgecolor": "white", "mew": 0.8, "clip_on": False}
    axes.plot(x, y, "X", color=style.PALETTE[1], markersize=7, zorder=5, gid="max", **look)
    named_below = {"A", "B"} | ({"O"} if y > HEIGHT / 3 - 1e-9 else set())  # not under the cross
    for name, (t1, t2, _) in NODES.items():
        axes.plot(*_place(t1, t2), "o", color="black", markersize=3.5, **look)
        text = f"{name}: minimum {minima[name]}" if name in minima else name
        _write(axes, text, _place(t1, t2), name in named_below)
    axes.set(aspect="equal", xlim=(-0.2, 1.2), ylim=(-0.13, HEIGHT + 0.13))
    axes.axis("off")


def _write(axes: Axes, text: str, place: tuple[float, float], below: bool) -> None:
    axes.annotate(
        text, place, (0, -4 if below else 4), textcoords="offset points", ha="center", va="top" if below else "bottom",
        fontsize=style.SMALL, path_effects=[withStroke(linewidth=1.8, foreground="white")],
    )  # fmt: skip


def _legend() -> list[Line2D]:
    edge: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "white"}
    return [
        Line2D([], [], marker="o", color="black", markersize=4, label="minima, centres of sides, centre", **edge),
        Line2D([], [], marker="X", color=style.PALETTE[1], markersize=7, label="largest loss", **edge),
    ]
