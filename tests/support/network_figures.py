"""A made-up table of bars of networks, and what a figure shows, read back from its artists."""

import math

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

BARS = {"flat": [(0.003, 0.3), (0.001, np.inf), (0.002, 0.1)], "deep": [(0.02, 0.04), (0.01, np.inf)]}


def make_bars(models: dict[str, list[tuple[float, float]]] = BARS, dim: int = 0, convention: str = "direct"):
    rows = [
        (model, convention, dim, birth, death, str(i), "" if math.isinf(death) else f"0+{i}")
        for model, bars in models.items()
        for i, (birth, death) in enumerate(bars)
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])


def by_gid(figure: Figure, gid: str) -> Artist:
    (found,) = figure.findobj(lambda artist: artist.get_gid() == gid)
    return found


def line(figure: Figure, gid: str) -> Line2D:
    found = by_gid(figure, gid)
    assert isinstance(found, Line2D)
    return found


def extents(figure: Figure, gid: str) -> np.ndarray:
    """(n, 2) lower and upper ends of vertical bars."""
    found = by_gid(figure, gid)
    assert isinstance(found, LineCollection)
    return np.array([segment[:, 1] for segment in found.get_segments()]).reshape(-1, 2)


def words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


def tick_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]
