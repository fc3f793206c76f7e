"""Experiments on path optimisers: curves on functions whose saddles are known. Loads no torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from lossbars.landscapes.specs import FunctionSpec
from lossbars.recipes import AnyCurves, Paths, Recipe, Strings
from lossbars.workflow.experiment import (
    Count,
    ExperimentConfig,
    ModelConfig,
    Scale,
    check_key,
    check_rising,
    check_unaligned,
    lowest_sizes,
)
from lossbars.workflow.landscape_rules import LandscapeSettings

KNOWN = ("six_hump_camel", "mueller_brown", "himmelblau", "wavy", "rastrigin", "bent_double_well")
FEWEST_SIZES = 2  # that a small scale leaves


class Stages(Recipe):
    """One path between two known minima, as points are inserted.

    Barannikov et al. 2020, Topological obstructions, fig. 10.
    """

    minima: Annotated[list[NonNegativeInt], Field(min_length=2, max_length=2)] = [0, 1]  # numbers, the lowest is 0
    path: Paths

    @model_validator(mode="after")
    def _inserts(self) -> "Stages":
        if self.minima[0] == self.minima[1]:
            raise ValueError("minima: a path joins two different ones")
        insertion = self.path.family.insertion
        if not insertion or self.path.epochs <= insertion.every:
            raise ValueError("path: its family needs an insertion, and more epochs than its 'every'")
        return self


class SaddlesModel(ModelConfig):
    """One function with known minima and saddles, and the optimisers of the curves between the minima."""

    landscape: FunctionSpec
    optimisers: dict[str, AnyCurves]  # at size 1
    insertion: Stages | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "SaddlesModel":
        if self.landscape.name not in KNOWN:
            name, known = self.landscape.name, ", ".join(KNOWN)
            raise ValueError(f"landscape: minima and saddles of {name} are not known; of {known} they are")
        if self.landscape.box:
            raise ValueError("landscape: curves between known minima have no box: leave it out")
        if self.insertion and self.landscape.dimension != 2:
            raise ValueError("insertion: its path is drawn, so the function must have two coordinates")
        if not self.optimisers:
            raise ValueError("optimisers: at least one is needed")
        for key in self.optimisers:
            check_key(key, "optimiser")
        check_unaligned(self.optimisers | ({"insertion.path": self.insertion.path} if self.insertion else {}))
        return self


class Saddles(ExperimentConfig):
    """Deaths of bars by several path optimisers, against the saddles at which the bars end."""

    shrinks: ClassVar[tuple[str, ...]] = ("epochs", "points")
    shared: ClassVar[tuple[str, ...]] = ("optimisers",)

    kind: Literal["saddles"]
    sizes: Annotated[list[Count], Field(min_length=1)]  # multiples of each recipe's points and epochs
    device: Literal["cpu"] = "cpu"
    figures: list[str] = ["death-error"]
    models: dict[str, SaddlesModel]

    @model_validator(mode="after")
    def _consistent(self) -> "Saddles":
        check_rising(self.sizes)
        if "insertion" in self.figures and not self.shown("insertion"):
            raise ValueError("figures: 'insertion' needs a model with an insertion recipe")
        return self

    def shown(self, figure: str) -> list[str]:
        """The models that a figure can show: of the insertion of points those that have a recipe for it."""
        return [key for key, model in self.models.items() if figure != "insertion" or model.insertion]

    def scaled(self, scale: Scale) -> "Saddles":
        """Without the sizes above a share (of ``points``) of the largest, two left at least, and with fewer epochs.

        The stages of an insertion stay: they take a moment.
        """
        sizes = lowest_sizes(self.sizes, scale.points, FEWEST_SIZES)
        models = {}
        for key, model in self.models.items():
            fewer = {name: recipe.scaled(scale.epochs) for name, recipe in model.optimisers.items()}
            models[key] = model.model_copy(update={"optimisers": fewer})
        return self.model_copy(update={"sizes": sizes, "models": models})


def of_size(recipe: AnyCurves, size: int) -> AnyCurves:
    """The recipe with ``size`` times as many epochs, and places in a step: moving points, or random places of a curve.

    What the schedule names in epochs grows alike, and so does the tilt: the more places, the narrower the part of the
    curve around its maximum may be that the objective looks at. A curve keeps its bends; points are inserted as often.
    Of strings, as many times more thresholds are tried.
    """
    if isinstance(recipe, Paths):
        family = recipe.family.model_copy(update={"points": 2 + size * (recipe.family.points - 2)})
        return recipe.scaled(float(size)).model_copy(update={"family": family})
    if isinstance(recipe, Strings):
        return recipe.model_copy(update={"halvings": size * recipe.halvings})
    longer = recipe.scaled(float(size))
    return longer.model_copy(update={"points": size * longer.points, "tilt": size * longer.tilt})


class DeathsSettings(LandscapeSettings):
    """The optimisers, each at every size."""

    optimisers: dict[str, dict[str, AnyCurves]]  # name → size → recipe


class InsertionSettings(LandscapeSettings):
    """A path before and after points are inserted."""

    insertion: Stages
