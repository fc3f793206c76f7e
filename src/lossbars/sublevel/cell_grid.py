"""Exact nearest neighbours among points that are evenly spread over a box: a grid of cells, and its points in order.

Points have coordinates in the unit box and lie in memory cell by cell, (D, n), so that a cell's neighbourhood is a few
stretches of memory. All points of a cell look through the same neighbourhood, which is copied together once. Where the
k-th neighbour may lie beyond it, the neighbourhood grows, ring by ring.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from lossbars.sublevel.threads import in_shares

LARGEST_DIM = 6  # beyond, a cell has too many neighbours
POINTS_A_CELL = {1: 2.0, 2: 2.0, 3: 3.0, 4: 4.0, 5: 6.0, 6: 8.0}  # measured: benchmarks/README.md
FLAT = 1e-6  # of the longest side of a box: a shorter one is not cut into cells
STRETCH = 16  # cells along the last axis whose neighbourhoods are copied together at a time
MOST_CELLS = 100_000  # along one axis
GUESS = 1.3  # the k-th neighbour of the next point of a cell is looked for among those nearer than this, squared
ROUNDING, ROUNDED_UP = 1 - 1e-5, np.float32(1 + 1e-5)


@dataclass(frozen=True)
class CellGrid:
    """Points (D, n) in the order of their cells: those of cell c are ``offsets[c]`` to ``offsets[c + 1]``.

    Cells are numbered with the last axis fastest. Of an axis with s cells in ``shape``, cell i spans
    ``low + i · side`` to ``low + (i + 1) · side``. A grid may be a window along the first axis: ``open_ends`` says
    whether there are points beyond its first and its last layer.
    """

    points: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, ...]
    side: float
    low: float = 0.0  # of the window along the first axis; 0 along others
    open_ends: tuple[bool, bool] = (False, False)

    def neighbours(self, k: int, cut: float, layers: tuple[int, int], first: int, threads: int) -> np.ndarray:
        """The k nearest others, within ``cut``, of every point of the layers [a, b) of the window: (m, k), −1: none.

        ``first`` is the number of the window's first point. Rows are in the order of distance.
        """
        cells, dim = int(np.prod(self.shape[1:])), len(self.shape)
        if dim == 1:  # a layer is a cell, and stretches of cells need not begin with one of these
            return self._searched(k, cut, (0, -(-self.shape[0] // STRETCH)), slice(None), first, 1)[
                self.offsets[layers[0]] : self.offsets[layers[1]]
            ]
        rows = (cells // self.shape[-1]) * -(-self.shape[-1] // STRETCH)
        points = slice(int(self.offsets[layers[0] * cells]), int(self.offsets[layers[1] * cells]))
        return self._searched(k, cut, (layers[0] * rows, layers[1] * rows), points, first, threads)

    def _searched(
        self, k: int, cut: float, stretches: tuple[int, int], points: slice, first: int, threads: int
    ) -> np.ndarray:
        """Neighbours of the ``points``, which are those of the ``stretches``."""
        n = self.points.shape[1]
        start, end, _ = points.indices(n)
        result = np.empty((end - start, k), np.int32 if first + n < 2**31 else np.int64)
        axes = tuple(range(len(self.shape)))  # its length is known to the compiler, which unrolls loops over it
        most = min(3 ** (len(axes) - 1) * (STRETCH + 2) * int(np.diff(self.offsets).max()), n)
        square = np.float32(min(cut, 1e18)) ** 2

        def share(low: int, high: int) -> None:
            _search(
                axes, self.points, self.offsets, np.array(self.shape), self.side, self.low, *self.open_ends,
                low, high, k, square, first, start, result, most,
            )  # fmt: skip

        in_shares(*stretches, share, threads, smallest=1)
        return result


def cells_an_axis(n: int, dim: int) -> int:
    """Cells along every axis of the unit box for n points."""
    return max(1, round((n / POINTS_A_CELL[dim]) ** (1 / dim)))


def into_cells(points: np.ndarray) -> tuple[CellGrid, np.ndarray]:
    """The grid of points (n, D) that fill a box with a corner at 0, and the order that puts them into it."""
    n, dim = points.shape
    extent = points.max(axis=0).astype(np.float64)
    wide = extent[extent > extent.max() * FLAT]
    side = max(float((np.prod(wide) * POINTS_A_CELL[dim] / n) ** (1 / max(1, len(wide)))), extent.max() / MOST_CELLS)
    side = side if len(wide) else 1.0
    shape = np.maximum(1, np.ceil(extent / side * (1 + 1e-12))).astype(np.int64)
    place = np.zeros(n, np.int64)
    for axis in range(dim):
        place *= shape[axis]
        place += np.minimum((points[:, axis] / side).astype(np.int64), shape[axis] - 1)
    offsets = cell_offsets(place, int(np.prod(shape)))
    order = _order(place, offsets)
    ordered = np.ascontiguousarray(points[order].T)
    return CellGrid(ordered, offsets, tuple(shape.tolist()), side), order


@njit(nogil=True, cache=True)
def cell_offsets(places, cells):
    """The first point of each cell, and the end of the last cell: (cells + 1)."""
    offsets = np.zeros(cells + 1, np.int64)
    for c in places:
        offsets[c + 1] += 1
    for c in range(cells):
        offsets[c + 1] += offsets[c]
    return offsets


@njit(nogil=True, cache=True)
def _order(place, offsets):
    """Numbers of the points in the order of their cells; within a cell, in increasing order."""
    free, order = offsets[:-1].copy(), np.empty(place.size, np.int64)
    for i in range(place.size):
        order[free[place[i]]] = i
        free[place[i]] += 1
    return order


@njit(inline="always", nogil=True, cache=True)
def _keep(square, i, squares, numbers, k):
    """Put a candidate among the k nearest, which are in order."""
    j = k - 1
    while j > 0 and squares[j - 1] > square:
        squares[j] = squares[j - 1]
        numbers[j] = numbers[j - 1]
        j -= 1
    squares[j] = square
    numbers[j] = i


@njit(inline="always", nogil=True, cache=True)
def _box(axes, cell, ring, shape, low, high):
    """Cells of the neighbourhood along each axis, both ends included."""
    for d in range(len(axes)):
        low[d] = max(0, cell[d] - ring)
        high[d] = min(shape[d] - 1, cell[d] + ring)


@njit(inline="always", nogil=True, cache=True)
def _margin(axes, points, q, shape, side, origin, open_low, open_high, low, high):
    """The least distance of a point outside the neighbourhood from point q."""
    least = np.inf
    for d in range(len(axes)):
        base = origin if d == 0 else 0.0
        if low[d] > 0 or (d == 0 and open_low):
            least = min(least, points[d, q] - (base + low[d] * side))
        if high[d] < shape[d] - 1 or (d == 0 and open_high):
            least = min(least, base + (high[d] + 1) * side - points[d, q])
    return max(least, 0.0)


@njit(inline="always", nogil=True, cache=True)
def _next_row(axes, cell, low, high):
    """The next row of cells of a neighbourhood, all axes but the last; False after the last one."""
    d = len(axes) - 2
    while d >= 0:
        cell[d] += 1
        if cell[d] <= high[d]:
            return True
        cell[d] = low[d]
        d -= 1
    return False


@njit(inline="always", nogil=True, cache=True)
def _row_number(axes, cell, shape):
    """The number of a row of cells."""
    row = 0
    for d in range(len(axes) - 1):
        row = row * shape[d] + cell[d]
    return row


@njit(fastmath={"contract", "reassoc"}, nogil=True, cache=True)
def _squares_to(axes, points, q, near, low, high, square):
    """Squares of the distances from point q to the candidates [low, high) that were copied together."""
    for d in range(len(axes)):
        coordinate, row = points[d, q], near[d, low:high]
        if d == 0:
            for i in range(high - low):
                square[i] = (row[i] - coordinate) * (row[i] - coordinate)
        else:
            for i in range(high - low):
                square[i] += (row[i] - coordinate) * (row[i] - coordinate)


@njit(nogil=True, cache=True)
def _nearest(square, numbers_near, m, q, bound, squares, numbers, k):
    """The k nearest of the candidates whose squares are below ``bound``."""
    squares[:] = bound
    numbers[:] = -1
    worst = squares[k - 1]
    for i in range(m):
        if square[i] < worst and numbers_near[i] != q:
            _keep(square[i], numbers_near[i], squares, numbers, k)
            worst = squares[k - 1]


@njit(nogil=True, cache=True)
def _farther(axes, points, offsets, shape, side, origin, q, low, high, row, bound, squares, numbers, k):
    """The k nearest to q, below ``bound``, in a larger neighbourhood. Rows of cells that are too far are left out."""
    squares[:] = bound
    numbers[:] = -1
    for d in range(len(axes)):
        row[d] = low[d]
    while True:
        gap = 0.0
        for d in range(len(axes) - 1):
            begin = row[d] * side + (origin if d == 0 else 0.0)
            away = max(0.0, begin - points[d, q], points[d, q] - begin - side) * ROUNDING
            gap += away * away
        if gap < squares[k - 1]:
            cells = _row_number(axes, row, shape) * shape[-1]
            for i in range(offsets[cells + low[-1]], offsets[cells + high[-1] + 1]):
                square = points.dtype.type(0)
                for d in range(len(axes)):
                    square += (points[d, i] - points[d, q]) * (points[d, i] - points[d, q])
                if square < squares[k - 1] and i != q:
                    _keep(square, i, squares, numbers, k)
        if not _next_row(axes, row, low, high):
            break


@njit(nogil=True, cache=True)
def _together(axes, points, offsets, shape, low, high, row, first, last, near, numbers_near, starts):
    """Copy together the points of rows of cells, from cell ``first`` to ``last`` of the last axis, place by place."""
    m = 0
    for j in range(first, last + 1):
        starts[j - first] = m
        for d in range(len(axes)):
            row[d] = low[d]
        while True:
            c = _row_number(axes, row, shape) * shape[-1] + j
            for i in range(offsets[c], offsets[c + 1]):
                for d in range(len(axes)):
                    near[d, m] = points[d, i]
                numbers_near[m] = i
                m += 1
            if not _next_row(axes, row, low, high):
                break
    starts[last + 1 - first] = m


@njit(nogil=True, cache=True)
def _search(
    axes, points, offsets, shape, side, origin, open_low, open_high, begin, end, k, cut, first, start, result, most
):
    near, square = np.empty((len(axes), most), points.dtype), np.empty(most, points.dtype)
    numbers_near, starts = np.empty(most, np.int64), np.empty(STRETCH + 3, np.int64)
    cell, low, high, row = np.empty((4, len(axes)), np.int64)
    squares, numbers = np.empty(k, points.dtype), np.empty(k, np.int64)
    guess = cut
    for stretch in range(begin, end):
        pieces = (shape[-1] + STRETCH - 1) // STRETCH
        rest, left = stretch // pieces, (stretch % pieces) * STRETCH
        right = min(shape[-1], left + STRETCH)
        cell[-1] = 0
        for d in range(len(axes) - 2, -1, -1):
            cell[d] = rest % shape[d]
            rest //= shape[d]
        _box(axes, cell, 1, shape, low, high)
        base = max(0, left - 1)
        cells = _row_number(axes, cell, shape) * shape[-1]
        _together(
            axes, points, offsets, shape, low, high, row, base, min(shape[-1] - 1, right), near, numbers_near, starts
        )
        for j in range(left, right):
            cell[-1] = j
            p, e = starts[max(0, j - 1) - base], starts[min(shape[-1] - 1, j + 1) + 1 - base]
            for q in range(offsets[cells + j], offsets[cells + j + 1]):
                _squares_to(axes, points, q, near, p, e, square)
                _nearest(square, numbers_near[p:e], e - p, q, guess, squares, numbers, k)
                if numbers[k - 1] < 0 and guess < cut:
                    _nearest(square, numbers_near[p:e], e - p, q, cut, squares, numbers, k)
                guess = min(cut, squares[k - 1] * GUESS)
                ring = 1
                _box(axes, cell, 1, shape, low, high)
                while True:
                    safe = _margin(axes, points, q, shape, side, origin, open_low, open_high, low, high)
                    if safe * safe >= squares[k - 1]:
                        break
                    ring += 1
                    _box(axes, cell, ring, shape, low, high)
                    bound = min(cut, squares[k - 1] * ROUNDED_UP)
                    _farther(axes, points, offsets, shape, side, origin, q, low, high, row, bound, squares, numbers, k)
                for i in range(k):
                    result[q - start, i] = numbers[i] + first if numbers[i] >= 0 else -1
