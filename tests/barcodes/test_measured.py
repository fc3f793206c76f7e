"""From measured minima, curves and triangles to their complex: the lowest of several, and who optimised it."""

import math

import pytest

from lossbars.barcodes.complex import FilteredComplex, direct_barcode, merged_barcode
from lossbars.barcodes.measured import Measured, MeasuredComplex

MINIMA = [Measured((i,), i / 10, "minima") for i in range(3)]
PAIRS = [Measured((0, 1), 3.0, "curves"), Measured((0, 2), 5.0, "curves"), Measured((1, 2), 4.0, "curves")]


def test_the_lowest_curve_of_a_pair_is_used_whatever_the_order() -> None:
    flow = Measured((0, 1), 2.0, "curves-flow"), Measured((0, 2), 6.0, "curves-flow")
    for order in ([*MINIMA, *PAIRS, *flow], [*flow, *MINIMA, *PAIRS]):
        found = MeasuredComplex.of(order)
        assert (found.complex.values[0, 1], found.by[0, 1]) == (2.0, "curves-flow")
        assert (found.complex.values[0, 2], found.by[0, 2]) == (5.0, "curves")
        assert found.by[(2,)] == "minima" and found.raised == 0


def test_of_equal_curves_the_first_is_used() -> None:
    same = [one._replace(by="curves-again") for one in PAIRS]
    assert MeasuredComplex.of([*MINIMA, *PAIRS, *same]).by[0, 1] == "curves"
    assert MeasuredComplex.of([*MINIMA, *same, *PAIRS]).by[0, 1] == "curves-again"


def test_what_is_below_a_face_is_raised_and_counted_and_a_missing_face_has_no_recipe() -> None:
    low = MeasuredComplex.of([*MINIMA, Measured((1, 2), 0.15, "curves")])
    assert low.complex.values[1, 2] == 0.2 and low.raised == 1
    filled = MeasuredComplex.of([*MINIMA, *PAIRS[:2], Measured((0, 1, 2), 7.0, "triangles")])
    assert filled.complex.values[1, 2] == 7.0 and filled.by[1, 2] == "" and filled.raised == 0


def test_residues_are_those_of_what_counts() -> None:
    """Of several curves of a pair, the lowest one's; of an added face nothing is known."""
    minima = [one._replace(residue=0.25) for one in MINIMA]
    lower = Measured((0, 1), 2.0, "curves-settled", 0.5)
    found = MeasuredComplex.of([*minima, *PAIRS[:2], lower, Measured((0, 1, 2), 7.0, "triangles", 0.125)])
    assert [found.residues[i,] for i in range(3)] == [0.25] * 3
    assert (found.residues[0, 1], found.residues[0, 1, 2]) == (0.5, 0.125)
    assert math.isnan(found.residues[0, 2]) and math.isnan(found.residues[1, 2])
    assert found.residues.keys() == found.complex.values.keys()


def test_its_barcodes_are_those_of_the_complex() -> None:
    filtered = FilteredComplex.of({one.simplex: one.value for one in [*MINIMA, *PAIRS]})
    assert MeasuredComplex.of([*MINIMA, *PAIRS]).barcodes() == (direct_barcode(filtered), merged_barcode(filtered))


def test_a_loss_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="a loss must be finite"):
        MeasuredComplex.of([*MINIMA, Measured((0, 1), float("nan")), Measured((0, 1), 1.0)])
