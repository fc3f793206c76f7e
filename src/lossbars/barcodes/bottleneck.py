"""Exact bottleneck distance of persistence diagrams, fast where few of very many bars are longer than it.

A threshold d suffices if all long bars, further than d from the diagonal, can be matched to bars of the other diagram
at most d away. A matching that covers the long bars of the one and another that covers those of the other are enough:
then one matching covers both (Mendelsohn & Dulmage 1958). Where d does not suffice, some long bars have together too
few neighbours (Hall 1935), and the least d at which these bars are fewer or have more neighbours is a lower bound of
the distance. The search goes from bound to bound, halving what is left above, and ends at a bound that suffices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow
from scipy.spatial import KDTree

from lossbars.barcodes.barcode import Barcode

GroundMetric = Literal["linf", "l2"]

FIRST_NEIGHBOURS = 16
"""Nearest neighbours that a matching is first tried with: more make it slower, fewer make it fail."""

BLOCK = 1 << 20
"""Neighbours found at once: 16 bytes each."""


def bottleneck_distance(one: Barcode, other: Barcode, dim: int = 0, metric: GroundMetric = "linf") -> float:
    """:func:`diagram_distance` of the bars of one dimension (Barcodes as summary, equation 2)."""
    return diagram_distance(one.diagram(dim), other.diagram(dim), metric)


def diagram_distance(one: np.ndarray, other: np.ndarray, metric: GroundMetric = "linf") -> float:
    """Exact bottleneck distance of two diagrams, (n, 2) and (m, 2) births and deaths, in units of the function.

    What holds no numbers, as ``[]``, is an empty diagram.

    ``metric`` measures between points of the plane: ``linf``, as other libraries do, or ``l2``, as
    Barcodes as summary does; a bar alone is length/2 or length/√2 away from nothing. Half-lines are matched to
    half-lines, in order of birth. Bars born at −inf are matched to such bars only, finite ones in order of death. inf
    where the numbers of half-lines differ. Raises ValueError for another metric, another shape, NaN, and bars that die
    before their birth, at −inf, or are born at inf.
    """
    if metric not in ("linf", "l2"):
        raise ValueError(f"the metric of a bottleneck distance is linf or l2, not {metric!r}")
    diagrams = _checked(one), _checked(other)
    infinite = max(_line_distance(*(kind(d) for d in diagrams)) for kind in (_half_lines, _from_below, _lines))
    if math.isinf(infinite):
        return math.inf
    first, second = (diagram[np.isfinite(diagram).all(1)] for diagram in diagrams)
    return max(infinite, _Search(first, second, metric).distance())


def _checked(diagram: np.ndarray) -> np.ndarray:
    points = np.asarray(diagram, dtype=np.float64)
    if points.size == 0:
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"a diagram is an array of shape (n, 2), births and deaths, not {points.shape}")
    wrong = ~(points[:, 0] <= points[:, 1]) | (points[:, 0] == np.inf) | (points[:, 1] == -np.inf)
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(f"bar {i} of a diagram goes from {points[i, 0]} to {points[i, 1]}, which is no bar")
    return points


def _half_lines(diagram: np.ndarray) -> np.ndarray:
    return diagram[np.isfinite(diagram[:, 0]) & np.isinf(diagram[:, 1]), 0]


def _from_below(diagram: np.ndarray) -> np.ndarray:
    return diagram[np.isinf(diagram[:, 0]) & np.isfinite(diagram[:, 1]), 1]


def _lines(diagram: np.ndarray) -> np.ndarray:
    return np.zeros(np.count_nonzero(np.isinf(diagram).all(1)))


def _line_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Bottleneck distance of points of a line, none of which may be left alone."""
    if len(one) != len(other):
        return math.inf
    return float(np.abs(np.sort(one) - np.sort(other)).max(initial=0.0))


class _Points:
    """Distinct bars of a diagram by decreasing distance to the diagonal, and how many there are of each."""

    def __init__(self, diagram: np.ndarray, metric: GroundMetric) -> None:
        bars, count = np.unique(np.ascontiguousarray(diagram).view(np.complex128).ravel(), return_counts=True)
        height = (bars.imag - bars.real) / (2.0 if metric == "linf" else math.sqrt(2))
        order = np.argsort(-height)[: np.count_nonzero(height)]
        self.at = np.column_stack([bars.real, bars.imag])[order]
        self.count, self.height = count[order], height[order]
        self.p = np.inf if metric == "linf" else 2

    @cached_property
    def tree(self) -> KDTree:
        return KDTree(self.at, compact_nodes=False, balanced_tree=False)

    def near(self, points: np.ndarray, k: int, radius: float) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """The k nearest of each point (n, 2), none much further than the radius, by blocks of points.

        Of each block: its rows, distances (b, k), increasing, and numbers (b, k); inf and len where there are no more.
        """
        k, reach = min(k, len(self.at)), radius * (1 + 1e-14) + 1e-150  # more than 0 even squared
        for start in range(0, len(points), max(1, BLOCK // k)):
            rows = slice(start, start + max(1, BLOCK // k))
            yield rows, *self.tree.query(points[rows], list(range(1, k + 1)), p=self.p, distance_upper_bound=reach)


class _Search:
    """The least threshold that suffices for two finite diagrams."""

    def __init__(self, one: np.ndarray, other: np.ndarray, metric: GroundMetric) -> None:
        largest = max(np.abs(one).max(initial=0.0), np.abs(other).max(initial=0.0))
        self.scale = math.ldexp(1.0, math.frexp(largest)[1] - 1)  # a power of two: exact, and no square overflows
        points = [_Points(diagram / self.scale, metric) for diagram in (one, other)]
        self.covers = _Cover(*points), _Cover(*reversed(points))

    def distance(self) -> float:
        """From below by bounds, from above by halves."""
        low = max(cover.least() for cover in self.covers)
        high = max(float(cover.one.height.max(initial=0.0)) for cover in self.covers)  # where no bar is long
        while (bound := self.bound(low)) > low:
            low, middle = bound, bound + (high - bound) / 2
            if (bound := self.bound(middle)) > middle:
                low = bound
            else:
                high = middle
        return low * self.scale

    def bound(self, threshold: float) -> float:
        """The threshold if it suffices; else a larger lower bound of the distance."""
        for cover in self.covers:
            if (bound := cover.bound(threshold)) > threshold:
                return bound
        return threshold


@dataclass(frozen=True)
class _Cover:
    """Matchings of the long bars of ``one`` into all bars of ``other``."""

    one: _Points
    other: _Points

    def least(self) -> float:
        """A lower bound of the distance: every bar goes to its nearest or to the diagonal."""
        height, least, start, size = self.one.height, 0.0, 0, 64
        if not len(self.other.at):
            return float(height.max(initial=0.0))
        while start < len(height) and height[start] > least:
            tall = slice(start, start + size)
            for _, distances, _ in self.other.near(self.one.at[tall], 1, float(height[start])):
                least = max(least, float(np.minimum(height[tall], distances[:, 0]).max()))
            start, size = start + size, min(2 * size, BLOCK)
        return least

    def bound(self, threshold: float) -> float:
        """The threshold where all long bars can be matched; else a larger one, below which they cannot."""
        long = int(np.count_nonzero(self.one.height > threshold))
        crowd = np.cumsum(self.one.count[:long]) > self.other.count.sum()
        if crowd.any():
            return float(self.one.height[crowd.argmax()])
        k, todo, partial = FIRST_NEIGHBOURS, np.arange(long), np.ones(long, dtype=bool)
        pairs = np.empty((2, 0), dtype=np.intp)
        while len(todo):
            new, partial[todo] = self.pairs(todo, k, threshold)
            pairs = np.hstack([pairs[:, ~np.isin(pairs[0], todo)], new])
            label, label_of = self.violators(pairs, long)
            done = (label >= 0) & ~np.isin(label, label[partial])
            if done.any():
                return self.next(np.flatnonzero(done), label[done], label_of)
            k, todo = 4 * k, np.flatnonzero((label >= 0) & partial)
        return threshold

    def pairs(self, bars: np.ndarray, k: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (2, e) of the bars and of their k nearest up to the threshold; (b,), whether there may be more."""
        blocks, partial = [], np.zeros(len(bars), dtype=bool)
        for rows, distances, numbers in self.other.near(self.one.at[bars], k, threshold):
            near = distances <= threshold
            partial[rows] = near[:, -1] & (k < len(self.other.at))
            blocks.append([np.repeat(bars[rows], near.sum(1)), numbers[near]])
        return np.hstack(blocks), partial

    def violators(self, pairs: np.ndarray, long: int) -> tuple[np.ndarray, np.ndarray]:
        """Sets of bars with too few neighbours: labels of the long bars (n,) and of the other bars (m,), −1 for none.

        A bar with as many neighbours as there are bars to match can be matched last, and is left out.
        """
        wanted, offered = self.one.count[:long], self.other.count
        stock = np.bincount(pairs[0], offered[pairs[1]], long)
        order = np.argsort(-stock)
        left = wanted[order][::-1].cumsum()[::-1]
        last = np.zeros(long, dtype=bool)
        last[order[: np.append(stock[order] < left, True).argmax()]] = True
        pairs, wanted = pairs[:, ~last[pairs[0]]], np.where(last, 0, wanted)
        pairs = pairs[:, ~last[pairs[0]]]
        bars, others = _too_few(pairs, np.where(last, 0, wanted), offered)
        inside = pairs[:, bars[pairs[0]]] + [[0], [long]]
        network = csr_array((np.ones(inside.shape[1], dtype=np.int8), inside), shape=(long + len(offered),) * 2)
        _, label = connected_components(network, directed=False)
        return np.where(bars, label[:long], -1), np.where(others, label[long:], -1)

    def next(self, bars: np.ndarray, label: np.ndarray, label_of: np.ndarray) -> float:
        """The largest bound that a set gives: where the first of its bars is short or has a neighbour outside of it."""
        bound, todo, k = self.one.height[bars], np.arange(len(bars)), FIRST_NEIGHBOURS
        while len(todo) and len(self.other.at):
            more = np.zeros(len(todo), dtype=bool)
            for rows, distances, numbers in self.other.near(self.one.at[bars[todo]], k, float(bound[todo].max())):
                outside = np.append(label_of, -1)[numbers] != label[todo[rows], None]
                nearest = np.where(outside, distances, np.inf).min(1)
                bound[todo[rows]] = np.minimum(bound[todo[rows]], nearest)
                more[rows] = np.isfinite(distances[:, -1]) & ~outside.any(1)
            k, todo = 4 * k, todo[more & (k < len(self.other.at))]
        of_set = np.full(label.max() + 1, np.inf)
        np.minimum.at(of_set, label, bound)
        return float(of_set[np.unique(label)].max())


def _too_few(pairs: np.ndarray, wanted: np.ndarray, offered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bars (n,) that want together more partners than their neighbours (m,) offer, and these neighbours: masks.

    ``wanted`` and ``offered`` count partners, ``pairs`` (2, e) are neighbours. A maximum flow leaves them in reach.
    """
    n, m = len(wanted), len(offered)
    givers = np.unique(pairs[1])
    tails = np.concatenate([np.full(n, n + m), pairs[0], n + givers])
    heads = np.concatenate([np.arange(n), n + pairs[1], np.full(len(givers), n + m + 1)])
    size = np.concatenate([wanted, wanted[pairs[0]] + 1, offered[givers]])  # so that no pair is ever full
    network = csr_array((size.astype(np.int32), (tails, heads)), shape=(n + m + 2,) * 2)
    left = network - maximum_flow(network, n + m, n + m + 1).flow
    left.eliminate_zeros()
    reached = np.zeros(n + m + 2, dtype=bool)
    reached[breadth_first_order(left, n + m, return_predecessors=False)] = True
    return reached[:n], reached[n : n + m]
