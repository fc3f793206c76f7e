"""What the steps that train share: errors that end in one message, results that are kept, minima to begin with.

The step of minima imports this module, so it must import nothing of curves: a change of theirs would retrain minima.
"""

from typing import Any

from torch import Tensor

from lossbars.optimise.descent import Diverged
from lossbars.workflow.work import Work

ERRORS = (Diverged,)


def keep(_: Any) -> bool:
    """Results of trainings are kept, since these take long."""
    return True


def read_minima(work: Work[Any]) -> dict[int, Tensor]:
    """Seed → θ (d), of all files of the option ``minima``."""
    minima: dict[int, Tensor] = {}
    for _, tensors, _ in work.all_tensors("minima"):
        minima |= dict(zip(tensors["seeds"].tolist(), tensors["theta"], strict=True))
    return minima
