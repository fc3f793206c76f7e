"""Strings along the principal components of their beads (half-rectified-networks.txt, figures 3 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from lossbars.experiments.strings.figures.lengths import NAMES
from lossbars.plots import style

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
    def of(cls, own: Mapping[str, np.ndarray], pair: int, threshold: float) -> "Shown":
        """Of arrays that have NaN after the last place and bead."""
        kept = {name: value[~np.isnan(value.reshape(len(value), -1)).any(1)] for name, value in own.items()}
        return cls(pair, threshold, **kept)


@style.styled
def string_views(strings: dict[str, Shown], labels: dict[str, str], metrics: dict[str, str], title: str) -> Figure:
    """Three panels a model: its string projected on each two of three components.

    Models that connected no pair have no string, and are left out. ValueError where none has one.
    """
    if not strings:
        raise ValueError("no pair of any model is connected: there is no string to draw")
    figure, axes = style.panels(3 * len(strings), title, height=2.2)
    for index, (model, own) in enumerate(strings.items()):
        colours = _colours(own.values)
        for panel, plane in zip(axes[3 * index : 3 * index + 3], PLANES, strict=True):
            _draw(panel, own, plane, colours, model)
        below = f"pair {own.pair}, threshold {own.threshold:g}, {len(own.beads) - 2} beads"
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


def _draw(axes: Axes, own: Shown, plane: tuple[int, int], colours: ScalarMappable, model: str) -> None:
    places, beads = own.places[:, plane], own.beads[:, plane]
    pieces = np.stack([places[:-1], places[1:]], axis=1)
    colour = colours.to_rgba((own.values[:-1] + own.values[1:]) / 2)
    axes.add_collection(LineCollection(list(pieces), colors=colour, linewidths=1.6, gid=f"string-{model}"))
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": "0.15", "mew": 0}
    axes.plot(*beads[1:-1].T, markersize=1.6, **look)
    axes.plot(*beads[[0, -1]].T, markersize=5, **look)
    axes.margins(0.08)
    axes.autoscale_view()
    first, second = (f"component {i + 1} ({own.shares[i]:.0%})" for i in plane)
    axes.set(xlabel=first, ylabel=second)
