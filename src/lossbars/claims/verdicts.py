"""Verdicts on numbers with a spread: by their order, and of several at once."""

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED


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


def fall_verdict(depths: np.ndarray, values: np.ndarray, spreads: np.ndarray) -> str:
    """Holds where each step falls, and undecided where the ends differ by less than their spread.

    But a rise between two neighbours beyond their spread refutes the claim, wherever the ends are.
    """
    deeper = np.diff(depths) > 0
    steps, noise = np.diff(values)[deeper], np.hypot(spreads[1:], spreads[:-1])[deeper]
    if ((steps > 0) & (steps > noise) & (noise > 0)).any():
        return FAILS
    if abs(values[-1] - values[0]) < math.hypot(spreads[0], spreads[-1]):
        return UNDECIDED
    return HOLDS if (steps < 0).all() else FAILS
