"""Made-up tables of bars of functions, and what a figure shows, read back from its artists."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

LABELS = {"wall": "Wall", "bowl": "Bowl"}  # neither alphabetical nor the order of the tables

# birth, death, size, minimum, saddle
BARS = [
    (-1.0, math.inf, 400, (0.1, -0.7), None),
    (-1.0, 0.0, 90, (-0.1, 0.7), (0.0, 0.0)),
    (-0.2, 0.5, 40, (-1.7, 0.8), (-1.1, 0.77)),
    (-0.201, 0.501, 41, (1.7, -0.8), (1.1, -0.77)),
    (0.3, 0.305, 1, (1.0, 1.0), (1.1, 1.0)),  # noise: half a per cent of the longest
]


def make_bars(models=("bowl", "wall"), rows=BARS, source: str = "cloud", seed: int = 0, shift: float = 0.0):
    found = [
        (model, source, seed, birth, death + shift, size, *place, *(saddle or (math.nan, math.nan)))
        for model in models
        for birth, death, size, place, saddle in rows
    ]
    columns = ["model", "source", "seed", "birth", "death", "size", "x0", "x1", "s0", "s1"]
    table = pd.DataFrame(found, columns=columns).assign(n=441, components=1, sampling="grid", low=-1.0, high=213.0)
    return table.assign(threshold=0.0, dropped=0)


def both_ways(models=("bowl", "wall")) -> pd.DataFrame:
    """A cloud, curves of which one ends .1 higher, and direct curves of which another ends .4 higher."""
    curves = [row for row in BARS if row[1] - row[0] > 0.1]
    merged = make_bars(models, curves, "merged")
    merged.loc[(merged["birth"] == -0.2), "death"] += 0.1
    direct = merged.assign(source="direct", death=merged["death"] + 0.4 * (merged["death"] == 0))
    clouds = [make_bars(models), make_bars(models, seed=1, shift=5.0)]
    return pd.concat([*clouds, merged, direct], ignore_index=True)


def by_gid(figure: Figure, gid: str):
    (found,) = figure.findobj(lambda artist: artist.get_gid() == gid)
    return found


def points(figure: Figure, gid: str) -> np.ndarray:
    found = by_gid(figure, gid)
    assert isinstance(found, Line2D)
    return found.get_xydata()


def segments(figure: Figure, gid: str) -> np.ndarray:
    found = by_gid(figure, gid)
    assert isinstance(found, LineCollection)
    return np.array(found.get_segments())


def words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


def check_errors(draw: Callable[[pd.DataFrame, dict[str, str]], Figure], table: pd.DataFrame) -> None:
    """Assert that what a table lacks is named."""
    names = {model: model for model in table["model"].unique()}
    for wrong, labels, message in [
        (table.head(0), names, "is empty"),
        (table, names | {"wide": "Wide"}, "'wide'"),
        (table.drop(columns="model"), names, "lacks the column model"),
    ]:
        with pytest.raises(ValueError, match=message):
            draw(wrong, labels)


def check_page(figure: Figure, name: str = "") -> None:
    """Assert that nothing drawn leaves the page."""
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 > -0.01 and box.x1 < width + 0.01, f"{name}: {box} on {width} × {height} inches"
    assert box.y0 > -0.01 and box.y1 < height + 0.01, f"{name}: {box} on {width} × {height} inches"
