"""Bars, barcodes, TO-scores and the bottleneck distance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import gudhi
import numpy as np

Metric = Literal["sqrt2", "linf"]
Convention = Literal["direct", "merged"]


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
        """death − birth: the penalty that must be paid to reach something lower (loss-barcode.txt, definition 1)."""
        return self.death - self.birth


@dataclass(frozen=True)
class Barcode:
    """A disjoint union of bars (loss-barcode.txt, definition 2), by dimension and increasing birth.

    ``convention`` says what ended a bar: ``direct``, the best single curve to a lower minimum
    (Algorithm 1); ``merged``, the best path through any other minima (homology of the filtered complex).
    """

    bars: tuple[Bar, ...]
    convention: Convention

    def __init__(self, bars: Sequence[Bar], convention: Convention) -> None:
        object.__setattr__(self, "bars", tuple(sorted(bars, key=lambda bar: (bar.dim, bar.birth, bar.born_at))))
        object.__setattr__(self, "convention", convention)

    def of_dim(self, dim: int) -> tuple[Bar, ...]:
        """The bars of one dimension."""
        return tuple(bar for bar in self.bars if bar.dim == dim)

    def to_score(self, metric: Metric, dim: int = 0) -> float:
        """Topological-obstructions score of index ``dim`` (loss-barcode.txt, definition 3 and equation 5).

        The bottleneck distance to the barcode of a function without obstructions: the longest finite bar,
        over √2 with the Euclidean ground metric (``sqrt2``, which the papers state) or over 2 with the
        L∞ one (``linf``, which libraries compute). 0 where no bar is finite.
        """
        longest = max((bar.length for bar in self.of_dim(dim) if math.isfinite(bar.death)), default=0.0)
        return longest / {"sqrt2": math.sqrt(2), "linf": 2.0}[metric]

    def diagram(self, dim: int = 0) -> np.ndarray:
        """Persistence diagram of one dimension: (n, 2) births and deaths, float64, deaths may be inf."""
        return np.array([(bar.birth, bar.death) for bar in self.of_dim(dim)], dtype=np.float64).reshape(-1, 2)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions that have bars."""
        return tuple(sorted({bar.dim for bar in self.bars}))


def bottleneck_distance(one: Barcode, other: Barcode, dim: int = 0) -> float:
    """Exact bottleneck distance in the L∞ ground metric, by gudhi; inf where the numbers of half-lines differ."""
    return float(gudhi.bottleneck_distance(one.diagram(dim), other.diagram(dim)))
