"""Verdicts that all claims share, and numbers as they are written."""

import numpy as np

from lossbars.claims.claim import mean_and_std, number
from lossbars.claims.verdicts import fall_verdict, falls, rises, together

UNDECIDED = "undecided: differences are within the spread"


def test_a_step_within_its_spread_is_undecided_unless_another_refutes() -> None:
    assert falls([3.0, 2.0, 1.0], [0.1, 0.1, 0.1]) == "holds"
    assert falls([3.0, 2.0, 1.9], [0.1, 0.1, 0.1]) == UNDECIDED
    assert falls([3.0, 4.0, 3.9], [0.1, 0.1, 0.1]) == "does not hold"
    assert rises([1.0, 2.0], [0.1, 0.1]) == "holds" and rises([2.0, 1.0], [0.1, 0.1]) == "does not hold"


def test_of_several_verdicts_the_worst_stands() -> None:
    assert together(["holds", "holds"]) == "holds"
    assert together(["holds", UNDECIDED]) == UNDECIDED
    assert together([UNDECIDED, "does not hold", "holds"]) == "does not hold"


def test_equal_ends_do_not_hide_a_rise_beyond_the_spread() -> None:
    small = np.array([0.1, 0.1, 0.1])
    assert fall_verdict(np.array([2, 3, 4]), np.array([1.0, 5.0, 1.01]), small) == "does not hold"
    assert fall_verdict(np.array([2, 3, 4]), np.array([1.0, 1.02, 1.01]), small).startswith("undecided")


def test_numbers_have_significant_digits() -> None:
    assert [number(x) for x in (94.32, 0.03051234, 1234.4, 0.0, -0.5)] == [
        "94.32",
        "0.03051",
        "1234",
        "0.000",
        "−0.5000",
    ]
    assert mean_and_std([0.5]) == "0.5000 (n = 1)"
