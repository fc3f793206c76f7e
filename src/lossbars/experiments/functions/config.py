"""Experiments on functions: clouds of points and optimised curves. Loads no torch."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveInt, model_validator

from lossbars.landscapes.specs import LandscapeSpec
from lossbars.recipes import Amount, Curves, Minima, Rate, Recipe, yaml_number
from lossbars.workflow.experiment import (
    Count,
    ExperimentConfig,
    ModelConfig,
    Scale,
    check_unaligned,
    share_of,
)
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.settings import FigureSettings

# Recipes -----------------------------------------------------------------------------------------


class Cloud(Recipe):
    """Points of a box, their graph, and which of its bars are kept."""

    points: Annotated[Count, Field(ge=2)]
    sampling: Literal["auto", "grid", "random"] = "auto"  # a grid up to three dimensions, unless neighbours are stated
    neighbours: PositiveInt | None = None  # the library's choice where null
    cut: Rate | None = None  # as neighbours
    noise: Annotated[NonNegativeFloat, Field(lt=1), BeforeValidator(yaml_number)] = 0.0
    """Bars shorter than this share of the longest finite one are left out."""

    @model_validator(mode="after")
    def _a_grid_has_its_own(self) -> "Cloud":
        if self.sampling == "grid" and self.neighbours:
            raise ValueError("neighbours: the points of a grid have those around them; take sampling: random")
        return self


class Optimised(Recipe):
    """Minima by descents from random starts, and curves between them."""

    starts: Annotated[Count, Field(ge=2)]
    neighbours: PositiveInt = 8  # minima that each has curves to, where they are too many for all pairs
    tolerance: Amount = 0.0  # bars no longer than this, a loss, join two places of one valley: figures and claims
    minima: Minima
    curves: Curves

    @model_validator(mode="after")
    def _no_units(self) -> "Optimised":
        check_unaligned({"curves": self.curves})
        return self


# Models and experiments --------------------------------------------------------------------------


class FunctionModel(ModelConfig):
    """One landscape, and how its barcode is computed: from a cloud of points, from optimised curves, or both."""

    landscape: LandscapeSpec
    cloud: Cloud | None = None
    optimised: Optimised | None = None

    @model_validator(mode="after")
    def _has_bars(self) -> "FunctionModel":
        if not self.cloud and not self.optimised:
            raise ValueError("there is nothing to find bars by: give it a cloud, or an optimised recipe, or both")
        return self

    def scaled(self, scale: Scale) -> "FunctionModel":
        """With a share of the points, starts and epochs."""
        smaller: dict[str, Any] = {}
        if cloud := self.cloud:
            points = share_of(cloud.points, scale.points, FEWEST_POINTS)
            smaller["cloud"] = cloud.model_copy(update={"points": points})
        if recipe := self.optimised:
            parts = {"minima": recipe.minima.scaled(scale.epochs), "curves": recipe.curves.scaled(scale.epochs)}
            starts = share_of(recipe.starts, scale.seeds, 2)
            smaller["optimised"] = recipe.model_copy(update={"starts": starts} | parts)
        return self.model_copy(update=smaller)


NEEDS = {  # figure → what a model needs that it can show
    "surface": "a model of two dimensions",
    "pairs": "a model of two dimensions with a cloud",
    "sublevel-bars": "a model with a cloud",
    "tiny-bars": "a model with a cloud",
    "bridge": "a model with a cloud and an optimised recipe",
}
FEWEST_POINTS = 100  # that a small scale leaves


class Functions(ExperimentConfig):
    """Barcodes of functions from clouds of points, and from optimised curves beside them."""

    shrinks: ClassVar[tuple[str, ...]] = ("points", "seeds", "epochs")
    shared: ClassVar[tuple[str, ...]] = ("cloud", "optimised")

    kind: Literal["functions"]
    seeds: Count = 1  # clouds of each model
    device: Literal["cpu"] = "cpu"
    figures: list[str] = ["sublevel-bars"]
    models: dict[str, FunctionModel]

    @model_validator(mode="after")
    def _consistent(self) -> "Functions":
        for figure in self.figures:
            if not self.shown(figure):
                raise ValueError(f"figures: {figure!r} needs {NEEDS[figure]}")
        return self

    def shown(self, figure: str) -> list[str]:
        """Models that a figure can show, in the order of the configuration."""
        plane, curves = figure in ("surface", "pairs"), figure == "bridge"
        cloud = figure in ("pairs", "sublevel-bars", "tiny-bars", "bridge")
        return [
            key
            for key, model in self.models.items()
            if (model.landscape.dimension == 2 or not plane)
            and (model.cloud or not cloud)
            and (model.optimised or not curves)
        ]

    def scaled(self, scale: Scale) -> "Functions":
        """With a share of the clouds, and of the points, starts and epochs of each model."""
        models = {key: model.scaled(scale) for key, model in self.models.items()}
        return self.model_copy(update={"seeds": share_of(self.seeds, scale.seeds, 1), "models": models})


# Settings of the rules ---------------------------------------------------------------------------


class CloudSettings(LandscapeSettings):
    """Which points, their graph, and which bars are kept."""

    cloud: Cloud


class OptimisedSettings(LandscapeSettings):
    """How minima and curves are optimised."""

    optimised: Optimised


class ComponentsFigure(FigureSettings):
    """The figure of components of level sets."""

    axis: str  # what values are called
    comparable: bool  # whether all models have one range of values, as losses have


class LandscapesFigure(FigureSettings):
    """A figure that depends on the landscapes: published numbers are of networks of certain sizes."""

    landscapes: dict[str, LandscapeSpec]
