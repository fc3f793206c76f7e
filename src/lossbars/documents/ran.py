"""Which experiments the documents are on. Loads no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossbars.workflow.validity import condition

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan


def documented(plan: "Plan", asked: Sequence[str]) -> list[str]:
    """Experiments of the documents: those asked for, and those that ran before and whose claims are not stale."""
    return [key for key in plan.experiments if key in asked or _claims_stand(plan, key)]


def _claims_stand(plan: "Plan", experiment: str) -> bool:
    claims = plan.claims(experiment)
    path = Path(claims.path)
    return path.is_file() and condition(path, claims.key) is None  # keys take a moment: most experiments never ran
