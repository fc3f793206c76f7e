"""Bars as figures of functions draw them: from birth to death, a half-line as an arrow."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lossbars.plots import style


def draw_bars(
    axes: Axes, x: Float[np.ndarray, " b"], bars: pd.DataFrame, color: Any, name: str, *,
    width: float, dot: float, dash: tuple[float, float], half_line: float, arrow: float,
) -> None:  # fmt: skip
    """Bars at places ``x``: a dot at the birth, a dash at the death, an arrow at the top for a half-line.

    In points: ``width`` of a bar and of a ``half_line``, size of the ``dot``, length and thickness of the ``dash``.
    ``arrow`` is the height of arrows as a fraction of the panel.
    """
    birth, death = bars["birth"].to_numpy(), bars["death"].to_numpy()
    ends = np.isfinite(death)
    axes.vlines(x[ends], birth[ends], death[ends], color=color, linewidth=width, gid=f"bars-{name}")
    axes.plot(x[ends], death[ends], "_", color=color, markersize=dash[0], mew=dash[1], gid=f"deaths-{name}")
    axes.plot(x, birth, "o", color=color, markersize=dot, mew=0, clip_on=False, gid=f"births-{name}")
    if ends.all():
        return  # empty artists outside of the axes' clipping would spoil the layout
    top = axes.get_ylim()[1]
    axes.vlines(x[~ends], birth[~ends], top, color=color, linewidth=half_line, gid=f"half-lines-{name}")
    look: dict[str, Any] = {"clip_on": False, "transform": axes.get_xaxis_transform(), "gid": f"arrows-{name}"}
    axes.plot(x[~ends], np.full((~ends).sum(), arrow), "^", color=color, markersize=5, **look)


def bar_legend(dot: float) -> list[Any]:
    """The legend of :func:`draw_bars`."""
    grey: dict[str, Any] = {"color": style.GREY, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=dot, label="birth (minimum)", **grey),
        Line2D([], [], marker="_", markersize=5, mew=1.6, label="death (saddle)", **grey),
        Line2D([], [], marker="^", markersize=5, label="half-line", **grey),
    ]
