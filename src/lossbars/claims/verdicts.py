"""Verdicts on numbers with a spread: by their order, and of several at once."""

import itertools
import math
from collections.abc import Iterable, Sequence

from lossbars.claims.claim import FAILS, HOLDS, NO_DIFFERENCE, UNDECIDED


def falls(values: Sequence[float], spreads: Sequence[float], places: Sequence[int] | None = None) -> str:
    """Whether values fall at every step from one to the next.

    A step counts where it exceeds the spreads of its two ends, added in squares. The claim fails where a step rises by
    more than that, and holds where every step falls by more; otherwise it is undecided. Equal values without any spread
    are no difference. Where ``places`` are given, steps between values at the same place are left out.
    """
    steps = [
        (after - before, math.hypot(*noise))
        for i, ((before, after), noise) in enumerate(
            zip(itertools.pairwise(values), itertools.pairwise(spreads), strict=True)
        )
        if places is None or places[i] != places[i + 1]
    ]
    if all(step == noise == 0 for step, noise in steps):
        return NO_DIFFERENCE
    if any(step > noise for step, noise in steps):
        return FAILS
    return HOLDS if all(step < -noise for step, noise in steps) else UNDECIDED


def rises(values: Sequence[float], spreads: Sequence[float]) -> str:
    """Whether each step rises, by the same rule."""
    return falls([-value for value in values], spreads)


def together(verdicts: Iterable[str]) -> str:
    """Where all verdicts are the same, this one; fails where one fails, else undecided."""
    several = set(verdicts)
    if FAILS in several:
        return FAILS
    return several.pop() if len(several) == 1 else UNDECIDED
