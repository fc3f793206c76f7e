"""What the steps of curves and triangles share: minima to begin with, and a last line about what was measured."""

from typing import Any

from torch import Tensor

from lossbars.simplices.simplex import Profile
from lossbars.workflow.work import Work


def read_minima(work: Work[Any]) -> dict[int, Tensor]:
    """Seed → θ (d), of all files of the option ``minima``."""
    minima: dict[int, Tensor] = {}
    for _, tensors, _ in work.all_tensors("minima"):
        minima |= dict(zip(tensors["seeds"].tolist(), tensors["theta"], strict=True))
    return minima


def report_maxima(work: Work[Any], measured: list[Profile]) -> None:
    """Say between which values the largest losses lie."""
    work.report(f"maxima {min(p.value for p in measured):.4g} to {max(p.value for p in measured):.4g}")
