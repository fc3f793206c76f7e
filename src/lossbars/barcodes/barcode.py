"""Bars, barcodes and TO-scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Metric = Literal["sqrt2", "linf"]
Convention = Literal["direct", "merged"]
DIVISOR: dict[Metric, float] = {"sqrt2": math.sqrt(2), "linf": 2.0}  # of the longest finite bar, in a TO-score
MODULO = "-modulo-permutations"  # after the name of a convention: permutations of units are divided out
CLOSED = "-closed"  # likewise: minima that were found on the way are minima of the barcode
CERTIFIED = "-certified"  # likewise: polished minima are joined by saddles, and by curves where none are known
CLOSED_CERTIFIED = CLOSED + CERTIFIED


@dataclass(frozen=True)
class Bar:
    """One bar of a barcode.

    ``birth`` and ``death`` are losses; ``death`` is ``inf`` for a half-line. ``born_at`` and ``dies_at``
    are simplices, as sorted tuples of minima: in dimension 0 a minimum ``(p,)`` bore the bar and a curve
    ``(p, q)`` ended it; in dimension 1 a curve bore it and a triangle ended it. ``dies_at`` of a half-line
    is None.
    """

    birth: float
    death: float
    dim: int
    born_at: tuple[int, ...]
    dies_at: tuple[int, ...] | None

    def __post_init__(self) -> None:
        if math.isnan(self.birth) or math.isnan(self.death):
            raise ValueError(f"a bar of {self.born_at} from {self.birth} to {self.death}: NaN is no loss")
        if self.death < self.birth:
            raise ValueError(f"a bar of {self.born_at} dies at {self.death}, before its birth at {self.birth}")
        if (self.dies_at is None) != math.isinf(self.death):
            raise ValueError(f"a bar of {self.born_at}: the half-lines, and no others, have no simplex that ends them")

    @property
    def length(self) -> float:
        """death − birth: the climb to something lower (Barannikov et al. 2022, definition 1)."""
        return self.death - self.birth


@dataclass(frozen=True)
class Barcode:
    """A disjoint union of bars (Barannikov et al. 2022, definition 2), by dimension and increasing birth.

    ``convention`` says what ended a bar: ``direct``, the best single curve to a lower minimum
    (Algorithm 1); ``merged``, the best path through any other minima (homology of the filtered complex).
    ``measured`` is the highest index that was measured, with bars or without: 0 where there are no triangles, −1 where
    there is nothing, not even a minimum.
    """

    bars: tuple[Bar, ...]
    convention: Convention
    measured: int

    def __init__(self, bars: Sequence[Bar], convention: Convention, measured: int | None = None) -> None:
        """By default the indices up to the highest that has a bar were measured, so none where there are no bars."""
        object.__setattr__(self, "bars", tuple(sorted(bars, key=lambda bar: (bar.dim, bar.birth, bar.born_at))))
        object.__setattr__(self, "convention", convention)
        highest = max((bar.dim for bar in self.bars), default=-1) if measured is None else measured
        object.__setattr__(self, "measured", highest)

    def of_dim(self, dim: int) -> tuple[Bar, ...]:
        """The bars of one dimension."""
        return tuple(bar for bar in self.bars if bar.dim == dim)

    def to_score(self, metric: Metric, dim: int = 0) -> float | None:
        """Topological-obstructions score of index ``dim`` (Barannikov et al. 2022, definition 3 and equation 5).

        :func:`to_score` of the bars of this dimension. None where the index was not measured: bars of dimension 1
        need triangles, and the direct barcode has dimension 0 only.
        """
        return to_score(self.diagram(dim), metric, dim) if dim <= self.measured else None

    def components_at(self, level: float | Float[np.ndarray, "*l"], dim: int = 0) -> Int[np.ndarray, "*l"]:
        """N(λ): connected components of the sublevel set {L ≤ λ} at each level λ (Tanner's lecture).

        As :func:`components_at`. Only ``merged`` bars count components: ``direct`` ones end no earlier, so their number
        is an upper bound. In dimension 1 it is the number of loops.
        """
        return components_at(self.diagram(dim), level)

    def diagram(self, dim: int = 0) -> np.ndarray:
        """Persistence diagram of one dimension: (n, 2) births and deaths, float64, deaths may be inf."""
        return np.array([(bar.birth, bar.death) for bar in self.of_dim(dim)], dtype=np.float64).reshape(-1, 2)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions that have bars."""
        return tuple(sorted({bar.dim for bar in self.bars}))


def longest(diagram: Float[np.ndarray, "n 2"]) -> float:
    """Length of the longest of n bars (birth, death) that end; 0 where none does."""
    births, deaths = diagram[np.isfinite(diagram[:, 1])].T
    return float((deaths - births).max(initial=0.0))


def to_score(diagram: Float[np.ndarray, "n 2"], metric: Metric, dim: int = 0) -> float:
    """TO-score of n bars (birth, death) of one dimension, in units of the loss.

    The bottleneck distance to the barcode of a function without obstructions, which has one half-line in dimension 0
    and no other bars: the longest finite bar, over √2 with the Euclidean ground metric (``sqrt2``, which the papers
    state) or over 2 with the L∞ one (``linf``, which libraries compute). inf where there are more half-lines: some
    minima are joined by no curve, or some loops of curves are filled by no triangle.
    """
    half_lines = int(np.isposinf(diagram[:, 1]).sum())
    return math.inf if half_lines > (dim == 0) else longest(diagram) / DIVISOR[metric]


def components_at(diagram: Float[np.ndarray, "n 2"], level: float | Float[np.ndarray, "*l"]) -> Int[np.ndarray, "*l"]:
    """How many of n bars (birth, death) are alive at each level: born at or below it, and not dead at or below it.

    A bar [b, d] counts where b ≤ λ < d: the set {L ≤ λ} is closed, so at b it has the minimum, and at d the saddle that
    joins two parts. Bars of length 0 never count. Raises ValueError for a level that is NaN.
    """
    level = np.asarray(level, dtype=np.float64)
    if np.isnan(level).any():
        raise ValueError("components_at: a level is NaN, and no set of losses lies below it")
    births, deaths = np.sort(np.asarray(diagram, dtype=np.float64).reshape(-1, 2), axis=0).T
    alive = births.searchsorted(level, "right") - deaths.searchsorted(level, "right")
    # a half-line never dies, at λ = ∞ either
    return np.asarray(alive + np.isposinf(level) * np.isposinf(deaths).sum(), dtype=np.int64)


class ArrayBarcode(Barcode):
    """A barcode of dimension 0 in arrays, for very many bars; sorted by birth, then ``born_at``.

    ``births`` and ``deaths`` are float64 (b,), ``deaths`` inf for half-lines. ``born_at`` and ``dies_at`` are int64
    (b,): the vertex that bore the bar, and what ended it (who makes the barcode says what), −1 for half-lines. All are
    read-only. ``bars`` is made when it is first asked for. Raises ValueError for arrays of different lengths and for
    what :class:`Bar` refuses.
    """

    births: np.ndarray
    deaths: np.ndarray
    born_at: np.ndarray
    dies_at: np.ndarray

    def __init__(
        self, births: np.ndarray, deaths: np.ndarray, born_at: np.ndarray, dies_at: np.ndarray, convention: Convention
    ) -> None:
        given = {"births": births, "deaths": deaths, "born_at": born_at, "dies_at": dies_at}
        if len({np.shape(array) for array in given.values()}) > 1 or np.ndim(births) != 1:
            raise ValueError(f"a barcode needs vectors of one length, not {[np.shape(a) for a in given.values()]}")
        _check(np.asarray(births), np.asarray(deaths), np.asarray(dies_at))
        order = np.lexsort((born_at, births))
        for name, array in given.items():
            ordered = np.asarray(array, dtype=np.int64 if name.endswith("at") else np.float64)[order]
            ordered.setflags(write=False)
            object.__setattr__(self, name, ordered)
        object.__setattr__(self, "convention", convention)
        object.__setattr__(self, "measured", 0 if len(self.births) else -1)

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """Every bar as an object."""
        rows = zip(*(a.tolist() for a in (self.births, self.deaths, self.born_at, self.dies_at)), strict=True)
        return tuple(Bar(b, d, 0, (born,), (died,) if died >= 0 else None) for b, d, born, died in rows)

    def diagram(self, dim: int = 0) -> np.ndarray:
        """Persistence diagram, as of any barcode; (0, 2) but in dimension 0."""
        return np.column_stack([self.births, self.deaths]) if dim == 0 else np.empty((0, 2))

    @property
    def dims(self) -> tuple[int, ...]:
        """(0,), or () without bars."""
        return (0,) if len(self.births) else ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.births)} bars, {self.convention!r})"


def _check(births: np.ndarray, deaths: np.ndarray, dies_at: np.ndarray) -> None:
    """Raise ValueError where an array holds what :class:`Bar` refuses."""
    wrong = ~(births <= deaths) | (np.isinf(deaths) != (dies_at < 0))
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"bar {i} from {births[i]} to {deaths[i]}, ended by {dies_at[i]}: a bar dies after its birth, "
            "and half-lines, and no others, end at inf with −1"
        )
