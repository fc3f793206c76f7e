"""What the figures of functions draw, read back from their artists."""

import math
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lossbars.experiments.functions.figures.bridge import bridge
from lossbars.experiments.functions.figures.pairs import pairs as pairs_figure
from lossbars.experiments.functions.figures.sublevel_bars import sublevel_bars
from lossbars.experiments.functions.figures.surface import cut_at, surface
from lossbars.experiments.functions.figures.tiny_bars import tiny_bars
from lossbars.plots.bars import grouped
from lossbars.plots.components import components
from lossbars.plots.style import save
from lossbars.plots.surfaces import as_grid
from support.function_figures import (
    BARS,
    LABELS,
    both_ways,
    by_gid,
    check_errors,
    check_page,
    make_bars,
    points,
    segments,
    words,
)

pytestmark = pytest.mark.filterwarnings("error")

SIX = {f"m{i}": f"Function number {i}" for i in range(6)}


def make_surface(models=("bowl", "wall"), side: int = 21) -> pd.DataFrame:
    """x² + y², with a wall of height 500 at x = 2 in the model ``wall``."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 2, side), np.linspace(-1.5, 1.5, side)))
    tables = [
        pd.DataFrame({"model": model, "x": x, "y": y, "value": x**2 + y**2 + 500 * (x == 2) * (model == "wall")})
        for model in models
    ]
    return pd.concat(tables, ignore_index=True)


def extents(figure: Figure, gid: str) -> list[tuple[float, float]]:
    return sorted(tuple(segment[:, 1].tolist()) for segment in segments(figure, gid))


class TestSurface:
    def test_a_wall_is_cut_and_said_to_be(self):
        figure = surface(make_surface(), LABELS, "some functions")
        assert [axes.get_title() for axes in figure.axes] == ["Wall", "Bowl"]
        (tops, wall), (low, high) = (axes.get_zlim() for axes in figure.axes)
        assert wall < 20 and low <= 0 and high < 8 and tops <= 0
        assert "Wall at" in words(figure) and "Bowl at" not in words(figure) and "of 506" in words(figure)

    def test_it_is_a_picture_and_small(self, tmp_path):
        figure = surface(make_surface(side=101, models=("bowl",)), {"bowl": "Bowl"}, "")
        assert all(artist.get_rasterized() for artist in figure.findobj(lambda one: one.get_gid() == "surface"))
        save(figure, tmp_path / "s.pdf", tmp_path / "s.svg")
        assert (tmp_path / "s.svg").stat().st_size < 1e6

    def test_the_grid_is_read_by_its_coordinates(self):
        rows = make_surface(("bowl",), side=5).assign(value=lambda t: t["x"] + 10 * t["y"])
        x, y, values = as_grid(rows.sample(frac=1, random_state=1), "bowl")
        np.testing.assert_allclose(values, x[None, :] + 10 * y[:, None])
        with pytest.raises(ValueError, match="model 'bowl': 24 points are no full grid"):
            as_grid(rows.head(24), "bowl")

    @pytest.mark.parametrize(("values", "top"), [([0, 1, 2, 4.9], 4.9), ([0, 1, 2, 100], 4.5), ([3, 3, 3, 3], 3)])
    def test_where_a_wall_is_cut(self, values, top):
        assert cut_at(np.array([values], dtype=float)) == top


class TestPairs:
    def test_lines_join_each_minimum_to_its_saddle(self):
        bars = pd.concat(
            [make_bars(seed=3), make_bars(seed=2, rows=BARS[:2]), make_bars(source="merged", rows=BARS[:1])]
        )
        figure = pairs_figure(make_surface(), bars, LABELS, "")
        np.testing.assert_allclose(segments(figure, "links-bowl"), [[(-0.1, 0.7), (0, 0)]])
        np.testing.assert_allclose(points(figure, "global-bowl"), [(0.1, -0.7)])
        np.testing.assert_allclose(points(figure, "minima-bowl"), [(-0.1, 0.7)])
        np.testing.assert_allclose(points(figure, "saddles-bowl"), [(0, 0)])

    def test_noise_is_left_out_and_counted(self):
        figure = pairs_figure(make_surface(), make_bars().assign(dropped=7), LABELS, "")
        assert len(segments(figure, "links-wall")) == 3
        assert "Wall 4 bars; not shown: 8 noise" in words(figure) and "1% of the longest finite one" in words(figure)

    def test_of_many_bars_the_largest_clusters(self):
        figure = pairs_figure(make_surface(), make_bars(), LABELS, "", most=2, many=3)
        np.testing.assert_allclose(segments(figure, "links-wall"), [[(-0.1, 0.7), (0, 0)]])
        assert "2 bars; not shown: 2 of smaller clusters, 1 noise" in words(figure)
        assert "the 2 of the largest clusters" in words(figure)


class TestSublevelBars:
    def test_bars_half_line_and_counts(self):
        figure = sublevel_bars(make_bars(), LABELS, "barcodes")
        finite = extents(figure, "bars-bowl-0") + extents(figure, "bars-bowl-1")
        assert sorted(finite) == [(-1.0, 0.0), (-0.201, 0.501), (-0.2, 0.5)]
        top = figure.axes[1].get_ylim()[1]
        assert extents(figure, "half-lines-bowl-0") == [(-1.0, top)] and top > 0.501
        assert by_gid(figure, "arrows-bowl-0").get_marker() == "^"
        text = words(figure)
        assert "Bowl: 4 bars, 1 shorter ones left out" in text and "×2" in text and "1% of the longest" in text

    def test_equal_bars_stand_together(self):
        rows = pd.DataFrame({"birth": [0, 0.5, 0.005, 0.001, 0.5], "death": [math.inf, 0.7, 1.0, 0.9, 0.705]})
        births = [group["birth"].tolist() for group in grouped(rows)]
        assert births == [[0], [0.005], [0.001], [0.5, 0.5]], "0.9 and 1 differ by more than 1 % of the longest"

    def test_a_table_that_leaves_more_out(self):
        figure = sublevel_bars(make_bars().assign(threshold=0.05, dropped=100), LABELS, "")
        assert "101 shorter ones left out" in words(figure) and "in the tables those below 0.05" in words(figure)


class TestTinyBars:
    def test_bands_stand_in_the_columns_of_their_models(self):
        figure = tiny_bars(make_bars(), LABELS, "nets", {"bowl": (0.35, 0.45), "other": (5, 6)})
        band = by_gid(figure, "published-bowl").get_paths()[0].vertices
        np.testing.assert_allclose([band.min(axis=0), band.max(axis=0)], [(1, 0.35), (2, 0.45)])
        assert not figure.findobj(lambda artist: artist.get_gid() == "published-wall")
        ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert ticks[0] == "Wall\nf -1 to 213\n4 of 5\nbars" and "published interval" in words(figure)

    def test_small_clusters_and_all_but_the_longest_are_left_out(self):
        bars = make_bars().assign(n=90_000)
        assert extents(tiny_bars(bars, LABELS, ""), "bars-bowl") == [(-1.0, 0.0)]
        assert extents(tiny_bars(make_bars(), LABELS, "", most=2), "bars-bowl") == [(-1.0, 0.0)]
        assert "published" not in words(tiny_bars(bars, LABELS, ""))

    def test_bars_of_curves(self):
        figure = tiny_bars(both_ways(), LABELS, "", source="merged")
        assert len(extents(figure, "bars-bowl")) == 3 and "optimised curves" in words(figure)
        with pytest.raises(ValueError, match="source 'best' is none of cloud, merged"):
            tiny_bars(both_ways(), LABELS, "", source="best")


class TestBridge:
    def test_bars_in_bars_and_deaths_against_deaths(self):
        figure = bridge(both_ways(), LABELS, "")
        assert len(extents(figure, "cloud-bowl")) == 4 == len(extents(figure, "curves-bowl"))
        np.testing.assert_allclose(np.sort(points(figure, "agree-bowl"), axis=0), [(0, 0), (0.501, 0.501)])
        np.testing.assert_allclose(points(figure, "differ-bowl"), [(0.5, 0.6)])
        np.testing.assert_allclose(points(figure, "deaths-direct-bowl"), [(0, 0.4)])
        colors = [tuple(color) for color in by_gid(figure, "curves-bowl").get_colors()]
        assert len(set(colors)) == 2 and sorted(map(colors.count, set(colors))) == [1, 3]
        assert "3 of 4 agree" in words(figure) and "2% of that length" in words(figure)

    def test_a_bar_without_a_match(self):
        bars = both_ways()
        figure = bridge(bars[(bars["source"] == "cloud") | (bars["birth"] != -0.201)], LABELS, "")
        assert len(extents(figure, "cloud-bowl")) == 4 and len(extents(figure, "curves-bowl")) == 3
        assert "2 of 4 agree" in words(figure)

    def test_the_longest_are_drawn_and_all_are_counted(self, monkeypatch):
        monkeypatch.setattr(sys.modules["lossbars.experiments.functions.figures.bridge"], "MOST", 2)
        figure = bridge(both_ways(), LABELS, "")
        assert extents(figure, "curves-bowl")[0][0] == -1 and len(extents(figure, "curves-bowl")) == 2
        assert "Bowl 2 of 4 bars" in words(figure) and "3 of 4 agree" in words(figure)


CALLS = {
    "surface": (lambda table, labels: surface(table, labels, ""), make_surface),
    "pairs": (lambda table, labels: pairs_figure(make_surface(tuple(labels)), table, labels, ""), make_bars),
    "sublevel_bars": (lambda table, labels: sublevel_bars(table, labels, ""), make_bars),
    "tiny_bars": (lambda table, labels: tiny_bars(table, labels, ""), make_bars),
    "bridge": (lambda table, labels: bridge(table, labels, ""), both_ways),
    "components": (lambda table, labels: components(table, labels, "", "value", False), make_bars),
}


@pytest.mark.parametrize("name", CALLS)
def test_tables_that_lack_something(name):
    draw, make = CALLS[name]
    check_errors(draw, make())
    with pytest.raises(ValueError, match="no model" if name != "pairs" else "is named|concatenate"):
        draw(make(), {})


def draw(name: str, count: int) -> Figure:
    call, make = CALLS[name]
    labels = dict(list(SIX.items())[:count])
    return call(make(tuple(labels)), labels)


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_drawn_leaves_the_page(count):
    for name in CALLS:
        check_page(draw(name, count), name)


def test_the_same_bytes_every_time(tmp_path):
    for number in range(2):
        save(draw("pairs", 1), tmp_path / f"{number}.pdf", tmp_path / f"{number}.svg")
    for suffix in ("pdf", "svg"):
        assert (tmp_path / f"0.{suffix}").read_bytes() == (tmp_path / f"1.{suffix}").read_bytes()
