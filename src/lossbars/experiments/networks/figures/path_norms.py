"""Gradients along a path while it is optimised.

Barannikov et al. 2020, Topological obstructions, figures 11 and 12; Barannikov et al. 2022, figures 19 and 20.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lossbars.experiments.networks.settings import RecipesFigure
from lossbars.plots import style
from lossbars.plots.tables import by_recipe, per_model
from lossbars.workflow.job import Job
from lossbars.workflow.work import Work

COLUMNS = ("model", "epoch", "point", "tangent", "orthogonal")
SHOWN = 6  # epochs
PARTS = {"tangent": "tangent part", "orthogonal": "orthogonal part"}


def draw(work: Work[RecipesFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    tables = [_norms(maker, tensors) for maker, tensors, _ in work.all_tensors("paths")]
    norms, labels = by_recipe(pd.concat(tables, ignore_index=True), settings.labels, settings.recipes)
    return path_norms(norms, labels, settings.title)


def _norms(maker: Job, tensors: Mapping[str, Any]) -> pd.DataFrame:
    """A row per epoch, path and moving point: norms of the two parts of the gradient."""
    epochs, several, points = tensors["tangent"].shape
    epoch, path, point = np.indices((epochs, several, points)).reshape(3, -1)
    names = np.array([f"{a}+{b}" for a, b in tensors["pairs"].tolist()])
    columns = {"model": maker.model, "by": maker.kind, "epoch": epoch + 1, "path": names[path], "point": point + 1}
    return pd.DataFrame(columns | {part: tensors[part].double().numpy().ravel() for part in PARTS})


@style.styled
def path_norms(norms: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Norms of the gradient's two parts at each moving point of a path, at several epochs; a row per model.

    Norms are means over the steps of an epoch; lines are means over the model's paths. A point is numbered as it
    lies among those that move. ValueError for an empty table and for a model without paths, by name.
    """
    tables = per_model(norms, labels, COLUMNS, "norms")
    figure, axes = style.panels(2 * len(labels), title, height=2.0, columns=2)
    last = int(norms["epoch"].max())
    colours = ScalarMappable(Normalize(1, max(last, 2)), matplotlib.colormaps["viridis"])
    for row, (model, table) in enumerate(tables.items()):
        for panel, (part, name) in zip(axes[2 * row : 2 * row + 2], PARTS.items(), strict=True):
            _draw_part(panel, table, part, colours)
            panel.set_title(f"{labels[model]}: {name}")
            panel.set(xlabel="point", ylabel="norm", yscale="log")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    bar = figure.colorbar(colours, ax=axes, shrink=0.6, pad=0.02, ticks=MaxNLocator(integer=True))
    bar.set_label("epoch")
    paths = ", ".join(str(table["path"].nunique()) for table in tables.values())
    style.caption(figure, [], f"Norms of the gradient's parts, means over an epoch and over the paths ({paths}).")
    return figure


def _draw_part(axes: Axes, table: pd.DataFrame, part: str, colours: ScalarMappable) -> None:
    epochs = np.unique(table["epoch"])
    chosen = epochs[np.unique(np.linspace(0, len(epochs) - 1, SHOWN).round().astype(int))]
    for epoch in chosen:
        norms = table[table["epoch"] == epoch].groupby("point")[part].mean()
        axes.plot(
            norms.index,
            norms,
            color=colours.to_rgba(np.array([epoch]))[0],
            marker="o",
            markersize=2,
            gid=f"{part}-{epoch}",
        )
