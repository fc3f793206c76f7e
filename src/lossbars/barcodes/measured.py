"""From measured minima, curves and triangles to their filtered complex, and from there to its barcodes."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, Simplex, direct_barcode, merged_barcode

SADDLE = "saddle"  # the name, in place of a recipe's, of what is a certified saddle


class Measured(NamedTuple):
    """A minimum, curve or triangle, the largest loss on it, and the name of the recipe that optimised it."""

    simplex: Simplex
    value: float
    by: str = ""
    residue: float = math.nan  # by how much the second half of its optimisation lowered the value; NaN: not known


@dataclass(frozen=True)
class MeasuredComplex:
    """A filtered complex, and for each of its simplices the recipe that optimised it; empty for an added face."""

    complex: FilteredComplex
    by: Mapping[Simplex, str]
    residues: Mapping[Simplex, float]  # of all simplices; NaN where it is not known
    raised: int = 0  # simplices that were measured below one of their faces, and raised to it

    @classmethod
    def of(cls, measured: Iterable[Measured]) -> "MeasuredComplex":
        """The complex of all that was measured. Raises ValueError as :meth:`FilteredComplex.of`.

        If a pair has several curves, or a triple several triangles, the one with the lowest maximum is used, since each
        maximum is an upper bound of the saddle; of equal ones the first.
        """
        lowest: dict[Simplex, Measured] = {}
        for one in measured:
            if one.simplex not in lowest or one.value < lowest[one.simplex].value:
                lowest[one.simplex] = one
        filtered = FilteredComplex.of({simplex: one.value for simplex, one in lowest.items()})
        raised = sum(filtered.values[simplex] > one.value for simplex, one in lowest.items())
        known = {simplex: lowest.get(simplex, Measured(simplex, value)) for simplex, value in filtered.values.items()}
        by = {simplex: one.by for simplex, one in known.items()}
        return cls(filtered, by, {simplex: one.residue for simplex, one in known.items()}, raised)

    def barcodes(self) -> tuple[Barcode, Barcode]:
        """The direct and the merged barcode."""
        return direct_barcode(self.complex), merged_barcode(self.complex)
