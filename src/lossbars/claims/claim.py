"""Claims and findings, and the words that judge them.

A claim that fails is shown failing. Numbers of a reduced budget are not compared with published ones, and
what is said of them is said "at this budget".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

HOLDS, FAILS = "holds", "does not hold"
UNDECIDED = "undecided: differences are within the spread"
NO_DIFFERENCE = "no difference"
NOT_CONVERGED = "not converged"
AGREES, DIFFERS = "agrees (within 2 published std)", "differs"
IN_INTERVAL = "agrees (within the published interval)"
INCOMPARABLE = "not comparable at this budget"
NO_NUMBER, UNMEASURED = "no published number", "not measured"
AT_BUDGET = " at this budget"


@dataclass(frozen=True)
class Claim:
    """A statement, where it is made, and the value that stands there, if any."""

    id: str
    claim: str
    source: str
    published: str = "—"


@dataclass(frozen=True)
class Finding:
    """What was obtained, and how the claim stands by it."""

    obtained: str
    verdict: str
    detail: str = ""


Check = Callable[[Any], Finding]  # judges a claim by what an experiment obtained
Claims = list[tuple[Claim, Check]]


def judged_by(check: Check, id: str, statement: str, source: str, published: str = "—") -> tuple[Claim, Check]:
    """A claim and the function that judges it: an entry of :data:`Claims`."""
    return Claim(id, statement, source, published), check


def unmeasured(needed: str) -> Finding:
    """The finding of an experiment that lacks what a claim is about."""
    return Finding("—", UNMEASURED, f"this needs {needed}")


COLUMNS = ["experiment", "id", "claim", "source", "published", "obtained", "budget", "verdict", "detail"]
"""Columns of a table of claims."""


# Words -------------------------------------------------------------------------------------------


def number(value: float, digits: int = 4) -> str:
    """``digits`` significant digits; ∞ for an infinite number."""
    if np.isposinf(value):
        return "∞"
    return f"{value:#.{digits}g}".rstrip(".").replace("-", "−")


def mean_and_std(values: Any, unit: str = "") -> str:
    """Mean ± standard deviation of a sample, and its size."""
    values = np.asarray(values, dtype=np.float64)
    spread = f" ± {number(values.std(ddof=1), 2)}" if len(values) > 1 else ""
    return f"{number(values.mean())}{spread} (n = {len(values)}{unit})"
