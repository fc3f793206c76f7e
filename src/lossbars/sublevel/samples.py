"""Samples of a box: their points, the values of a landscape there, and a graph, block by block."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import torch

from lossbars.landscape import Landscape
from lossbars.sublevel.cloud import Cloud
from lossbars.sublevel.neighbours import Search, nearest_neighbours
from lossbars.sublevel.regular_grid import grid_neighbours, grid_places, grid_shape

AT_ONCE = 2**16  # points at a time in a landscape: they and what the formula makes of them stay in a processor's cache
GRID_BLOCK = 2**24  # points of a grid whose neighbours are held at a time

Block = tuple[int, int, np.ndarray, np.ndarray]  # rows [begin, end) of the graph: row length or starts, neighbours


class Sample(ABC):
    """n points of a box."""

    n: int
    box: np.ndarray  # (D, 2)
    blocks: int
    sampling: str
    search: str
    k: int | None

    @abstractmethod
    def graph(self, landscape: Landscape, values: np.ndarray) -> Iterator[Block]:
        """The rows of the graph, every block after the ``values`` (n,) of its points and their neighbours are set."""

    @abstractmethod
    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Places (m, D) of points by their numbers, float64."""

    @property
    @abstractmethod
    def spacing(self) -> np.ndarray:
        """Distance (D,) of neighbours along each axis, in the coordinates of the box."""


class GridSample(Sample):
    """A regular grid."""

    sampling, search, k = "grid", "the points around", None

    def __init__(self, n: int, box: np.ndarray, odd_sides: bool = True) -> None:
        self.box = box
        self.shape = grid_shape(n, len(box), odd_sides)
        self.n = int(np.prod(self.shape))
        self.blocks = -(-self.n // GRID_BLOCK)

    def graph(self, landscape: Landscape, values: np.ndarray) -> Iterator[Block]:
        """Values first, then the neighbours of block after block."""
        for first in range(0, self.n, AT_ONCE):
            numbers = np.arange(first, min(first + AT_ONCE, self.n))
            values[numbers[0] : numbers[-1] + 1] = evaluate(landscape, self.places(numbers), first)
        for begin in range(0, self.n, GRID_BLOCK):
            end = min(begin + GRID_BLOCK, self.n)
            rows = grid_neighbours(self.shape, begin, end)
            yield begin, end, np.array([rows.shape[1]]), rows.ravel()

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Grid points."""
        return grid_places(self.shape, self.box, numbers)

    @property
    def spacing(self) -> np.ndarray:
        """Of the grid."""
        return (self.box[:, 1] - self.box[:, 0]) / (np.array(self.shape) - 1)


class CloudSample(Sample):
    """Uniform points of up to 6 dimensions, in the order of their cells."""

    sampling, search = "random", "cells"

    def __init__(self, n: int, box: np.ndarray, seed: int, k: int, cut: float, threads: int) -> None:
        self.box, self.threads = box, threads
        self.k: int = k
        self.cut = reach(n, len(box), cut)
        self.cloud = Cloud(n, len(box), seed)
        self.n = n
        self.blocks = len(self.cloud.parts)
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def graph(self, landscape: Landscape, values: np.ndarray) -> Iterator[Block]:
        """Part after part: those around it are made, its neighbours found, and what is no longer needed let go."""
        for number, part in enumerate(self.cloud.parts):
            around = self.cloud.around(number, self.cut)
            self._made = {i: made for i, made in self._made.items() if i in around}
            for i in around:
                if i not in self._made:
                    self._made[i] = self.cloud.make(i)
                    self._evaluate(landscape, i, values)
            window = self.cloud.window(self._made, around)
            begin = self.cloud.parts[around[0]].begin
            layers = (part.begin - begin, part.end - begin)
            first = self.cloud.parts[around[0]].first
            rows = window.neighbours(self.k, self.cut, layers, first, self.threads)
            yield part.first, part.first + part.count, np.array([self.k]), rows.ravel()

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Points, made again where they were let go."""
        places = np.empty((len(numbers), len(self.box)))
        for i, part in enumerate(self.cloud.parts):
            inside = np.flatnonzero((numbers >= part.first) & (numbers < part.first + part.count))
            if len(inside):
                points = (self._made.get(i) or self.cloud.make(i))[0]
                places[inside] = in_box(points[:, numbers[inside] - part.first].T, self.box)
        return places

    @property
    def spacing(self) -> np.ndarray:
        """Radius of a ball that holds k points in the mean, no longer than an edge may be."""
        return ball_radius(self.n, len(self.box), self.k, self.cut) * (self.box[:, 1] - self.box[:, 0])

    def _evaluate(self, landscape: Landscape, number: int, values: np.ndarray) -> None:
        points, first = self._made[number][0], self.cloud.parts[number].first
        for low in range(0, points.shape[1], AT_ONCE):
            some = points[:, low : low + AT_ONCE]
            at = first + low
            values[at : at + some.shape[1]] = evaluate(landscape, in_box(some.T, self.box), at)


class ScatteredSample(Sample):
    """Uniform points of more dimensions, in memory as a whole."""

    sampling, blocks = "random", 1

    def __init__(self, n: int, box: np.ndarray, seed: int, k: int, cut: float, threads: int, search: Search) -> None:
        self.n, self.box, self.threads, self.seed, self.search = n, box, threads, seed, search
        self.k: int = k
        self.cut = reach(n, len(box), cut)
        self.points = np.random.Generator(np.random.SFC64([seed])).random((n, len(box)), dtype=np.float32)

    def graph(self, landscape: Landscape, values: np.ndarray) -> Iterator[Block]:
        """One block."""
        for low in range(0, self.n, AT_ONCE):
            values[low : low + AT_ONCE] = evaluate(landscape, in_box(self.points[low : low + AT_ONCE], self.box), low)
        search: Search = "kd-tree" if self.search == "kd-tree" else "approximate"
        rows = nearest_neighbours(self.points, self.k, self.cut, search, self.threads, self.seed)
        yield 0, self.n, np.array([rows.shape[1]]), rows.ravel()

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Points."""
        return in_box(self.points[numbers], self.box)

    @property
    def spacing(self) -> np.ndarray:
        """Radius of a ball that holds k points in the mean, no longer than an edge may be."""
        return ball_radius(self.n, len(self.box), self.k, self.cut) * (self.box[:, 1] - self.box[:, 0])


def reach(n: int, dim: int, cut: float) -> float:
    """The longest edge, in sides of the box: c(D) · n^(−1/D) of Barannikov et al. 2020, Barcodes as summary, §3."""
    if not cut > 0:
        raise ValueError(f"cut: a positive number, not {cut}")
    return cut * n ** (-1 / dim)


def ball_radius(n: int, dim: int, k: int, longest: float) -> float:
    """Radius of a ball in which k of n points of the unit box lie in the mean; ``longest`` at most."""
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    return min(longest, (k / (n * ball)) ** (1 / dim))


def in_box(unit: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Places in the box of points (m, D) of the unit box, float64."""
    return box[:, 0] + (box[:, 1] - box[:, 0]) * unit.astype(np.float64)


def evaluate(landscape: Landscape, places: np.ndarray, first: int) -> np.ndarray:
    """Values (m,) at places (m, D), float64. Raises ValueError for NaN; ``first`` is the number of the first point."""
    values = raw_values(landscape, places)
    if (wrong := np.isnan(values)).any():
        i = int(wrong.argmax())
        raise ValueError(f"the landscape is NaN at {places[i].tolist()} (point {first + i}): a loss is a number")
    return values


def raw_values(landscape: Landscape, places: np.ndarray) -> np.ndarray:
    """As :func:`evaluate`, NaN included."""
    device = getattr(landscape, "device", torch.device("cpu"))
    with torch.no_grad():
        return landscape.loss(torch.from_numpy(places).to(device)).double().cpu().numpy()
