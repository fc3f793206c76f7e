"""What runs of gradient descent on polynomials cost. Loads no torch."""

from lossbars.experiments.escape.config import EscapeModel
from lossbars.workflow.landscape_costs import PROCESS

ESCAPE_STEP = 1e-4  # seconds of a step of gradient descent on polynomials, however few runs it has
ESCAPE_RUN = 2e-8  # more, for a run
HALVINGS = 40  # of an interval of learning rates, at most
ESCAPE_BYTES = 400  # of a run


def escape_memory(own: EscapeModel) -> int:
    """Most bytes of runs on polynomials."""
    return PROCESS + own.runs * ESCAPE_BYTES


def escape_seconds(own: EscapeModel) -> float:
    """Of runs on the grid of rates, and of those that halve the interval around the smallest that escapes."""
    few = own.bars.number * own.descent.starts
    passes = (1 + HALVINGS) * ESCAPE_STEP + (own.runs + HALVINGS * few) * ESCAPE_RUN
    return own.descent.steps * passes
