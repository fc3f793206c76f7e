"""Barcodes of minima of functions on graphs and point clouds (Barannikov et al. 2020, Barcodes as summary, §3).

Vertices are ordered by (value, number): of vertices of one value, the first bears the bar. Bars of length zero, which
ties would make, are left out. A vertex whose value is inf is in no sublevel set. −inf is a value like any other. Each
component of the graph has a half-line; more than one means that the graph is not connected, and ``components`` says so.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse

from lossbars.barcodes.barcode import ArrayBarcode
from lossbars.landscape import Landscape
from lossbars.sublevel.basins import Basins
from lossbars.sublevel.cell_grid import LARGEST_DIM
from lossbars.sublevel.critical_points import Frame
from lossbars.sublevel.neighbours import choose_search
from lossbars.sublevel.refine import Clusters, Ends, Sampled, near_passes
from lossbars.sublevel.samples import CloudSample, GridSample, Sample, ScatteredSample
from lossbars.sublevel.sweep import Pairs, sweep

Sampling = Literal["auto", "grid", "random"]
GRID_UP_TO = 3  # dimensions in which a grid is nearer to the truth than as many random points (benchmarks/README.md)
BASINS_UP_TO = 6  # neighbours: contraction to basins is faster than the sweep (benchmarks/README.md)


class SublevelBarcode(ArrayBarcode):
    """A barcode whose bars are born and die at vertices of a graph; sorted by birth, then minimum.

    ``sizes`` (b,) are the vertices of a bar's cluster when it died, of a half-line all of its component.
    ``merges_into`` (b,) are the vertices that bore the bars whose clusters it joined, −1 for half-lines.
    """

    sizes: np.ndarray
    merges_into: np.ndarray

    def __init__(self, values: np.ndarray, pairs: Pairs) -> None:
        births = values[pairs.minima].astype(np.float64)
        deaths = np.where(pairs.saddles >= 0, values[pairs.saddles].astype(np.float64), np.inf)
        kept = np.flatnonzero(births < deaths)
        kept = kept[np.lexsort((pairs.minima[kept], births[kept]))]
        super().__init__(births[kept], deaths[kept], pairs.minima[kept], pairs.saddles[kept], "merged")
        self._set(sizes=pairs.sizes[kept], merges_into=pairs.elders[kept])

    def _set(self, **attributes: object) -> None:
        for name, value in attributes.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def minima(self) -> np.ndarray:
        """Vertices that bore the bars, int64 (b,)."""
        return self.born_at

    @property
    def saddles(self) -> np.ndarray:
        """Vertices at which the bars died, int64 (b,), −1 for half-lines."""
        return self.dies_at

    @property
    def components(self) -> int:
        """Number of half-lines: 1 if the graph is connected."""
        return int(np.count_nonzero(self.saddles < 0))


class FunctionBarcode(SublevelBarcode):
    """A barcode of a function on a sample of its box. Places (b, D) are NaN where a half-line has no saddle.

    The errors of births and deaths are measured when they are first asked for: a few evaluations a bar.
    """

    minimum_places: np.ndarray
    saddle_places: np.ndarray
    n: int  # points of the sample
    sampling: str
    k: int | None  # neighbours of a point in the graph; None on a grid, whose points have those around them
    search: str  # of the neighbours
    value_range: tuple[float, float]  # of all finite values
    frame: Frame  # the landscape, its box and the distance of neighbours

    def __init__(self, values: np.ndarray, pairs: Pairs, sample: Sample, landscape: Landscape) -> None:
        super().__init__(values, pairs)
        dies = self.saddles >= 0
        places = sample.places(np.concatenate([self.minima, self.saddles[dies]]))
        saddle_places = np.full((len(self.minima), places.shape[1]), np.nan)
        saddle_places[dies] = places[len(self.minima) :]
        facts = {"n": len(values), "sampling": sample.sampling, "k": sample.k, "search": sample.search}
        self._set(minimum_places=places[: len(self.minima)].copy(), saddle_places=saddle_places, **facts)
        self._set(value_range=_finite_range(values), frame=Frame(landscape, sample.box, sample.spacing))

    @cached_property
    def birth_errors(self) -> np.ndarray:
        """By how much the births may be off (b,): the steepest edge at the minimum."""
        return self.frame.steepest_edges(self.minimum_places)

    @cached_property
    def death_errors(self) -> np.ndarray:
        """By how much the deaths may be off (b,): the steepest edge at the saddle; 0 for half-lines."""
        errors, dies = np.zeros(len(self.deaths)), self.saddles >= 0
        errors[dies] = self.frame.steepest_edges(self.saddle_places[dies])
        return errors

    @property
    def noise(self) -> np.ndarray:
        """Which bars are not longer than the errors of their ends, bool (b,): the sample may have made them."""
        return self.deaths - self.births <= self.birth_errors + self.death_errors


class RefinedBarcode(FunctionBarcode):
    """A barcode whose births and deaths have been carried from the sample to minima and saddles.

    ``minimum_ends`` and ``saddle_ends`` say of each bar how its ends are known; what they say of the deaths of
    half-lines is NaN. ``born_at``, ``dies_at`` and ``sizes`` are of the sample.
    """

    minimum_ends: Ends
    saddle_ends: Ends

    def __init__(self, sampled: FunctionBarcode, passes: np.ndarray, values: np.ndarray, sample: Sample) -> None:
        """``passes`` (p, 3) as :class:`.basins.Basins` has them, ``values`` those of all points."""
        vertices, known = _known(sampled, passes, values, sample)
        bars, low, high = known.refined()
        born, died = bars.T
        low, high = low.at(born), high.at(died).without(died < 0)
        deaths = np.maximum(high.values, low.values)
        minima, dies_at = sampled.minima[born], np.where(died >= 0, vertices[died], -1)
        order = np.lexsort((minima, low.values))
        ArrayBarcode.__init__(self, low.values[order], deaths[order], minima[order], dies_at[order], "merged")
        low, high, born = low.at(order), high.at(order), born[order]
        facts = {name: getattr(sampled, name) for name in ("n", "sampling", "k", "search", "value_range", "frame")}
        self._set(sizes=sampled.sizes[born], merges_into=sampled.merges_into[born], **facts)
        self._set(minimum_places=low.places, saddle_places=high.places, minimum_ends=low, saddle_ends=high)

    @cached_property
    def birth_errors(self) -> np.ndarray:
        """By how much the births may be off (b,)."""
        return self.minimum_ends.error

    @cached_property
    def death_errors(self) -> np.ndarray:
        """By how much the deaths may be off (b,); 0 for half-lines."""
        return np.where(np.isfinite(self.deaths), self.saddle_ends.error, 0.0)


def _known(
    sampled: FunctionBarcode, passes: np.ndarray, values: np.ndarray, sample: Sample
) -> tuple[np.ndarray, Sampled]:
    """Vertices of the saddles of bars and of passes, and what the sample knows; passes that are low enough."""
    number = {vertex: i for i, vertex in enumerate(sampled.minima.tolist())} | {-1: -1}
    elders = np.array([number[v] for v in sampled.merges_into.tolist()], dtype=np.int64)
    ended = set(sampled.saddles.tolist())
    further = [p for p in passes.tolist() if p[2] not in ended and p[0] in number and p[1] in number]
    vertices = np.array([p[2] for p in further], dtype=np.int64)
    ends = np.array([(number[p[0]], number[p[1]]) for p in further], dtype=np.int64).reshape(-1, 2)
    clusters = Clusters(sampled.births, sampled.deaths, elders, ends, sampled.noise)
    places = sample.places(vertices)
    errors = sampled.frame.steepest_edges(places)
    low = near_passes(clusters, values[vertices], errors)
    dies = np.isfinite(sampled.deaths)[:, None]
    known = Sampled(
        sampled.frame,
        replace(clusters, passes=ends[low]),
        sampled.minimum_places,
        sampled.birth_errors,
        np.concatenate([np.where(dies, sampled.saddle_places, sampled.minimum_places), places[low]]),
        np.concatenate([sampled.deaths, values[vertices[low]]]),
        np.concatenate([sampled.death_errors, errors[low]]),
    )
    return np.concatenate([sampled.saddles, vertices[low]]), known


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


def _finite_range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if np.isinf(low) or np.isinf(high):
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (np.nan, np.nan)
    return low, high
