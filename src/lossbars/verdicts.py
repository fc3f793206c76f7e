"""Verdicts on numbers with a spread: by their order, and of several at once."""

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from lossbars.findings import FAILS, HOLDS, UNDECIDED


def falls(values: Sequence[float], spreads: Sequence[float]) -> str:
    """Whether each step falls: undecided where one is within the spread of its ends, and no other refutes."""
    steps = np.diff(values)
    noise = [math.hypot(a, b) for a, b in itertools.pairwise(spreads)]
    if any(step > own for step, own in zip(steps, noise, strict=True)):
        return FAILS
    return HOLDS if all(step < -own for step, own in zip(steps, noise, strict=True)) else UNDECIDED


def rises(values: Sequence[float], spreads: Sequence[float]) -> str:
    """Whether each step rises, by the same rule."""
    return falls([-value for value in values], spreads)


def together(verdicts: Iterable[str]) -> str:
    """Holds where all hold, fails where one fails, else undecided."""
    found = set(verdicts)
    return FAILS if FAILS in found else UNDECIDED if UNDECIDED in found else HOLDS
