"""What an experiment on networks obtained, as its claims read it."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS
from lossbars.experiments.networks.config import Experiment, Model
from lossbars.networks.specs import MLPSpec
from lossbars.plots import bars as bar_tables
from lossbars.workflow import claims_results
from lossbars.workflow.blocks import base

Recipe = tuple[str, str]  # a model, and the kind of one of its recipes


@dataclass(frozen=True)
class Results(claims_results.Results[Experiment]):
    """The tables of one experiment, each with a column ``model``."""

    bars: pd.DataFrame
    minima: pd.DataFrame
    curves: pd.DataFrame  # between the minima as they are
    aligned: pd.DataFrame  # curves to copies of minima whose units are permuted
    triangles: pd.DataFrame
    robustness: pd.DataFrame
    embeddings: pd.DataFrame  # ``model`` is the embedding

    @property
    def models(self) -> dict[str, Model]:
        """The models, in the order of the configuration."""
        return self.config.models

    @property
    def all_samples(self) -> bool:
        """Whether networks are trained on all samples of the training set."""
        return self.settings.scale["samples"] == 1 and self.config.samples is None

    def qualified(self, verdict: str) -> str:
        """The verdict, with a remark where the budget is not the full one."""
        full = self.all_samples and self.settings.full_budget
        return verdict if full or verdict not in (HOLDS, FAILS) else verdict + AT_BUDGET

    def by_depth(self) -> list[tuple[int, str]]:
        """Number of hidden layers and model of every fully connected network, the shallowest first."""
        networks = {key: model.network for key, model in self.models.items()}
        mlps = [(network.depth, key) for key, network in networks.items() if isinstance(network, MLPSpec)]
        return sorted(mlps, key=lambda one: one[0])

    def among(self, models: Iterable[object]) -> list[str]:
        """The models that are among some, in the order of the configuration."""
        present = set(models)
        return [model for model in self.models if model in present]

    # Words ----------------------------------------------------------------------------------------

    def recipes(self, kind: str) -> list[Recipe]:
        """All recipes of all models for ``curves`` or ``triangles``, in the order of the configuration."""
        return [(key, name) for key, model in self.models.items() for name in model.kinds if base(name) == kind]

    def recipe_name(self, recipe: Recipe, among: list[Recipe]) -> str:
        """The model's label, and where the model has several recipes among those given, the recipe's too."""
        model, kind = recipe
        several = sum(other == model for other, _ in among) > 1
        return f"{self.label(model)}, {self.models[model].recipe_labels[kind]}" if several else self.label(model)

    def each_recipe(self, texts: dict[Recipe, str]) -> str:
        """One text after another, each under the name of its recipe."""
        return "; ".join(f"{self.recipe_name(recipe, list(texts))}: {text}" for recipe, text in texts.items())


# Tables ------------------------------------------------------------------------------------------


def finite(bars: pd.DataFrame, model: str, convention: str) -> pd.DataFrame:
    """Finite bars of dimension 0 of a model; subsets of minima, which have no other, lack the column ``dim``."""
    rows = bar_tables.finite(bars[(bars["model"] == model) & (bars["convention"] == convention)])
    return rows[rows["dim"] == 0] if "dim" in rows else rows


def only_curves(table: pd.DataFrame) -> pd.DataFrame:
    """A table of curves without its straight segments."""
    return table[table["kind"] == "curve"] if len(table) else table


def maxima_of(table: pd.DataFrame, corners: list[str]) -> dict[str, pd.Series]:
    """Model → the largest loss of each of its simplices; of several recipes for one, the lowest."""
    if table.empty:
        return {}
    largest = table.groupby(["model", *corners, "by"])["loss"].max().groupby(level=["model", *corners]).min()
    return {str(model): tops for model, tops in largest.groupby(level="model")}


def maxima_by(table: pd.DataFrame, corners: list[str]) -> dict[Recipe, pd.Series]:
    """Model and recipe → the largest loss of each of the simplices."""
    if table.empty:
        return {}
    largest = table.groupby(["model", "by", *corners])["loss"].max()
    return {(str(model), str(by)): tops.droplevel([0, 1]) for (model, by), tops in largest.groupby(level=[0, 1])}
