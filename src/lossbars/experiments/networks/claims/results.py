"""What an experiment on networks obtained, as its claims read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, NO_NUMBER, NOT_CONVERGED, UNMEASURED, Check, Claim, Finding
from lossbars.claims.papers import FIGURE_ONLY
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.model import Model
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

    def of_bars(self, texts: Mapping[str, str], verdict: str, detail: str) -> Finding:
        """What the direct bars of the models in ``texts`` show: no verdict where ends of bars have not converged."""
        rows = self.bars[(self.bars["convention"] == "direct") & self.bars["model"].isin(list(texts))]
        rows = rows[rows["dim"] == 0]
        count = int(bar_tables.unresolved(rows).sum())
        if not count:
            return Finding(self.each(texts), self.qualified(verdict), detail)
        share = f"{bar_tables.RESOLVED:.0%}"
        reason = (
            f"{count} of {len(rows)} bars have ends that are not known to have converged to {share} of their length"
        )
        return Finding(self.each(texts), NOT_CONVERGED, f"{detail}; {reason}: as they are, {verdict}")

    def by_depth(self) -> list[tuple[int, str]]:
        """Number of hidden layers and model of every fully connected network, the shallowest first."""
        networks = {key: model.network for key, model in self.models.items()}
        mlps = [(network.depth, key) for key, network in networks.items() if isinstance(network, MLPSpec)]
        return sorted(mlps, key=lambda one: one[0])

    def among(self, models: Iterable[object]) -> list[str]:
        """The given models that belong to the experiment, in the order of the configuration."""
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


# Claims and findings ------------------------------------------------------------------------------


def in_figure(id: str, claim: str, source: str, check: Check) -> tuple[Claim, Check]:
    """A claim that a paper shows in a figure, without a number."""
    return Claim(id, claim, source, FIGURE_ONLY), check


def reported(texts: str, detail: str) -> Finding:
    """What was obtained, beside which no paper has a number; not measured where there is nothing to say."""
    return Finding(texts or "—", NO_NUMBER if texts else UNMEASURED, detail)


def unmeasured(needs: str) -> Finding:
    """A claim that could not be judged, since something was missing."""
    return Finding("—", UNMEASURED, f"this needs {needs}")


# Tables ------------------------------------------------------------------------------------------


def barcode_of(bars: pd.DataFrame, model: str, convention: str) -> pd.DataFrame:
    """Bars of dimension 0 of a model, half-lines too; subsets of minima have no other, and no column ``dim``."""
    rows = bars[(bars["model"] == model) & (bars["convention"] == convention)]
    return rows[rows["dim"] == 0] if "dim" in rows else rows


def finite(bars: pd.DataFrame, model: str, convention: str) -> pd.DataFrame:
    """Bars of dimension 0 of a model that end."""
    return bar_tables.finite(barcode_of(bars, model, convention))


def maxima_of(curves: pd.DataFrame) -> dict[str, pd.Series]:
    """Model → the largest loss on the curve of each pair of its minima; of several recipes for a pair, the lowest."""
    if curves.empty:
        return {}
    largest = curves[curves["kind"] == "curve"].groupby(["model", "a", "b", "by"])["objective"].max()
    lowest = largest.groupby(level=["model", "a", "b"]).min()
    return {str(model): tops for model, tops in lowest.groupby(level="model")}


def maxima_by(table: pd.DataFrame, corners: list[str]) -> dict[Recipe, pd.Series]:
    """Model and recipe → the largest loss on each of the simplices, straight segments apart."""
    if table.empty:
        return {}
    if "kind" in table:
        table = table[table["kind"] == "curve"]
    largest = table.groupby(["model", "by", *corners])["objective"].max()
    return {(str(model), str(by)): tops.droplevel([0, 1]) for (model, by), tops in largest.groupby(level=[0, 1])}
