"""A graph contracted to its basins, block of rows by block of rows, and the barcode of what is left."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossbars.sublevel import basin_kernels as contraction
from lossbars.sublevel.sweep import Pairs, index_type
from lossbars.sublevel.threads import in_shares


class Basins:
    """``values`` (n,) of the vertices of a graph whose rows are added block by block, and then forgotten.

    What is kept of a block are 12 bytes a vertex and the edges that cross between its basins. The values of a block's
    vertices and of their neighbours must be there before the block is added; each vertex belongs to one block.
    With ``passes`` the lowest way between every two basins that touch is kept when the pairs are made: rows of
    (p, 3) vertices, the two minima and the highest vertex.
    """

    def __init__(self, values: np.ndarray, threads: int = 1, passes: bool = False) -> None:
        self.values = values
        self.threads = threads
        self.down = np.empty(len(values), index_type(len(values)))
        self.edges: list[np.ndarray] = []
        self.passes: np.ndarray | None = np.empty((0, 3), np.int64) if passes else None

    def add(self, begin: int, end: int, starts: np.ndarray, neighbours: np.ndarray) -> None:
        """Add the rows [begin, end): ``starts`` and ``neighbours`` as in :func:`.basin_kernels.descend`."""
        graph = (starts, neighbours, begin)
        self._each(begin, end, lambda low, high: contraction.descend(self.values, *graph, low, high, self.down))
        self._each(begin, end, lambda low, high: contraction.find_roots(self.down, low, high, begin, end))
        self.edges += self._each(begin, end, lambda low, high: self._crossings(graph, low, high, begin, end))

    def pairs(self) -> Pairs:
        """Minimum–saddle pairs of the whole graph. Overwrites what was added."""
        n = len(self.values)
        if len(self.edges) > 1:  # a path may lead from block to block
            self._each(0, n, lambda low, high: contraction.find_roots(self.down, low, high, 0, n))
        labels = self.down
        minima = np.empty(1 + n // 32, labels.dtype)
        if (m := contraction.number_basins(labels, minima)) > len(minima):
            minima = np.empty(m, labels.dtype)
            contraction.number_basins(labels, minima)
        minima = minima[:m]
        edges = self._edges(labels)
        if self.passes is not None:
            self.passes = self._lowest(edges, minima)
        forest = contraction.spanning_forest(self.values, edges, m)
        order = np.lexsort((forest[:, 2], self.values[forest[:, 2]]))
        elder, saddles, ended = contraction.join(self.values, minima, forest, order)
        counts = self._each(0, n, lambda low, high: self._count(labels, elder, saddles, m, low, high))
        sizes = np.asarray(np.sum(counts, axis=0), dtype=np.int64)
        contraction.gather(elder, saddles, ended, sizes)
        elders = np.where(saddles >= 0, minima[elder], -1)
        return Pairs(minima.astype(np.int64), saddles.astype(np.int64), sizes, elders.astype(np.int64))

    def _edges(self, labels: np.ndarray) -> np.ndarray:
        left = [part[: contraction.relabel(part, labels)] for part in self.edges]
        self.edges = []
        return np.concatenate(left)

    def _lowest(self, edges: np.ndarray, minima: np.ndarray) -> np.ndarray:
        """Of the edges between each two basins the one with the lowest saddle."""
        ends = np.sort(edges[:, :2], axis=1)
        order = np.lexsort((edges[:, 2], self.values[edges[:, 2]], ends[:, 1], ends[:, 0]))
        ends, saddles = ends[order], edges[order, 2]
        first = np.ones(len(ends), bool)
        first[1:] = (ends[1:] != ends[:-1]).any(1)
        return np.column_stack([minima[ends[first]], saddles[first]]).astype(np.int64)

    def _crossings(self, graph: tuple[Any, ...], low: int, high: int, begin: int, end: int) -> np.ndarray:
        """The block's edges between basins; the guess of their number is right in most graphs."""
        guess = 64 + int(0.75 * (high - low))
        edges = np.empty((guess, 3), self.down.dtype)
        arguments = (self.values, *graph, low, high, self.down, begin, end)
        if (count := contraction.crossings(*arguments, edges)) > guess:
            edges = np.empty((count, 3), self.down.dtype)
            contraction.crossings(*arguments, edges)
        return edges[:count].copy() if count < guess // 2 else edges[:count]

    def _count(
        self, labels: np.ndarray, elder: np.ndarray, saddles: np.ndarray, m: int, low: int, high: int
    ) -> np.ndarray:
        sizes = np.zeros(m, np.int64)
        contraction.count(self.values, labels, elder, saddles, low, high, sizes)
        return sizes

    def _each(self, begin: int, end: int, kernel: Callable[[int, int], Any]) -> list[Any]:
        return in_shares(begin, end, kernel, self.threads)
