"""The k nearest neighbours of every point: which search is used, and one form for what they find."""

from typing import Literal

import numpy as np
from pykdtree.kdtree import KDTree

from lossbars.sublevel.cell_grid import LARGEST_DIM, into_cells

Search = Literal["cells", "kd-tree", "approximate"]
APPROXIMATE_FROM = 10  # dimensions: exact search takes longer by then (benchmarks/README.md)
MOST_IN_A_CELL = 50  # times the mean; points that are spread so unevenly are searched by a kd-tree


def choose_search(dim: int) -> Search:
    """The fastest search for points that are evenly spread (benchmarks/README.md)."""
    if dim <= LARGEST_DIM:
        return "cells"
    return "kd-tree" if dim < APPROXIMATE_FROM else "approximate"


def nearest_neighbours(
    points: np.ndarray, k: int, cut: float = np.inf, search: Search | None = None, threads: int = 1, seed: int = 0
) -> np.ndarray:
    """Numbers (n, k) of the k nearest others within distance ``cut`` of each point (n, D), nearest first; −1: none.

    Points may be equal: they are each other's neighbours at distance 0. ``approximate`` (nearest-neighbour descent,
    Dong et al. 2011) misses some; ``seed`` is of its start. Raises ValueError for points that are not finite.
    """
    n, dim = points.shape
    if not np.isfinite(points).all():
        raise ValueError("points: some coordinates are not finite")
    if k < 1:
        raise ValueError(f"k: a point needs one neighbour at least, not {k}")
    if n == 1:
        return np.full((1, k), -1, np.int32)
    search = search or choose_search(dim)
    if search == "cells":
        return _by_cells(points, k, cut, threads)
    several = min(k + 1, n)  # the point itself is among them
    if search == "kd-tree":
        distances, numbers = KDTree(points).query(points, k=several, distance_upper_bound=np.nextafter(cut, np.inf))
        distances, numbers = distances.reshape(n, several), numbers.reshape(n, several).astype(np.int64)
    else:
        from pynndescent import NNDescent  # compiles for seconds

        index = NNDescent(points.astype(np.float32), n_neighbors=several, random_state=seed % 2**32, n_jobs=threads)
        numbers, distances = index.neighbor_graph
    numbers = np.where((distances <= cut) & (numbers < n), numbers, -1)
    return _without_self(numbers, k)


def _by_cells(points: np.ndarray, k: int, cut: float, threads: int) -> np.ndarray:
    grid, order = into_cells(points - points.min(axis=0))
    crowd = np.diff(grid.offsets).max() / max(1.0, len(points) / (len(grid.offsets) - 1))
    if crowd > MOST_IN_A_CELL:
        return nearest_neighbours(points, k, cut, "kd-tree", threads)
    numbers = grid.neighbours(k, cut, (0, grid.shape[0]), 0, threads)
    result = np.empty_like(numbers)
    result[order] = np.where(numbers >= 0, order[numbers].astype(numbers.dtype), -1)
    return result


def _without_self(numbers: np.ndarray, k: int) -> np.ndarray:
    """Each row without its own number: of equal points it need not come first, nor be there."""
    n, several = numbers.shape
    itself = numbers == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    others = numbers[~itself].reshape(n, several - 1)
    missing = np.full((n, k - others.shape[1]), -1)
    return np.hstack([others, missing]).astype(np.int32 if n < 2**31 else np.int64)
