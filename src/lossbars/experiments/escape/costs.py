"""Memory and time of gradient descent on polynomials. Loads no torch.

The constants are fitted to runs of one thread.
"""

from lossbars.experiments.escape.config import EscapeModel
from lossbars.workflow.landscape_costs import PROCESS, START

STEP = 1e-4  # seconds of a step of gradient descent on polynomials, however few runs it has
RUN = 2e-8  # more, for a run
HALVINGS = 40  # of an interval of learning rates, at most
RUN_BYTES = 400


def memory(model: EscapeModel) -> int:
    """Most bytes of runs on polynomials."""
    return PROCESS + model.runs * RUN_BYTES


def seconds(model: EscapeModel) -> float:
    """Seconds of a job: its start, runs on the grid of rates, and bisection for the smallest escaping rate."""
    few = model.bars.number * model.descent.starts
    passes = (1 + HALVINGS) * STEP + (model.runs + HALVINGS * few) * RUN
    return START + model.descent.steps * passes
