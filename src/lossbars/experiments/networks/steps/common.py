"""What the steps that train share: errors that end in one message, minima to begin with, a last line."""

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


def report_maxima(work: Work[Any], maxima: list[float]) -> None:
    """Say between which values the largest losses of curves or triangles lie."""
    work.report(f"maxima {min(maxima):.4g} to {max(maxima):.4g}")
