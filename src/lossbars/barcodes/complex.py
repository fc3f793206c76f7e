"""Filtered simplicial complexes of minima, curves and triangles, and their barcodes.

Two barcodes are made of the same values. ``merged_barcode`` is the homology of the filtered complex
(Barannikov et al. 2020, Topological obstructions, Algorithm 2): a path may pass through other minima.
``direct_barcode`` is Algorithm 1 of Barannikov et al. 2022: one curve to one lower minimum. Merged deaths are never
above direct ones.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import gudhi

from lossbars.barcodes.barcode import Bar, Barcode

Simplex = tuple[int, ...]


@dataclass(frozen=True)
class FilteredComplex:
    """Simplices, as sorted tuples of vertices, with their values; closed, and monotone from face to coface."""

    values: Mapping[Simplex, float]

    @classmethod
    def of(cls, values: Mapping[Simplex, float]) -> "FilteredComplex":
        """Close ``values`` under faces and raise every simplex to at least its faces.

        The value of a simplex is the largest loss on it, so a face is never above its coface; a value
        measured on a finite grid can break this by a little, and is raised. A missing face is given the
        least value of its cofaces, an upper bound. Raises ValueError for a missing vertex (its loss is
        known, or there is no complex), an empty complex, a simplex with a vertex twice, or a value that is not finite.
        """
        if not values:
            raise ValueError("a complex needs at least one minimum")
        given: dict[Simplex, float] = {}
        for simplex, value in values.items():
            _check(simplex, value)
            if (ordered := tuple(sorted(simplex))) in given:
                raise ValueError(f"simplex {ordered} is given twice")
            given[ordered] = float(value)
        closed = _with_faces(given)
        for simplex in sorted(closed, key=len):
            closed[simplex] = max([closed[simplex], *(closed[face] for face in faces(simplex))])
        return cls(dict(sorted(closed.items(), key=lambda item: (len(item[0]), item[0]))))

    @property
    def dim(self) -> int:
        """Largest dimension of a simplex."""
        return max(map(len, self.values)) - 1

    @property
    def minima(self) -> dict[int, float]:
        """The vertices and their losses."""
        return {simplex[0]: value for simplex, value in self.values.items() if len(simplex) == 1}


def faces(simplex: Simplex) -> list[Simplex]:
    """Faces of codimension one; none of a vertex."""
    return list(itertools.combinations(simplex, len(simplex) - 1)) if len(simplex) > 1 else []


def _check(simplex: Simplex, value: float) -> None:
    if len(set(simplex)) != len(simplex) or not simplex:
        raise ValueError(f"simplex {simplex}: its minima must be distinct, and one at least")
    if not math.isfinite(value):
        raise ValueError(f"simplex {simplex} has value {value}: a loss must be finite")


def _with_faces(given: Mapping[Simplex, float]) -> dict[Simplex, float]:
    closed = dict(given)
    for simplex, value in given.items():
        for size in range(1, len(simplex)):
            for face in itertools.combinations(simplex, size):
                if face in given:
                    continue
                if size == 1:
                    raise ValueError(f"simplex {simplex} needs the loss of minimum {face[0]}")
                closed[face] = min(closed.get(face, math.inf), value)
    return closed


def merged_barcode(complex_: FilteredComplex) -> Barcode:
    """Homology of the filtration below the complex's dimension (Barannikov et al. 2020, Topological obstructions).

    Homology of the top dimension is left out: what would end it was never optimised. Every minimum has
    its bar, of length zero perhaps; in higher dimensions bars of length zero are left out. Of two minima
    with the same loss, the one with the smaller number counts as the lower.
    """
    tree = _ranked(complex_)
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    highest = max(complex_.dim - 1, 0)
    bars = []
    for born, died in tree.persistence_pairs():
        dim = len(born) - 1
        if dim > highest:
            continue
        born_at, dies_at = tuple(sorted(born)), tuple(sorted(died)) or None
        birth = complex_.values[born_at]
        death = complex_.values[dies_at] if dies_at else math.inf
        if dim == 0 or death > birth:
            bars.append(Bar(birth, death, dim, born_at, dies_at))
    return Barcode(bars, "merged", highest)


def _ranked(complex_: FilteredComplex) -> gudhi.SimplexTree:
    """The complex with ranks for values: of equal values gudhi would choose which bar ends, now we do."""
    tree = gudhi.SimplexTree()
    for rank, simplex in enumerate(sorted(complex_.values, key=lambda s: (complex_.values[s], len(s), s))):
        tree.insert(list(simplex), filtration=rank)
    return tree


def direct_barcode(complex_: FilteredComplex) -> Barcode:
    """Algorithm 1 of Barannikov et al. 2022: a minimum's bar ends at the lowest curve to any single lower minimum.

    Of two minima with the same loss, the one with the smaller number counts as the lower. A minimum
    without a curve to a lower one has a half-line.
    """
    losses = complex_.minima
    bars = []
    for p, birth in losses.items():
        curves = [
            (value, edge)
            for edge, value in complex_.values.items()
            if len(edge) == 2 and p in edge and (losses[q := edge[edge[0] == p]], q) < (birth, p)
        ]
        death, dies_at = min(curves, default=(math.inf, None))
        bars.append(Bar(birth, death, 0, (p,), dies_at))
    return Barcode(bars, "direct", 0)
