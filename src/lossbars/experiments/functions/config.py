"""Experiments on functions: clouds of points and optimised curves. Loads no torch."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveInt, model_validator

from lossbars.landscapes.specs import LandscapeSpec
from lossbars.recipes import Amount, Curves, Minima, Rate, Recipe, yaml_number
from lossbars.workflow.experiment import (
    Count,
    ExperimentConfig,
    Resources,
    Scale,
    check_models,
    check_unaligned,
    share_of,
)

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


class FunctionModel(Recipe):
    """One landscape, and how its barcode is found."""

    landscape: LandscapeSpec
    label: str = ""  # what figures call it; the model's key where empty
    cloud: Cloud | None = None
    optimised: Optimised | None = None
    resources: Resources = Resources()

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


OF_CLOUDS = ("pairs", "sublevel-bars", "tiny-bars")
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
        check_models(self.models)
        needs = {"surface": "a model of two dimensions", "pairs": "a model of two dimensions with a cloud"}
        needs |= dict.fromkeys(("sublevel-bars", "tiny-bars"), "a model with a cloud")
        needs["bridge"] = "a model with a cloud and an optimised recipe"
        for figure in self.figures:
            if not self.shown(figure):
                raise ValueError(f"figures: {figure!r} needs {needs[figure]}")
        return self

    def shown(self, figure: str) -> list[str]:
        """Models that a figure can show, in the order of the configuration."""
        shown = list(self.models)
        if figure in (*OF_CLOUDS, "bridge"):
            shown = self.cloud_models()
        allowed = {"surface": self.plane_models(), "pairs": self.plane_models(), "bridge": self.optimised_models()}
        return [key for key in shown if key in allowed.get(figure, shown)]

    def plane_models(self) -> list[str]:
        """Models whose landscape can be drawn as a surface."""
        return [key for key, model in self.models.items() if model.landscape.dimension == 2]

    def cloud_models(self) -> list[str]:
        """Models of which there are clouds."""
        return [key for key, model in self.models.items() if model.cloud]

    def optimised_models(self) -> list[str]:
        """Models whose minima and curves are optimised too."""
        return [key for key, model in self.models.items() if model.optimised]

    def scaled(self, scale: Scale) -> "Functions":
        """With a share of the clouds, and of the points, starts and epochs of each model."""
        models = {key: model.scaled(scale) for key, model in self.models.items()}
        return self.model_copy(update={"seeds": share_of(self.seeds, scale.seeds, 1), "models": models})
