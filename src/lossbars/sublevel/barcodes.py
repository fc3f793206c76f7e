"""Barcodes of minima of functions on graphs and point clouds (Barannikov et al. 2020, Barcodes as summary, §3).

Vertices are ordered by (value, number): of vertices of one value, the first bears the bar. A vertex whose value is inf
is in no sublevel set. −inf is a value like any other.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse

from lossbars.landscape import Landscape
from lossbars.sublevel.basins import Basins
from lossbars.sublevel.cell_grid import LARGEST_DIM
from lossbars.sublevel.neighbours import choose_search
from lossbars.sublevel.results import FunctionBarcode, RefinedBarcode, SublevelBarcode
from lossbars.sublevel.samples import CloudSample, GridSample, Sample, ScatteredSample
from lossbars.sublevel.sweep import Pairs, sweep

Sampling = Literal["auto", "grid", "random"]
GRID_UP_TO = 3  # dimensions in which a grid is nearer to the truth than as many random points (benchmarks/README.md)
BASINS_UP_TO = 6  # neighbours: contraction to basins is faster than the sweep (benchmarks/README.md)


def sublevel_barcode(values: ArrayLike, neighbours: ArrayLike | sparse.sparray | sparse.spmatrix) -> SublevelBarcode:
    """Barcode of a function on the vertices of a graph (Barcodes as summary, Algorithm 1), exact.

    ``values`` is (n,); ``neighbours`` (n, k) holds numbers of vertices, negative where there are fewer than k, or is a
    sparse (n, n) matrix whose stored entries are edges. An edge need stand in one of its two rows only. Raises
    ValueError for NaN, for shapes that do not fit and for numbers of vertices that there are not.
    """
    values = np.asarray(values)
    values = np.ascontiguousarray(values, dtype=np.float32 if values.dtype == np.float32 else np.float64)
    if values.ndim != 1:
        raise ValueError(f"values: one number a vertex, a vector, not an array of shape {values.shape}")
    _check_values(values)
    return SublevelBarcode(values, _pairs(values, *_rows(neighbours, len(values))))


def function_barcode(
    landscape: Landscape,
    box: Sequence[tuple[float, float]] | None,
    n: int,
    seed: int,
    *,
    sampling: Sampling = "auto",
    k: int | None = None,
    cut: float | None = None,
    refine: bool = False,
    odd_sides: bool = True,
    report: Callable[[str], None] | None = None,
) -> FunctionBarcode:
    """Barcode of a landscape on a sample of about n points of a box (Barannikov et al. 2020, Barcodes as summary, §3).

    ``box`` is the low and high of each coordinate, None the landscape's own. ``sampling`` is a regular ``grid`` or
    uniform ``random`` points; ``auto`` takes the grid for D ≤ 3, unless ``k`` is given. Random points are joined to
    their ``k`` nearest others, those farther than ``cut`` · n^(−1/D) left out; distances are in sides of the box.
    ``k`` None is :func:`default_neighbours` (the paper's is 2 D), ``cut`` None :func:`default_cut` (the paper does not
    say; inf leaves out none). A grid has an odd number of points on every side, unless ``odd_sides`` is False. The same
    seed gives the same barcode. Threads are torch's.

    With ``refine`` births are carried to minima and deaths to saddles of index 1 (:class:`RefinedBarcode`), each with
    its certificate: by Newton's method where the landscape can be differentiated twice, by ever finer grids at kinks.
    What moves too far or changes by more than the sample's error keeps its sampled value.

    Raises ValueError for a box, a size or a value that cannot be used.
    """
    bounds = _checked_box(landscape, box)
    threads = torch.get_num_threads()
    dim = landscape.dim
    if n < 2:
        raise ValueError(f"n: a sample needs two points at least, not {n}")
    if sampling == "auto":
        sampling = "grid" if dim <= GRID_UP_TO and k is None else "random"
    if sampling == "grid" and k is not None:
        raise ValueError(
            "k: the points of a grid have those around them as neighbours; leave k out or sample at random"
        )
    k = None if sampling == "grid" else k or default_neighbours(dim)
    cut = cut or default_cut(dim)
    sample: Sample
    if sampling == "grid":
        sample = GridSample(n, bounds, odd_sides)
    elif dim <= LARGEST_DIM:
        sample = CloudSample(n, bounds, seed, k or 1, cut, threads)
    else:
        sample = ScatteredSample(n, bounds, seed, k or 1, cut, threads, choose_search(dim))
    values = np.empty(sample.n)
    pairs: Pairs | None = None
    basins = Basins(values, threads, passes=refine) if sample.blocks > 1 or refine else None
    for block, (begin, end, starts, neighbours) in enumerate(sample.graph(landscape, values)):
        if report:
            report(f"block {block + 1} of {sample.blocks}: {end:,} of {sample.n:,} points joined")
        if basins is None:
            pairs = _pairs(values, starts, neighbours)
        else:
            basins.add(begin, end, starts, neighbours)
    if basins is not None:
        pairs = basins.pairs()
    assert pairs is not None
    barcode = FunctionBarcode(values, pairs, sample, landscape)
    if not refine:
        return barcode
    assert basins is not None and basins.passes is not None
    return RefinedBarcode(barcode, basins.passes, values, sample)


def default_neighbours(dim: int) -> int:
    """Neighbours of a random point: 12 at least, since the paper's 2 D leave a graph in the plane in pieces."""
    return max(12, 2 * dim)


def default_cut(dim: int) -> float:
    """Longest edge in units of n^(−1/D): 2, or more where a ball of this radius would hold fewer than 40 points.

    With 2 in the plane, of 1e6 points about four have no neighbour (exp(−4π) of them).
    """
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    return max(2.0, (40 / ball) ** (1 / dim))


def _check_values(values: np.ndarray) -> None:
    """Raise ValueError where a value is NaN."""
    if (wrong := np.isnan(values)).any():
        place = int(wrong.argmax())
        raise ValueError(
            f"{wrong.sum()} of {len(values)} values are NaN, the first at vertex {place}: a loss is a number"
        )


def _pairs(values: np.ndarray, starts: np.ndarray, neighbours: np.ndarray) -> Pairs:
    if len(starts) > 1 or starts[0] > BASINS_UP_TO:
        return sweep(values, starts, neighbours)
    basins = Basins(values, torch.get_num_threads())
    basins.add(0, len(values), starts, neighbours)
    return basins.pairs()


def _rows(neighbours: ArrayLike | sparse.sparray | sparse.spmatrix, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and neighbours, as the kernels want them."""
    if isinstance(neighbours, sparse.sparray | sparse.spmatrix):
        if neighbours.shape != (n, n):
            raise ValueError(f"neighbours: a graph of {n} vertices is a matrix ({n}, {n}), not {neighbours.shape}")
        matrix = neighbours.tocsr()
        return matrix.indptr.astype(np.int64), matrix.indices
    rows = np.ascontiguousarray(neighbours)
    if rows.ndim != 2 or len(rows) != n or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(f"neighbours: integers of shape ({n}, k) are needed, not {rows.dtype} of shape {rows.shape}")
    if rows.size and rows.max() >= n:
        raise ValueError(f"neighbours: vertex {rows.max()} is named, there are {n}")
    if rows.dtype not in (np.int32, np.int64):
        rows = rows.astype(np.int64)
    if rows.shape[1] == 0:
        rows = np.full((n, 1), -1, np.int32)
    return np.array([rows.shape[1]]), rows.ravel()


def _checked_box(landscape: Landscape, box: Sequence[tuple[float, float]] | None) -> np.ndarray:
    if box is None:
        box = getattr(landscape, "box", None)
        if box is None:
            raise ValueError("box: this landscape has none of its own; give the low and high of each coordinate")
    bounds = np.asarray(box, dtype=np.float64)
    if bounds.shape != (landscape.dim, 2) or not np.isfinite(bounds).all() or not (bounds[:, 0] < bounds[:, 1]).all():
        raise ValueError(f"box: {landscape.dim} pairs of a low and a higher number are needed, not {box!r}")
    return bounds
