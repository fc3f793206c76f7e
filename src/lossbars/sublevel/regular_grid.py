"""A regular grid on a box, its corners included; every point is joined to those around it, diagonals too.

That is the graph of gudhi's cubical complex of top-dimensional cells: in two dimensions 8 neighbours, in three 26.
"""

import itertools

import numpy as np
from numba import njit

from lossbars.sublevel.sweep import index_type


def grid_shape(n: int, dim: int, odd: bool = True) -> tuple[int, ...]:
    """As many points along every axis as give n points at most, 2 at least.

    An odd number has a point in the middle of the box, where many functions have their minimum.
    """
    side = max(2, int(n ** (1 / dim)))
    while (side + 1) ** dim <= n:  # the root is rounded
        side += 1
    if odd and side > 2:
        side -= 1 - side % 2
    return (side,) * dim


def grid_places(shape: tuple[int, ...], box: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Places (m, D) of grid points by their number; the last axis is the fastest. ``box`` is (D, 2)."""
    cells = np.stack(np.unravel_index(numbers, shape), axis=1)
    axes = [np.linspace(low, high, size) for (low, high), size in zip(box, shape, strict=True)]
    return np.column_stack([axis[cells[:, d]] for d, axis in enumerate(axes)])


def grid_neighbours(shape: tuple[int, ...], begin: int, end: int) -> np.ndarray:
    """Half of the neighbours of the points [begin, end): each edge stands once: (m, (3^D − 1)/2), −1: none."""
    steps = [step for step in itertools.product((-1, 0, 1), repeat=len(shape)) if step > (0,) * len(shape)]
    rows = np.empty((end - begin, len(steps)), index_type(int(np.prod(shape))))
    _fill(np.array(shape), np.array(steps), begin, rows)
    return rows


@njit(nogil=True, cache=True)
def _fill(shape, steps, begin, rows):
    dim = shape.size
    cell = np.empty(dim, np.int64)
    for i in range(rows.shape[0]):
        rest = begin + i
        for d in range(dim - 1, -1, -1):
            cell[d] = rest % shape[d]
            rest //= shape[d]
        for s in range(steps.shape[0]):
            number, inside = 0, True
            for d in range(dim):
                c = cell[d] + steps[s, d]
                inside = inside and 0 <= c < shape[d]
                number = number * shape[d] + c
            rows[i, s] = number if inside else -1
