"""At how many places a maximum is refined: what plans count, and where curves and triangles are measured."""


def middles(intervals: int, number: int) -> int:
    """How many intervals of a curve a round of refinement halves; ``number`` counts from 1.

    The first round looks at a third of them: at several peaks, and where a spike may be hidden.
    """
    return min(intervals, max(4, (intervals + 1) // 3) if number == 1 else 4)


def peaks(number: int) -> int:
    """Around how many peaks of a triangle a round of refinement looks, at six places each."""
    return 4 if number == 1 else 2


def refined(intervals: int, refinements: int) -> int:
    """How many places all rounds of refinement add to a curve of so many intervals."""
    added = 0
    for number in range(1, refinements + 1):
        added += middles(intervals + added, number)
    return added
