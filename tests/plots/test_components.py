"""Components of sublevel sets: counted from bars, against what is counted directly, and as a figure."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import StepPatch
from scipy.ndimage import label

from lossbars.barcodes.barcode import ArrayBarcode, Bar, Barcode, components_at
from lossbars.functions import Function, himmelblau, six_hump_camel
from lossbars.plots.components import components
from lossbars.sublevel import sublevel_barcode
from lossbars.sublevel.regular_grid import grid_neighbours
from support.function_figures import LABELS, both_ways, by_gid, make_bars, points, segments, words

LOOP = Bar(2.5, 4.0, 1, (0, 1), (0, 1, 2))
THREE = Barcode(
    [Bar(0.0, math.inf, 0, (0,), None), Bar(1.0, 3.0, 0, (1,), (0, 1)), Bar(2.0, 3.0, 0, (2,), (0, 2)), LOOP], "merged"
)


class TestCount:
    def test_a_bar_counts_from_its_birth_to_before_its_death(self):
        levels = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 2.9, 3.0, 9.0])
        assert THREE.components_at(levels).tolist() == [0, 1, 1, 2, 3, 3, 1, 1]
        assert THREE.components_at(2.7, dim=1) == 1 and THREE.components_at(4.0, dim=1) == 0

    def test_levels_keep_their_shape(self):
        assert THREE.components_at(2.0).shape == () and THREE.components_at(2.0).dtype == np.int64
        assert THREE.components_at(np.array([[0.0, 1.0], [2.0, 3.0]])).tolist() == [[1, 2], [3, 1]]
        assert THREE.components_at(np.zeros(0)).shape == (0,)

    def test_ends_of_the_line(self):
        assert THREE.components_at(np.array([-math.inf, math.inf])).tolist() == [0, 1]
        assert components_at(np.zeros((0, 2)), 1.0) == 0
        assert components_at(np.array([[1.0, 1.0]]), 1.0) == 0, "a bar of length zero"
        with pytest.raises(ValueError, match="a level is NaN"):
            THREE.components_at(math.nan)

    def test_arrays_of_bars(self):
        found = ArrayBarcode(np.array([0.0, 1.0]), np.array([math.inf, 2.0]), np.arange(2), np.array([-1, 5]), "merged")
        assert found.components_at(np.array([1.0, 2.0])).tolist() == [2, 1]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 5)), max_size=12), st.integers(-6, 11))
    def test_by_the_definition(self, rows, level):
        diagram = np.array([(b, math.inf if length == 5 else b + length) for b, length in rows], float).reshape(-1, 2)
        born, dead = (diagram <= level).sum(axis=0)
        assert components_at(diagram, float(level)) == born - dead


@pytest.mark.parametrize("function", [six_hump_camel, himmelblau], ids=lambda one: one.name)
def test_components_of_a_grid_are_those_that_are_labelled(function: Function) -> None:
    side = 120
    axes = [torch.linspace(low, high, side, dtype=torch.float64) for low, high in function.box]
    grid = torch.cartesian_prod(*axes)
    values = function.loss(grid).numpy()
    found = sublevel_barcode(values, grid_neighbours((side, side), 0, side**2))
    ends = np.unique(found.diagram()[np.isfinite(found.diagram())])
    levels = np.concatenate([ends, np.nextafter(ends, -np.inf), np.quantile(values, np.linspace(0, 1, 40))])
    counted = [label(values.reshape(side, side) <= level, np.ones((3, 3)))[1] for level in levels]
    assert found.components_at(levels).tolist() == counted and max(counted) > 3


class TestFigure:
    def steps(self, figure: Any, model: str) -> tuple[list[float], list[float]]:
        patch = by_gid(figure, f"steps-{model}")
        assert isinstance(patch, StepPatch)
        values, edges, _ = patch.get_data()
        return values.tolist(), edges.tolist()

    def test_steps_beside_bars(self):
        figure = components(make_bars(), LABELS, "N", "value")
        counts, edges = self.steps(figure, "bowl")
        assert edges[1:-1] == [-1.0, -0.201, -0.2, 0.0, 0.5, 0.501] and counts == [0, 2, 3, 4, 3, 2, 1]
        assert len(segments(figure, "bars-bowl")) == 4, "the fifth is noise"
        left, right = figure.axes[:2]
        assert left.get_ylim() == right.get_ylim() and right.get_xlabel() == "N(λ)"
        assert "Wall: 4 bars" in words(figure) and "N ≤ 4" in words(figure) and "Of a cloud" in words(figure)
        assert points(figure, "births-wall")[:, 1].tolist() == [-1.0, -1.0, -0.201, -0.2], "by birth, then death"

    def test_curves_where_there_is_no_cloud_without_what_is_within_the_tolerance(self):
        bars = both_ways()
        curves = bars[(bars["source"] != "cloud") | (bars["model"] == "wall")].copy()
        curves.loc[curves["source"] == "merged", "threshold"] = 0.75
        figure = components(curves, LABELS, "N")
        assert self.steps(figure, "bowl")[0] == [0, 2, 3, 2, 1], "one of .8 and one of 1, and not that of .702"
        assert self.steps(figure, "wall")[0] == [0, 2, 3, 4, 3, 2, 1]
        assert "no longer than the stated tolerance" in words(figure) and "Of a cloud" in words(figure)

    def test_one_axis_or_each_its_own(self):
        bars = pd.concat([make_bars(("bowl",)), make_bars(("wall",), [(10.0, math.inf, 1, (0, 0), None)])])
        own, one = (components(bars, LABELS, "", "value", shared) for shared in (False, True))
        assert len({axes.get_ylim() for axes in own.axes}) == 2 and len({axes.get_ylim() for axes in one.axes}) == 1

    def test_of_networks_merged_bars_of_minima(self):
        rows = [("net", "merged", 0, 0.001, math.inf), ("net", "merged", 0, 0.002, 0.2), ("net", "merged", 1, 0.3, 0.4)]
        bars = pd.DataFrame(
            [*rows, ("net", "direct", 0, 0.002, 0.5)], columns=["model", "convention", "dim", "birth", "death"]
        )
        figure = components(bars, {"net": "Net"}, "N")
        assert self.steps(figure, "net")[0] == [0, 1, 2, 1] and figure.axes[1].get_yscale() == "log"
        assert "Only the given minima count" in words(figure) and "loss λ (log scale)" in words(figure)
        with pytest.raises(ValueError, match="'net', convention merged"):
            components(bars[bars["convention"] == "direct"], {"net": "Net"}, "N")
