"""Barcodes whose bars are born and die at vertices of a graph, in the points of a sample, or at critical points.

Bars of length zero, which ties would make, are left out. Each component of the graph has a half-line; more than one
means that the graph is not connected, and ``components`` says so.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from lossbars.barcodes.barcode import ArrayBarcode
from lossbars.landscape import Landscape
from lossbars.sublevel.critical_points import Frame
from lossbars.sublevel.refine import Clusters, Ends, Sampled, near_passes
from lossbars.sublevel.samples import Sample
from lossbars.sublevel.sweep import Pairs


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


def _finite_range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if np.isinf(low) or np.isinf(high):
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (np.nan, np.nan)
    return low, high
