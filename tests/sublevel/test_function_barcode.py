"""Barcodes of functions on samples of a box, against known minima and saddles and against gudhi."""

import math

import gudhi
import numpy as np
import pytest
import torch
from scipy import stats

from lossbars.functions import Function, alpine01, himmelblau, mueller_brown, rastrigin, six_hump_camel
from lossbars.sublevel import function_barcode, regular_grid, samples, sublevel_barcode
from lossbars.sublevel.barcodes import default_cut
from lossbars.sublevel.cloud import Cloud
from lossbars.sublevel.neighbours import nearest_neighbours
from lossbars.sublevel.results import FunctionBarcode

CAMEL = [(-1.0316285, math.inf), (-1.0316285, 0.0), *[(-0.2154638, 0.5437186)] * 2, *[(2.1042503, 2.2293572)] * 2]


def longest(barcode: FunctionBarcode, count: int) -> list[tuple[float, float]]:
    diagram = barcode.diagram()
    order = np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")[:count]
    return sorted(map(tuple, diagram[order].tolist()))


@pytest.mark.parametrize("sampling", ["grid", "random"])
def test_six_hump_camel(sampling: str) -> None:
    barcode = function_barcode(six_hump_camel, None, 90_000, 0, sampling=sampling)
    assert barcode.components == 1
    found = np.sort(longest(barcode, 6), axis=0)  # of minima of one value, sampling decides which is the lower
    np.testing.assert_allclose(found, np.sort(CAMEL, axis=0), atol={"grid": 3e-4, "random": 3e-3}[sampling])
    if sampling == "grid":
        assert len(barcode.births) == 6  # nothing but the minima of the function
    places = barcode.minimum_places[np.argsort(barcode.births - barcode.deaths, kind="stable")[:2]]
    for place, _ in six_hump_camel.minima[:2]:
        assert np.linalg.norm(places - place, axis=1).min() < 0.02
    dies = np.isfinite(barcode.deaths)
    assert np.isnan(barcode.saddle_places[~dies]).all()
    at = barcode.saddle_places[dies]
    np.testing.assert_array_equal(six_hump_camel.loss(torch.from_numpy(at)).numpy(), barcode.deaths[dies])


@pytest.mark.parametrize(("function", "deaths"), [(himmelblau, 3), (mueller_brown, 2)])
def test_other_known_saddles(function: Function, deaths: int) -> None:
    barcode = function_barcode(function, None, 250_000, 0)
    truth = sorted(value for _, value in function.saddles)[:deaths]
    found = sorted(death for _, death in longest(barcode, deaths + 1) if math.isfinite(death))
    np.testing.assert_allclose(found, truth, rtol=3e-3)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_grid_is_gudhis_cubical_complex(dim: int) -> None:
    function = rastrigin(dim)
    barcode = function_barcode(function, None, 8000, 0)
    side = round(barcode.n ** (1 / dim))
    axes = [torch.linspace(low, high, side, dtype=torch.float64) for low, high in function.box]
    places = torch.from_numpy(samples.grid_places((side,) * dim, np.array(function.box), np.arange(side**dim)))
    np.testing.assert_allclose(places.numpy(), torch.cartesian_prod(*axes).reshape(-1, dim).numpy(), atol=1e-12)
    values = function.loss(places).numpy().reshape((side,) * dim)
    cubical = gudhi.CubicalComplex(top_dimensional_cells=values)
    cubical.compute_persistence(min_persistence=0)
    truth = cubical.persistence_intervals_in_dimension(0)
    assert sorted(map(tuple, barcode.diagram().tolist())) == sorted(map(tuple, truth.tolist()))


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_a_cloud_made_in_parts_has_the_barcode_of_the_whole(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n, k, function = 20_000, 2 * dim, alpine01(dim)
    monkeypatch.setattr(samples, "Cloud", lambda n, dim, seed: Cloud(n, dim, seed, points_a_part=5000))
    blocked = function_barcode(function, None, n, 1, sampling="random", k=k)
    cloud = Cloud(n, dim, 1, points_a_part=5000)
    assert len(cloud.parts) > 1
    points = np.concatenate([cloud.make(i)[0] for i in range(len(cloud.parts))], axis=1).T
    values = function.loss(torch.from_numpy(samples.in_box(points, np.array(function.box)))).numpy()
    rows = nearest_neighbours(points, k, default_cut(dim) * n ** (-1 / dim), "kd-tree")
    whole = sublevel_barcode(values, rows)
    for name in ("minima", "saddles", "births", "deaths", "sizes"):
        np.testing.assert_array_equal(getattr(blocked, name), getattr(whole, name))
    np.testing.assert_array_equal(blocked.minimum_places, samples.in_box(points[whole.minima], np.array(function.box)))


@pytest.mark.parametrize("dim", [1, 2, 6])
def test_clouds_are_uniform(dim: int) -> None:
    cloud = Cloud(40_000, dim, 3, points_a_part=15_000)
    parts = [cloud.make(i) for i in range(len(cloud.parts))]
    points = np.concatenate([part[0] for part in parts], axis=1)
    assert points.shape == (dim, 40_000) and points.min() >= 0 and points.max() < 1
    for axis in points:
        assert stats.kstest(axis, "uniform").pvalue > 1e-4
    cells = np.concatenate([np.diff(offsets) for _, offsets in parts])
    spread = stats.chisquare(cells)  # independent points, not one a cell
    assert 1e-4 < spread.pvalue < 1 - 1e-4
    np.testing.assert_array_equal(cloud.make(0)[0], parts[0][0])


def test_points_lie_in_their_cells() -> None:
    cloud = Cloud(5000, 3, 0)
    points, offsets = cloud.make(0)
    cells = np.repeat(np.arange(cloud.cells**3), np.diff(offsets))
    wanted = np.array(np.unravel_index(cells, (cloud.cells,) * 3))
    low, high = (np.float32((wanted + i) / cloud.cells) for i in (0, 1))
    assert ((low <= points) & (points < high)).all()


def test_the_seed_decides() -> None:
    one, same, other = (function_barcode(alpine01(4), None, 3000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.diagram(), same.diagram())
    assert one.diagram().shape != other.diagram().shape or (one.diagram() != other.diagram()).any()


def test_facts_of_the_sample() -> None:
    grid = function_barcode(six_hump_camel, None, 10_500, 0)
    assert (grid.n, grid.sampling, grid.k) == (101**2, "grid", None)
    assert function_barcode(six_hump_camel, None, 10_500, 0, odd_sides=False).n == 102**2
    random = function_barcode(alpine01(4), ((-5.0, 5.0),) * 4, 2000, 0)
    assert (random.n, random.sampling, random.k, random.search) == (2000, "random", 12, "cells")
    assert 0 <= random.value_range[0] < random.value_range[1]
    assert (np.abs(random.minimum_places) <= 5).all()
    assert random.sizes[np.isinf(random.deaths)].sum() == 2000
    high = function_barcode(alpine01(7), None, 500, 0)
    assert (high.search, high.k) == ("kd-tree", 14)


def test_the_papers_neighbours_leave_the_plane_in_pieces() -> None:
    """Four neighbours: about 1e-4 of the points are components of their own; the default has one."""
    assert function_barcode(six_hump_camel, None, 100_000, 0, k=4, cut=2.0).components > 1
    assert function_barcode(six_hump_camel, None, 100_000, 0, sampling="random").components == 1


def test_progress_is_reported() -> None:
    said: list[str] = []
    function_barcode(six_hump_camel, None, 400, 0, report=said.append)
    assert said == ["block 1 of 1: 361 of 361 points joined"]


def test_sides_of_grids_are_odd() -> None:
    """The middle of the box is a point; an even side misses Rastrigin's minimum there."""
    assert function_barcode(rastrigin(2), None, 10_000, 0).births[0] == 0.0
    assert function_barcode(rastrigin(2), None, 10_000, 0, odd_sides=False).births[0] > 0.1
    assert [regular_grid.grid_shape(n, 2) for n in (2, 8, 9, 16, 25)] == [(2, 2), (2, 2), (3, 3), (3, 3), (5, 5)]


def test_a_function_that_is_not_a_number_somewhere() -> None:
    root = Function("root", ((-1.0, 1.0),), lambda x: x.sqrt().squeeze(-1))
    with pytest.raises(ValueError, match=r"NaN at \[-1.0\] \(point 0\)"):
        function_barcode(root, None, 50, 0)


def test_infinite_values_are_walls() -> None:
    wall = Function("wall", ((-1.0, 1.0),), lambda x: torch.where(x.abs() < 0.1, math.inf, x.abs()).squeeze(-1))
    barcode = function_barcode(wall, None, 101, 0)
    assert barcode.components == 2 and barcode.value_range == (pytest.approx(0.1), 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"box": ((0.0, 1.0),)}, "2 pairs of a low and a higher number"),
        ({"box": ((0.0, 1.0), (1.0, 0.0))}, "2 pairs"),
        ({"n": 1}, "two points at least"),
        ({"sampling": "grid", "k": 4}, "leave k out"),
        ({"sampling": "random", "cut": -1.0}, "a positive number"),
    ],
)
def test_what_cannot_be_sampled_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function_barcode(**({"landscape": six_hump_camel, "box": None, "n": 100, "seed": 0} | options))
