"""What an experiment on functions obtained, as claims read it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, Claim, Finding


@dataclass(frozen=True)
class FunctionResults:
    """What one experiment on functions obtained; ``recipe`` is that of the job of its claims.

    ``bars`` and ``distances`` are the tables of the experiment, empty where it has none of that kind.
    """

    experiment: str
    recipe: dict[str, Any]
    bars: pd.DataFrame
    distances: pd.DataFrame

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Recipes of the models, in the order of drawing."""
        return self.recipe["models"]

    def label(self, model: str) -> str:
        """What a reader knows the model by."""
        return self.models[model].get("label") or model

    def each(self, texts: dict[str, str]) -> str:
        """One text after another, each under its model's label."""
        return "; ".join(f"{self.label(model)}: {text}" for model, text in texts.items())

    @property
    def whole(self) -> bool:
        """Whether the budget is the whole one, and numbers may be compared with published ones."""
        return all(part == 1 for part in self.recipe.get("scale", {}).values())

    def with_landscape(self, **wanted: object) -> list[str]:
        """The models whose landscape has these values, as ``name="wavy"``."""
        own = {model: recipe.get("landscape", {}) for model, recipe in self.models.items()}
        return [model for model in own if all(own[model].get(key) == value for key, value in wanted.items())]

    def barcode(self, model: str, source: str = "cloud") -> pd.DataFrame:
        """The bars of one barcode: of the cloud with the lowest number, or of the optimised curves; may be empty."""
        if self.bars.empty:
            return self.bars
        own = self.bars[(self.bars["model"] == model) & (self.bars["source"] == source)]
        return own[own["seed"] == own["seed"].min()].reset_index(drop=True)


def judged(results: FunctionResults, holds: bool) -> str:
    """The verdict, with its budget where that is not the whole one."""
    return (HOLDS if holds else FAILS) + ("" if results.whole else AT_BUDGET)


Check = Callable[[FunctionResults], Finding]
Claims = list[tuple[Claim, Check]]
