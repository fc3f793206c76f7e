"""Barcodes of samples carried to critical points: births to minima, deaths to saddles of index 1.

What is not carried there keeps its sampled value, and says so. The graph tells which clusters meet at which saddle; the
elder rule is applied again to the refined values, since minima and saddles of nearly one value may change their order.
"""

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from lossbars.barcodes.complex import FilteredComplex, Simplex, merged_barcode
from lossbars.sublevel.critical_points import Frame, newton, zoom_to_minima, zoom_to_saddle

Method = Literal["newton", "zoom", "sampled"]
FARTHEST = 6.0  # spacings that a minimum or a saddle may move
ONE = 1e-4  # spacings up to which two of them are one
ROUNDING = 1e-13  # relative, of values


@dataclass(frozen=True)
class Ends:
    """The lower or the upper ends of bars, and how they are known.

    ``method`` is ``newton`` (a critical point with the index that is asked for), ``zoom`` (ever finer grids, as at
    kinks) or ``sampled`` (not refined). ``error`` bounds what the value may be off: what Newton's method and rounding
    leave, the steepest edge of the last grid, the steepest edge of the sample at this place. Arrays are (b,).
    """

    values: np.ndarray
    places: np.ndarray  # (b, D)
    method: np.ndarray  # str
    gradient: np.ndarray  # norm; NaN but for Newton's method
    index: np.ndarray  # negative curvatures; −1 but for Newton's method
    moved: np.ndarray  # spacings along the axis that moved most
    error: np.ndarray
    sampled: np.ndarray  # the value before

    def at(self, rows: np.ndarray) -> "Ends":
        """Those of some bars."""
        return Ends(*(getattr(self, field.name)[rows] for field in fields(self)))

    def without(self, rows: np.ndarray) -> "Ends":
        """Nothing known of some bars: NaN, values inf."""
        copied = self.at(np.arange(len(self.values)))
        for field in fields(self):
            array = getattr(copied, field.name)
            array[rows] = {"values": np.inf, "sampled": np.inf, "method": "", "index": -1}.get(field.name, np.nan)
        return copied


def refined_ends(
    frame: Frame,
    places: np.ndarray,
    sampled: np.ndarray,
    error: np.ndarray,
    rank: np.ndarray,
    index: Literal[0, 1],
    rows: np.ndarray,
) -> Ends:
    """Some ``rows`` of minima (``index`` 0) or saddles; of minima that end at one point the largest ``rank`` has it.

    Finer grids, which take longer, are made where the rank is positive.

    What moved more than a few spacings, or whose value changed by more than ``error``, is not taken; nor is a minimum
    above the sampled one. Newton's method is tried first, and again from where finer grids ended.
    """
    n = len(places)
    ends = Ends(
        sampled.copy(),
        places.copy(),
        np.full(n, "sampled", "<U7"),
        np.full(n, np.nan),
        np.full(n, -1),
        np.zeros(n),
        error.copy(),
        sampled,
    )
    _take_newton(frame, ends, rows, places[rows], rank, index)
    left = rows[(ends.method[rows] == "sampled") & (rank[rows] > 0)]
    zoomed = _zoomed(frame, places[left], index)
    good = [i for i, found in enumerate(zoomed) if found is not None]
    if good:
        rows = left[good]
        starts = np.array([zoomed[i][0] for i in good])  # type: ignore[index]
        _take_newton(frame, ends, rows, starts, rank, index)
        _take_zoomed(frame, ends, rows, [zoomed[i] for i in good], index)  # type: ignore[misc]
    return ends


def _zoomed(frame: Frame, places: np.ndarray, index: Literal[0, 1]) -> list[tuple[np.ndarray, float, float] | None]:
    if index == 1:
        return [zoom_to_saddle(frame, place) for place in places]
    if not len(places):
        return []
    return list(zip(*zoom_to_minima(frame, places), strict=True))


def _acceptable(ends: Ends, rows: np.ndarray, values: np.ndarray, moved: np.ndarray, index: int) -> np.ndarray:
    change = values - ends.sampled[rows]
    rounding = ROUNDING * np.maximum(np.abs(ends.sampled[rows]), 1e-300)
    near = (moved <= FARTHEST) & (np.abs(change) <= ends.error[rows] + rounding)
    return near & (change <= rounding) if index == 0 else near


def _take_newton(
    frame: Frame, ends: Ends, rows: np.ndarray, starts: np.ndarray, rank: np.ndarray, index: Literal[0, 1]
) -> None:
    """Put into ``ends`` what Newton's method reaches from ``starts`` and what may be taken."""
    if not len(rows):
        return
    found = newton(frame, starts, index)
    moved = frame.distance(found.places, ends.places[rows])
    good = found.converged & (found.index == index) & _acceptable(ends, rows, found.values, moved, index)
    if index == 0:  # two bars may die at one saddle as the sample has it, but no two are born at one minimum
        good[good] = _first_of_each(found.places[good] / frame.spacing, rank[rows[good]])
    chosen = rows[good]
    ends.values[chosen], ends.places[chosen] = found.values[good], found.places[good]
    ends.method[chosen], ends.moved[chosen] = "newton", moved[good]
    ends.gradient[chosen], ends.index[chosen], ends.error[chosen] = found.gradient[good], index, found.error[good]


def _take_zoomed(
    frame: Frame, ends: Ends, rows: np.ndarray, zoomed: list[tuple[np.ndarray, float, float]], index: int
) -> None:
    places, values, edges = (np.array(part) for part in zip(*zoomed, strict=True))
    moved = frame.distance(places, ends.places[rows])
    good = (ends.method[rows] == "sampled") & _acceptable(ends, rows, values, moved, index)
    good &= edges <= ends.error[rows]
    chosen = rows[good]
    ends.values[chosen], ends.places[chosen] = values[good], places[good]
    ends.method[chosen], ends.moved[chosen], ends.error[chosen] = "zoom", moved[good], edges[good]


def _first_of_each(places: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Which rows are not within ``ONE`` of a row of higher rank."""
    kept = np.ones(len(places), bool)
    if len(places) > 1:
        pairs = cKDTree(places).query_pairs(ONE, output_type="ndarray")
        first = rank[pairs[:, 0]] >= rank[pairs[:, 1]]
        kept[np.where(first, pairs[:, 1], pairs[:, 0])] = False
    return kept


@dataclass(frozen=True)
class Clusters:
    """Clusters of a sample, one a bar: its number is the bar's. ``elders`` (b,) are those that they join, −1: none.

    ``passes`` (p, 2) are clusters that touch at further saddles; these close loops in the sample, but may be the lowest
    ways once values are refined.
    """

    births: np.ndarray
    deaths: np.ndarray
    elders: np.ndarray
    passes: np.ndarray
    noise: np.ndarray  # bool

    @property
    def own(self) -> np.ndarray:
        """Clusters that are no noise, bool (b,)."""
        return ~self.noise | (self.elders < 0)

    def minimax(self, one: int, other: int) -> float:
        """The level at which two clusters are joined; inf where they never are."""
        level = -np.inf
        while one != other:
            if (self.deaths[one], one) > (self.deaths[other], other):
                one, other = other, one
            if self.elders[one] < 0:
                return np.inf
            level = max(level, float(self.deaths[one]))
            one = int(self.elders[one])
        return level


def refined_bars(clusters: Clusters, minima: Ends, saddles: Ends) -> np.ndarray:
    """Bars of refined minima (b) and saddles (b + p: those of the bars, then those of the passes), by the elder rule.

    Returns (b, 2): the cluster whose minimum bears a bar, and the number of the saddle that ends it, −1 for half-lines.
    A cluster that is noise is left as the sample has it, and belongs to its elder; a pass that could not be refined
    counts for nothing.
    """
    count, own = len(clusters.births), clusters.own

    def cluster(number: int) -> int:
        while not own[number]:
            number = int(clusters.elders[number])
        return number

    values: dict[Simplex, float] = {(i,): float(minima.values[i]) for i in np.flatnonzero(own).tolist()}
    best: dict[Simplex, tuple[float, int]] = {}
    edges = [(i, int(clusters.elders[i]), i) for i in np.flatnonzero(own & (clusters.elders >= 0)).tolist()]
    edges += [(a, b, count + i) for i, (a, b) in enumerate(clusters.passes.tolist())]
    for a, b, saddle in edges:
        one, other = cluster(a), cluster(b)
        value = float(saddles.values[saddle])
        further = saddle >= count and (
            saddles.method[saddle] == "sampled" or value <= max(values[(one,)], values[(other,)])
        )
        if one == other or further:
            continue
        edge = (min(one, other), max(one, other))
        best[edge] = min((value, saddle), best.get(edge, (np.inf, -1)))
    values |= {edge: value for edge, (value, _) in best.items()}
    bars = [
        (bar.born_at[0], best[bar.dies_at][1] if bar.dies_at else -1)
        for bar in merged_barcode(FilteredComplex.of(values)).bars
    ]
    return np.array(bars + [(i, i) for i in np.flatnonzero(~own).tolist()], dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Sampled:
    """What a sample of a function knows of b bars and p further passes, whose saddles come after those of the bars."""

    frame: Frame
    clusters: Clusters
    minimum_places: np.ndarray  # (b, D)
    birth_errors: np.ndarray  # (b,)
    saddle_places: np.ndarray  # (b + p, D)
    saddle_values: np.ndarray
    death_errors: np.ndarray

    def refined(self) -> tuple[np.ndarray, Ends, Ends]:
        """Bars as :func:`refined_bars`, minima (b) and saddles (b + p)."""
        clusters, count = self.clusters, len(self.clusters.births)
        rank = np.where(clusters.noise, 0.0, clusters.deaths - clusters.births)
        every = np.arange(count)
        low = refined_ends(self.frame, self.minimum_places, clusters.births, self.birth_errors, rank, 0, every)
        clusters = replace(clusters, noise=clusters.noise & (low.method == "sampled"))
        wanted = np.concatenate([clusters.own & (clusters.elders >= 0), np.ones(len(clusters.passes), bool)])
        rank = np.concatenate([np.where(low.method == "sampled", rank, 1.0), np.zeros(len(clusters.passes))])
        arguments = (self.saddle_places, self.saddle_values, self.death_errors, rank)
        high = refined_ends(self.frame, *arguments, 1, np.flatnonzero(wanted))
        floor = np.maximum(low.values, low.values[clusters.elders])
        wrong = (clusters.elders >= 0) & (high.values[:count] <= floor)  # a saddle of something else
        wanted[:count] &= ~wrong
        high = refined_ends(self.frame, *arguments, 1, np.flatnonzero(wanted)) if wrong.any() else high
        return refined_bars(clusters, low, high), low, high


def near_passes(clusters: Clusters, values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Which passes (p,) are not higher than the level at which their clusters are joined, but for the error."""
    levels = np.array([clusters.minimax(int(a), int(b)) for a, b in clusters.passes])
    return values - levels <= 2 * errors
