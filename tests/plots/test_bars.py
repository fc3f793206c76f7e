"""Which bars have ends that are known to have converged."""

import math

import pandas as pd
import pytest

from lossbars.plots.bars import RESOLVED, unresolved

NAN, INF = math.nan, math.inf


def bar(death: float, birth_residue: float, death_residue: float) -> pd.DataFrame:
    """A bar that is born at 1."""
    row = {"birth": 1.0, "death": death, "birth_residue": birth_residue, "death_residue": death_residue}
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("death", "birth_residue", "death_residue", "expected"),
    [
        (2.0, 0.0, 0.0, False),
        (2.0, 0.05, 0.04, False),
        (2.0, 0.06, 0.05, True),  # both together count
        (2.0, 0.0, RESOLVED, False),
        (2.0, 0.2, 0.0, True),
        (2.0, NAN, 0.0, True),
        (2.0, 0.0, NAN, True),
        (1.0, 0.0, 0.0, False),
        (1.0, 1e-12, 0.0, True),  # a length of zero is no longer than any residue
        (INF, 5.0, NAN, False),
        (INF, NAN, NAN, True),
    ],
)
def test_residues_of_both_ends_against_the_length(
    death: float, birth_residue: float, death_residue: float, expected: bool
) -> None:
    assert unresolved(bar(death, birth_residue, death_residue)).tolist() == [expected]


def test_bars_without_residues_are_computed_otherwise() -> None:
    one = bar(2.0, NAN, NAN)
    for column in ("birth_residue", "death_residue"):
        assert unresolved(one.drop(columns=column)).tolist() == [False]
    assert unresolved(one.head(0)).tolist() == []


def test_rows_stand_for_themselves() -> None:
    bars = pd.concat([bar(2.0, 0.0, 0.0), bar(INF, 0.0, NAN), bar(1.5, 0.04, 0.02)])
    assert unresolved(bars).tolist() == [False, False, True]
