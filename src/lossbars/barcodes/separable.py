"""Exact barcodes of separable functions f(θ) = Σ g_d(θ_d) on a box, from the barcodes of the g_d (Künneth formula).

A bar of f is a choice of one bar of every g_d: its birth is the sum of their births, its length the least of their
lengths. Only the extrema of each g_d on its interval are needed; those at the interval's ends count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch

from lossbars.barcodes.barcode import ArrayBarcode
from lossbars.functions.benchmarks import Function

POINTS = 100_001
"""Points of an axis on which extrema are looked for: two that are nearer than its step may be missed."""

ZOOM, ZOOMS = 32, 12
"""A bracket becomes ZOOM / 2 times narrower, ZOOMS times: from 2e-5 of an axis to the spacing of float64."""

LARGEST = 1 << 26
"""Bars of a barcode at most: it takes 32 bytes a bar, and as much again while it is made."""


@dataclass(frozen=True)
class AxisBars:
    """Bars of one g_d by place of their minimum, from left to right: all (b,); the half-line's saddle is NaN."""

    births: np.ndarray
    lengths: np.ndarray
    minima: np.ndarray
    saddles: np.ndarray


class ExactBarcode(ArrayBarcode):
    """Barcode of a separable function. ``born_at`` counts products of the axes' minima, the last axis fastest;
    ``dies_at`` is the axis along which the saddle lies from the minimum, −1 for the half-line.
    """

    axes: Sequence[AxisBars]

    def __init__(self, axes: Sequence[AxisBars]) -> None:
        births = reduce(np.add.outer, [axis.births for axis in axes]).ravel()
        lengths, dies_at = axes[0].lengths, np.zeros(len(axes[0].lengths), dtype=np.int64)
        for number, axis in enumerate(axes[1:], 1):
            shorter = axis.lengths < lengths[:, None]
            dies_at = np.where(shorter, number, dies_at[:, None]).ravel()
            lengths = np.minimum.outer(lengths, axis.lengths).ravel()
        dies_at[np.isinf(lengths)] = -1
        object.__setattr__(self, "axes", tuple(axes))
        super().__init__(births, births + lengths, np.arange(len(births)), dies_at, "merged")

    @property
    def minimum_places(self) -> np.ndarray:
        """(b, D), float64."""
        numbers = np.unravel_index(self.born_at, [len(axis.births) for axis in self.axes])
        return np.column_stack([axis.minima[i] for axis, i in zip(self.axes, numbers, strict=True)])

    @property
    def saddle_places(self) -> np.ndarray:
        """(b, D), float64; NaN for the half-line."""
        numbers = np.unravel_index(self.born_at, [len(axis.births) for axis in self.axes])
        places = self.minimum_places
        for d, (axis, i) in enumerate(zip(self.axes, numbers, strict=True)):
            places[:, d] = np.where(self.dies_at == d, axis.saddles[i], places[:, d])
        places[self.dies_at < 0] = np.nan
        return places


def exact_barcode(function: Function) -> ExactBarcode:
    """Barcode of dimension 0 of the sublevel sets of a separable function on its box, without sampling.

    Extrema are located to the spacing of float64, at smooth places and at kinks, so births and deaths are right up to
    the rounding of the function itself. Bars shorter than that rounding are left out. Raises ValueError for a function
    that is not separable, one that is not finite, and more than ``LARGEST`` bars.
    """
    if (term := function.term) is None:
        raise ValueError(
            f"{function.name} is no sum of functions of single coordinates, so its exact barcode is unknown: "
            "take that of a cloud of points, or of its optimised minima"
        )
    low, high = torch.tensor(function.box, dtype=torch.float64).unbind(-1)

    def values(places: np.ndarray) -> np.ndarray:
        return term(torch.from_numpy(places)).numpy()

    grid = np.linspace(low.numpy(), high.numpy(), POINTS)
    on_grid = values(grid)
    if not np.isfinite(on_grid).all():
        raise ValueError(f"{function.name} is not finite everywhere in its box: it has no barcode there")
    axes = [_axis_bars(grid, on_grid, d, values) for d in range(grid.shape[1])]
    if (count := np.prod([float(len(axis.births)) for axis in axes])) > LARGEST:
        raise ValueError(f"{function.name} has {count:.3g} bars in {len(axes)} dimensions, more than {LARGEST}")
    return ExactBarcode(axes)


def _axis_bars(grid: np.ndarray, on_grid: np.ndarray, d: int, values: Callable[[np.ndarray], np.ndarray]) -> AxisBars:
    """Bars of g_d: extrema in turn along the axis, refined, then joined by the elder rule."""

    def along(places: np.ndarray) -> np.ndarray:
        points = np.repeat(grid[:1], places.size, axis=0)
        points[:, d] = places.ravel()
        return values(points)[:, d].reshape(places.shape)

    x, v = grid[:, d], on_grid[:, d]
    first = np.flatnonzero(np.append(True, v[1:] != v[:-1]))  # of each run of equal values
    last = np.append(first[1:], len(v)) - 1
    rises = v[first[1:]] > v[first[:-1]]
    brackets = np.column_stack([x[np.maximum(first - 1, 0)], x[np.minimum(last + 1, len(x) - 1)]])
    minima, births = _lowest(along, brackets[~np.append(False, rises) & np.append(rises, True)])
    maxima, tops = _lowest(lambda places: -along(places), brackets[np.append(False, rises) & ~np.append(rises, True)])
    lengths, saddles = _elder_rule(minima, births, maxima, -tops)
    told = lengths > 8 * np.finfo(np.float64).eps * np.abs(v).max()
    return AxisBars(births[told], lengths[told], minima[told], saddles[told])


def _lowest(along: Callable[[np.ndarray], np.ndarray], brackets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and values (b,) of the minimum in each bracket (b, 2), by finer and finer grids, which mind no kink."""
    each, ends = np.arange(len(brackets)), brackets
    for _ in range(ZOOMS):
        places = np.linspace(ends[:, 0], ends[:, 1], ZOOM + 1, axis=1)
        values = along(places)
        best = values.argmin(1)
        ends = np.column_stack([places[each, np.maximum(best - 1, 0)], places[each, np.minimum(best + 1, ZOOM)]])
    return places[each, best], values[each, best]


def _elder_rule(
    minima: np.ndarray, births: np.ndarray, maxima: np.ndarray, tops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths and saddles (b,) of the bars of b minima of a line, with b − 1 maxima between them: the higher ends."""
    lengths, saddles, elder = np.full(len(minima), np.inf), np.full(len(minima), np.nan), np.arange(len(minima))
    for i in np.argsort(tops, kind="stable"):
        one, other = elder[i], elder[i + 1]
        kept, ended = (one, other) if births[one] <= births[other] else (other, one)
        lengths[ended], saddles[ended] = tops[i] - births[ended], maxima[i]
        elder[elder == ended] = kept
    return lengths, saddles
