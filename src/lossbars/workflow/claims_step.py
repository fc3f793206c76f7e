"""What the papers report of one experiment, of any kind, against what was obtained."""

from dataclasses import asdict
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd

from lossbars.claims.claim import COLUMNS
from lossbars.recipes import Recipe
from lossbars.workflow.work import Work


class AnyClaimsSettings(Recipe, extra="allow"):
    """The settings of some kind's claims; its module knows them in full."""

    module: str


def step(work: Work[AnyClaimsSettings]) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    judge = import_module(work.settings.module)
    typed = work.with_settings_of(judge.results)
    work.write_table("table", claim_rows(judge, work.experiment, typed.settings.config, judge.results(typed)))


def claim_rows(judge: ModuleType, experiment: str, config: Any, results: Any) -> pd.DataFrame:
    """A row per claim of a kind; its function ``kept``, where it has one, says which rows an experiment shows."""
    same = {"experiment": experiment, "budget": judge.budget(results)}
    rows = [same | asdict(claim) | asdict(check(results)) for claim, check in judge.claims(experiment, config)]
    kept = judge.kept(experiment, rows) if hasattr(judge, "kept") else rows
    return pd.DataFrame(kept, columns=COLUMNS)
