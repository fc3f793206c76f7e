"""What an experiment obtained, as its claims read it: what all kinds of experiments share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNMEASURED, Finding, unmeasured
from lossbars.workflow.settings import C, ClaimsSettings


@dataclass(frozen=True)
class Results(Generic[C]):
    """What one experiment obtained; a kind of experiment adds its tables."""

    settings: ClaimsSettings[C]

    @property
    def config(self) -> C:
        """The experiment."""
        return self.settings.config

    @property
    def full_budget(self) -> bool:
        """Whether numbers may be compared with published ones."""
        return self.settings.full_budget

    @property
    def models(self) -> dict[str, Any]:
        """The models, in the order of the configuration."""
        config: Any = self.config
        models: dict[str, Any] = config.models
        return models

    def label(self, model: str) -> str:
        """What a reader knows a model by."""
        return self.models[model].label or model

    def each(self, texts: Mapping[str, str]) -> str:
        """One text after another, each under its model's label."""
        return "; ".join(f"{self.label(model)}: {text}" for model, text in texts.items())

    def qualified(self, verdict: str) -> str:
        """The verdict, with a remark where the budget is not the full one."""
        decided = verdict in (HOLDS, FAILS)
        return verdict + AT_BUDGET if decided and not self.full_budget else verdict

    def judged(self, holds: bool) -> str:
        """Whether a claim holds, with a remark where the budget is not the full one."""
        return self.qualified(HOLDS if holds else FAILS)

    def finding(self, texts: Mapping[str, str], holds: bool, detail: str, needed: str) -> Finding:
        """What each model obtained, and whether the claim holds by it; unmeasured where no model has a text."""
        return Finding(self.each(texts), self.judged(holds), detail) if texts else unmeasured(needed)


def measured(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of claims that were measured; all rows where none was."""
    return [row for row in rows if row["verdict"] != UNMEASURED] or list(rows)
