"""Verdicts that all claims share, and numbers as they are written."""

import pytest

from lossbars.claims.claim import mean_and_std, number
from lossbars.claims.verdicts import falls, rises, together

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


def test_no_difference_is_no_fall() -> None:
    assert together(["no difference", "no difference"]) == "no difference"
    assert together(["holds", "no difference"]) == UNDECIDED
    assert together(["no difference", "does not hold"]) == "does not hold"


def test_equal_ends_do_not_hide_a_rise_beyond_the_spread() -> None:
    small = [0.1, 0.1, 0.1]
    assert falls([1.0, 5.0, 1.01], small, [2, 3, 4]) == "does not hold"
    assert falls([1.0, 1.02, 1.01], small, [2, 3, 4]) == UNDECIDED


@pytest.mark.parametrize(
    ("values", "spread", "verdict"),
    [
        ([3.0, 2.0, 2.01], 0.1, UNDECIDED),  # a large fall does not make up for a rise within the spread
        ([3.0, 2.0, 2.2], 0.1, "does not hold"),
        ([0.0, 0.0, 0.0], 0.0, "no difference"),
        ([0.0, 0.0, 0.0], 0.1, UNDECIDED),
        ([3.0, 2.0, 2.0], 0.0, UNDECIDED),
        ([3.0, 2.0, 1.0], 0.0, "holds"),
        ([1.0, 2.0, 3.0], 0.0, "does not hold"),
    ],
)
def test_one_rule_for_every_fall_and_every_rise(values: list[float], spread: float, verdict: str) -> None:
    spreads = [spread] * len(values)
    assert falls(values, spreads) == falls(values, spreads, [2, 3, 4]) == verdict
    assert rises([-value for value in values], spreads) == verdict


def test_steps_between_equal_places_do_not_count() -> None:
    assert falls([3.0, 5.0, 1.0], [0.1, 0.1, 0.1], [2, 2, 4]) == "holds"
    assert falls([3.0, 5.0, 1.0], [0.1, 0.1, 0.1]) == "does not hold"


def test_numbers_have_significant_digits() -> None:
    assert [number(x) for x in (94.32, 0.03051234, 1234.4, 0.0, -0.5)] == [
        "94.32",
        "0.03051",
        "1234",
        "0.000",
        "−0.5000",
    ]
    assert mean_and_std([0.5]) == "0.5000 (n = 1)"
