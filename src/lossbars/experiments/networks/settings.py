"""The settings of the rules of networks: what decides minima, curves, triangles and their barcodes. Loads no torch."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.embeddings.config import Embedding
from lossbars.experiments.networks.model import Model
from lossbars.networks.specs import NetworkSpec
from lossbars.recipes import (
    Certificates,
    Curvature,
    Curves,
    Descents,
    Minima,
    Paths,
    Polish,
    Recipe,
    Robustness,
    Strings,
    Triangles,
)
from lossbars.workflow.kind import labels
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.training_settings import TrainingSettings

R = TypeVar("R", bound=Curves | Paths | Strings)  # the recipe of one family of curves


class MeasuredSettings(TrainingSettings):
    """What is trained, and the function that it is measured on."""

    weight_decay: float  # λ of the objective: data loss + λ/2 ‖θ‖²; 0 where the barcode is of the data loss


class MinimaSettings(MeasuredSettings):
    """How minima are trained and polished."""

    minima: Minima
    polish: Polish | None


class CurvatureSettings(MeasuredSettings):
    """How the least eigenvalue of the Hessian is found at minima."""

    batch_size: int  # of the training
    curvature: Curvature


class DescentsSettings(MeasuredSettings):
    """How minima are looked for below curves."""

    batch_size: int  # of the training of curves
    descents: Descents


class CertificatesSettings(MeasuredSettings):
    """How saddles are looked for that join the minima."""

    batch_size: int  # of the training of curves
    certificates: Certificates


class CurvesSettings(MeasuredSettings, Generic[R]):
    """How curves between minima are optimised and measured."""

    curves: R


class TrianglesSettings(MeasuredSettings):
    """How triangles between minima are optimised and measured."""

    triangles: Triangles


class EmbeddingSettings(MeasuredSettings):
    """How minima and curves of a small network are embedded in ``network``, a larger one."""

    small_network: NetworkSpec
    small_network_file: str | None
    embedding: Embedding

    @property
    def of_small(self) -> TrainingSettings:
        """The settings of the small network."""
        shared = {name: getattr(self, name) for name in TrainingSettings.model_fields}
        small = {"network": self.small_network, "network_file": self.small_network_file}
        return TrainingSettings(**shared | small)


class ComplexSettings(Recipe):
    """How minima, curves and triangles are put together."""

    aligned: list[str]  # recipes of the curves that join minima modulo permutations of units


class RobustnessSettings(Recipe):
    """Which subsets of minima have barcodes."""

    robustness: Robustness


# Figures that need more than the names of the models ----------------------------------------------


class RecipesFigure(FigureSettings):
    """A figure that sets several recipes of a model side by side."""

    recipes: dict[str, dict[str, str]]  # model → kind → what the figure calls it


class StringsFigure(FigureSettings):
    """A figure that sets strings beside other curves."""

    strings: dict[str, str]  # model → kind of its strings


class NetworksFigure(FigureSettings):
    """A figure that depends on the networks."""

    networks: dict[str, NetworkSpec]


class GroupsFigure(FigureSettings):
    """A figure that sets groups of minima apart."""

    groups: dict[str, list[str]] | None  # model → what the figure calls its groups; None where no model has any


def _of_models(
    settings: type[FigureSettings], name: str, of_model: Callable[[Model], Any]
) -> Callable[[Experiment, str, str], FigureSettings]:
    """How the settings of a figure are made that has something of each model in the field ``name``, where it is any."""

    def make(config: Experiment, figure: str, module: str) -> FigureSettings:
        values = {key: value for key, model in config.models.items() if (value := of_model(model)) is not None}
        return settings(**_common(config, figure, module) | {name: values})

    return make


with_recipes = _of_models(RecipesFigure, "recipes", lambda model: model.recipe_labels)
with_strings = _of_models(StringsFigure, "strings", lambda model: model.strings)
with_networks = _of_models(NetworksFigure, "networks", lambda model: model.network)


def with_groups(config: Experiment, figure: str, module: str) -> GroupsFigure:
    """The groups of minima of each model."""
    groups = {key: group_labels(model) for key, model in config.models.items()}
    return GroupsFigure(**_common(config, figure, module), groups=groups if any(groups.values()) else None)


def of_triangles(config: Experiment, figure: str, module: str) -> FigureSettings:
    """The models that have triangles."""
    kept = {key: label for key, label in labels(config).items() if config.models[key].triangles}
    return FigureSettings(**_common(config, figure, module) | {"labels": kept})


def of_embeddings(config: Experiment, figure: str, module: str) -> FigureSettings:
    """The embeddings in place of the models."""
    named = {key: embedding.label or key for key, embedding in config.embeddings.items()}
    return FigureSettings(**_common(config, figure, module) | {"labels": named})


def group_labels(model: Model) -> list[str]:
    """What figures call the groups of a model's minima; none where it has no groups."""
    return [group.label or key for key, group in model.groups.items()]


def _common(config: Experiment, figure: str, module: str) -> dict[str, Any]:
    return {"figure": figure, "module": module, "title": config.title, "labels": labels(config)}
