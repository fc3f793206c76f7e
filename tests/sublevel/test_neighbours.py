"""Nearest neighbours: every search finds what a brute-force one does."""

import numpy as np
import pytest

from lossbars.sublevel.cell_grid import into_cells
from lossbars.sublevel.neighbours import Search, choose_search, nearest_neighbours


def brute_force(points: np.ndarray, k: int, cut: float) -> np.ndarray:
    """Distances (n, k) to the k nearest others, inf where there are fewer within ``cut``."""
    wide = points.astype(np.float64)
    distances = np.linalg.norm(wide[:, None] - wide[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    distances = np.sort(np.where(distances <= cut, distances, np.inf), axis=1)
    missing = np.full((len(points), max(0, k - len(points))), np.inf)
    return np.hstack([distances, missing])[:, :k]


def distances_to(points: np.ndarray, found: np.ndarray) -> np.ndarray:
    wide = points.astype(np.float64)
    return np.where(found >= 0, np.linalg.norm(wide[found] - wide[:, None], axis=-1), np.inf)


def check(points: np.ndarray, k: int, cut: float, search: Search | None, threads: int = 1) -> None:
    found = nearest_neighbours(points, k, cut, search, threads)
    assert found.shape == (len(points), k)
    np.testing.assert_allclose(distances_to(points, found), brute_force(points, k, cut), rtol=1e-5)
    for u, row in enumerate(found):
        named = row[row >= 0]
        assert u not in named and len(set(named.tolist())) == len(named)


@pytest.mark.parametrize("search", ["cells", "kd-tree"])
@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("cut", [np.inf, 0.2])
def test_exact_searches(dim: int, search: Search, cut: float) -> None:
    check(np.random.default_rng(dim).random((700, dim)), 2 * dim, cut, search)


@pytest.mark.parametrize("dim", [2, 6])
def test_boxes_with_long_and_short_sides(dim: int) -> None:
    sides = 10.0 ** np.linspace(-2, 2, dim)
    check(5 - sides * np.random.default_rng(dim).random((500, dim)), 5, np.inf, "cells")


def test_points_on_a_line_in_the_plane() -> None:
    check(np.column_stack([np.random.default_rng(0).random(300), np.full(300, 2.5)]), 4, np.inf, "cells")


@pytest.mark.parametrize("search", ["cells", "kd-tree"])
def test_equal_points_are_neighbours(search: Search) -> None:
    random = np.random.default_rng(3)
    points = random.random((40, 2))[random.integers(0, 40, 200)]  # about five of each
    check(points, 6, np.inf, search)
    check(np.full((30, 2), 0.5), 6, np.inf, search)


@pytest.mark.parametrize("search", ["cells", "kd-tree"])
def test_fewer_points_than_neighbours(search: Search) -> None:
    check(np.random.default_rng(4).random((4, 3)), 7, np.inf, search)
    assert (nearest_neighbours(np.zeros((1, 2)), 3, search=search) == -1).all()


def test_two_threads_find_the_same() -> None:
    points = np.random.default_rng(5).random((60_000, 2)).astype(np.float32)
    np.testing.assert_array_equal(nearest_neighbours(points, 5, threads=1), nearest_neighbours(points, 5, threads=2))


def test_crowded_points_go_to_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    points = np.vstack([random.random((2000, 2)), 0.5 + 1e-6 * random.random((2000, 2))])
    monkeypatch.setattr("lossbars.sublevel.cell_grid.CellGrid.neighbours", None)  # not to be called
    check(points[::4], 3, np.inf, None)


@pytest.mark.filterwarnings("ignore")  # of the library that searches
def test_the_approximate_search_finds_nearly_all_and_the_same_each_time() -> None:
    points = np.random.default_rng(7).random((1500, 10))
    found = nearest_neighbours(points, 20, search="approximate", seed=1)
    exact = nearest_neighbours(points, 20, search="kd-tree")
    shared = [len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]
    assert np.mean(shared) > 0.9 * 20
    again = nearest_neighbours(points, 20, search="approximate", seed=1 + 2**40)  # seeds of jobs have 63 bits
    np.testing.assert_array_equal(found, again)


def test_which_search() -> None:
    assert [choose_search(dim) for dim in (2, 6, 7, 9, 10, 15)] == ["cells"] * 2 + ["kd-tree"] * 2 + ["approximate"] * 2


def test_points_in_cells_are_all_there() -> None:
    points = np.random.default_rng(8).random((1000, 3))
    grid, order = into_cells(points)
    np.testing.assert_array_equal(grid.points.T, points[order])
    assert sorted(order.tolist()) == list(range(1000)) and grid.offsets[-1] == 1000


@pytest.mark.parametrize(
    ("points", "k", "message"),
    [(np.array([[0.0, np.nan], [1.0, 0.0]]), 1, "not finite"), (np.zeros((3, 2)), 0, "one neighbour at least")],
)
def test_what_cannot_be_searched_is_refused(points: np.ndarray, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(points, k)
