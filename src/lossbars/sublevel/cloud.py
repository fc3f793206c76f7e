"""Uniform points in the unit box, made in the order of their cells, part by part.

How many of n independent uniform points fall into each part of the box is multinomial, and given these numbers the
points of a part are uniform in it. So parts are made one by one, each from a generator of its own, and a cloud that
does not fit in memory has the same points whenever a part of it is made again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from lossbars.sublevel.cell_grid import LARGEST_DIM, CellGrid, cell_offsets, cells_an_axis

POINTS_A_PART = 2**24  # makes parts of a few GB with their neighbours


@dataclass(frozen=True)
class Part:
    """Layers [begin, end) of cells along the first axis, and how many points come before and are in them."""

    begin: int
    end: int
    first: int
    count: int


@dataclass(frozen=True)
class Cloud:
    """n uniform points in the unit box of ``dim`` ≤ 6 axes, float32; ``seed`` and ``points_a_part`` decide them."""

    n: int
    dim: int
    seed: int
    points_a_part: int = POINTS_A_PART
    cells: int = field(init=False)  # along each axis
    parts: tuple[Part, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.dim <= LARGEST_DIM:
            raise ValueError(f"a cloud in cells has 1 to {LARGEST_DIM} dimensions, not {self.dim}")
        object.__setattr__(self, "cells", cells_an_axis(self.n, self.dim))
        object.__setattr__(self, "parts", tuple(self._parts()))

    def _parts(self) -> Iterator[Part]:
        wanted = min(self.cells, -(-self.n // self.points_a_part))
        ends = np.linspace(0, self.cells, wanted + 1).astype(np.int64)
        counts = self._generator(-1).multinomial(self.n, np.diff(ends) / self.cells)
        firsts = np.cumsum(counts) - counts
        for begin, end, first, count in zip(ends[:-1], ends[1:], firsts, counts, strict=True):
            yield Part(int(begin), int(end), int(first), int(count))

    def _generator(self, part: int) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64([self.seed, part + 1]))

    def make(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Points (D, m) of a part, and the offsets of its cells."""
        part, random = self.parts[number], self._generator(number)
        cells = (part.end - part.begin) * self.cells ** (self.dim - 1)
        offsets = cell_offsets(
            random.integers(0, cells, part.count, dtype=np.uint32 if cells < 2**32 else np.uint64), cells
        )
        points = random.random((self.dim, part.count), dtype=np.float32)
        _into_cells(points, offsets, part.begin, self.cells)
        return points, offsets

    def window(self, made: dict[int, tuple[np.ndarray, np.ndarray]], numbers: list[int]) -> CellGrid:
        """The grid of consecutive parts that are there."""
        begin, end = self.parts[numbers[0]].begin, self.parts[numbers[-1]].end
        points, offsets = made[numbers[0]]
        if len(numbers) > 1:
            points = np.concatenate([made[i][0] for i in numbers], axis=1)
            before = self.parts[numbers[0]].first
            inner = [made[i][1][:-1] + (self.parts[i].first - before) for i in numbers]
            offsets = np.concatenate([*inner, [points.shape[1]]])
        shape = (end - begin, *[self.cells] * (self.dim - 1))
        return CellGrid(points, offsets, shape, 1 / self.cells, begin / self.cells, (begin > 0, end < self.cells))

    def around(self, number: int, reach: float) -> list[int]:
        """The parts that hold all points within ``reach`` of those of a part."""
        part = self.parts[number]
        layers = min(self.cells, reach * self.cells + 1)
        near = (
            i for i, one in enumerate(self.parts) if one.end > part.begin - layers and one.begin < part.end + layers
        )
        return list(near)


@njit(nogil=True, cache=True)
def _into_cells(points, offsets, layer, cells):
    """Put points that are uniform in [0, 1) into their cells, whose bounds are rounded to float32 first."""
    dim = points.shape[0]
    for c in range(offsets.size - 1):
        rest = c
        for d in range(dim - 1, -1, -1):
            cell = rest % cells if d else rest + layer
            rest //= cells
            low, high = np.float32(cell / cells), np.float32((cell + 1) / cells)
            for i in range(offsets[c], offsets[c + 1]):
                points[d, i] = min(low + points[d, i] * (high - low), np.nextafter(high, low))
