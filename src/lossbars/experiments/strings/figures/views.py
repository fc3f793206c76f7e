"""Strings along the principal components of their beads (Freeman & Bruna 2017, figs. 3 and 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from lossbars.experiments.strings.config import StringsFigure
from lossbars.experiments.strings.figures.lengths import NAMES
from lossbars.experiments.strings.fits import CONNECTED
from lossbars.plots import style
from lossbars.workflow.artefacts import made_by, read_tensors
from lossbars.workflow.work import Work

PLANES = ((0, 1), (0, 2), (1, 2))  # pairs of components
COLOURS = "coolwarm"  # high values red, those near the threshold blue, as in the text


@dataclass(frozen=True)
class Shown:
    """One string: places (g, 3) along the components with the measure (g,) there, and its beads (k, 3)."""

    pair: int
    threshold: float
    places: Float[np.ndarray, "g 3"]
    values: Float[np.ndarray, " g"]
    beads: Float[np.ndarray, "k 3"]
    shares: Float[np.ndarray, " 3"]

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], pair: int, threshold: float) -> "Shown":
        """From arrays that are filled up with NaN after the last place and bead."""
        kept = {name: value[~np.isnan(value.reshape(len(value), -1)).any(1)] for name, value in arrays.items()}
        return cls(pair, threshold, **kept)


def draw(work: Work[StringsFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return string_views(longest(work), settings.labels, settings.metrics, settings.title)


def longest(work: Work[StringsFigure]) -> dict[str, Shown]:
    """Model → the string with most beads at its lowest threshold, of the models that connected a pair."""
    answers = work.table("answers")
    shown = {}
    for model in work.settings.labels:
        connected = answers[(answers["model"] == model) & (answers["answer"] == CONNECTED)]
        if not connected.empty:
            best = connected.sort_values(["threshold", "beads"], ascending=[True, False]).iloc[0]
            files = [path for path in work.files("strings") if made_by(path).model == model]
            shown[model] = _shown(files, work.keys("strings"), best)
    return shown


def _shown(files: Sequence[Path], keys: list[str], best: pd.Series) -> Shown:
    """The string of the pair of a row of answers, from the file that has this pair."""
    for path in files:
        tensors, _ = read_tensors(path, keys)
        rows = (tensors["pairs"] == int(best["pair"])).nonzero().flatten().tolist()
        if rows:
            names = ("places", "values", "beads", "shares")
            arrays = {name: tensors[f"view.{name}"][rows[0]].numpy() for name in names}
            return Shown.of(arrays, int(best["pair"]), float(best["threshold"]))
    raise ValueError(f"no file of strings has pair {best['pair']} of {best['model']}")


@style.styled
def string_views(strings: dict[str, Shown], labels: dict[str, str], metrics: dict[str, str], title: str) -> Figure:
    """Three panels a model: its string projected on each two of three components.

    Models that connected no pair have no string, and are left out. ValueError where none has one.
    """
    if not strings:
        raise ValueError("no pair of any model is connected: there is no string to draw")
    figure, axes = style.panels(3 * len(strings), title, height=2.2)
    for index, (model, string) in enumerate(strings.items()):
        colours = _colours(string.values)
        for panel, plane in zip(axes[3 * index : 3 * index + 3], PLANES, strict=True):
            _draw(panel, string, plane, colours, model)
        below = f"pair {string.pair}, threshold {string.threshold:g}, {len(string.beads) - 2} beads"
        axes[3 * index].set_title(f"{labels[model]}\n{below}", loc="left")
        bar = figure.colorbar(colours, ax=axes[3 * index + 2], aspect=12)
        bar.set_label(NAMES[metrics[model]])
    style.caption(
        figure, [], "Principal components of the beads, with their share of the variance. Large dots: the ends."
    )
    return figure


def _colours(values: Float[np.ndarray, " g"]) -> ScalarMappable:
    low, high = float(values.min()), float(values.max())
    scale = LogNorm(low, high) if 0 < low < high else Normalize(low, high)
    return ScalarMappable(scale, COLOURS)


def _draw(axes: Axes, string: Shown, plane: tuple[int, int], colours: ScalarMappable, model: str) -> None:
    places, beads = string.places[:, plane], string.beads[:, plane]
    pieces = np.stack([places[:-1], places[1:]], axis=1)
    colour = colours.to_rgba((string.values[:-1] + string.values[1:]) / 2)
    axes.add_collection(LineCollection(list(pieces), colors=colour, linewidths=1.6, gid=f"string-{model}"))
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": "0.15", "mew": 0}
    axes.plot(*beads[1:-1].T, markersize=1.6, **look)
    axes.plot(*beads[[0, -1]].T, markersize=5, **look)
    axes.margins(0.08)
    axes.autoscale_view()
    first, second = (f"component {i + 1} ({string.shares[i]:.0%})" for i in plane)
    axes.set(xlabel=first, ylabel=second)
