"""Experiments on functions: clouds of points and optimised curves, and how barcodes of clouds converge. Loads no torch.

One class per kind of experiment; :mod:`lossbars.experiments` has the one on networks.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveInt, model_validator

from lossbars.experiments import Resources, Scale, check_key
from lossbars.landscape_specs import LandscapeSpec
from lossbars.recipes import Amount, AnyCurves, Curves, Minima, Rate, Recipe, yaml_number


def _whole(value: Any) -> Any:
    """YAML reads ``1e6`` as text or as a float; a person means the whole number."""
    value = yaml_number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[PositiveInt, BeforeValidator(_whole)]


# Recipes -----------------------------------------------------------------------------------------


class PairedCloud(Recipe):
    """Uniform points of a box and the graph of their nearest neighbours."""

    sampling: Literal["random"] = "random"
    neighbours: PositiveInt | None = None  # twice the dimension where null (function-barcodes.txt, section 3)
    cut: Rate = 2.0  # edges longer than cut · N^(−1/D) sides of the box are dropped


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
        found: dict[str, Any] = {}
        if cloud := self.cloud:
            points = _share(cloud.points, scale.points, FEWEST_POINTS)
            found["cloud"] = cloud.model_copy(update={"points": points})
        if own := self.optimised:
            parts = {"minima": own.minima.scaled(scale.epochs), "curves": own.curves.scaled(scale.epochs)}
            starts = _share(own.starts, scale.seeds, 2)
            found["optimised"] = own.model_copy(update={"starts": starts} | parts)
        return self.model_copy(update=found)


class ConvergenceModel(Recipe):
    """One landscape, and the graph of its clouds."""

    landscape: LandscapeSpec
    label: str = ""
    cloud: PairedCloud = PairedCloud()
    resources: Resources = Resources()


FunctionFigure = Literal["surface", "pairs", "sublevel-bars", "tiny-bars", "bridge", "components"]
OF_CLOUDS = ("pairs", "sublevel-bars", "tiny-bars")
FEWEST_POINTS, FEWEST_PAIRS, FEWEST_SIZES = 100, 2, 2  # that a small scale leaves


class Functions(Recipe):
    """Barcodes of functions from clouds of points, and from optimised curves beside them."""

    shrinks: ClassVar[tuple[str, ...]] = ("points", "seeds", "epochs")  # parts of a scale that it knows

    kind: Literal["functions"]
    title: str
    seeds: Count = 1  # clouds of each model
    device: Literal["cpu"] = "cpu"
    resources: Resources = Resources()
    figures: list[FunctionFigure] = ["sublevel-bars"]
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
        return [key for key, own in self.models.items() if own.landscape.dimension == 2]

    def cloud_models(self) -> list[str]:
        """Models of which there are clouds."""
        return [key for key, own in self.models.items() if own.cloud]

    def optimised_models(self) -> list[str]:
        """Models whose minima and curves are optimised too."""
        return [key for key, own in self.models.items() if own.optimised]

    def scaled(self, scale: Scale) -> "Functions":
        """With a share of the clouds, and of the points, starts and epochs of each model."""
        models = {key: own.scaled(scale) for key, own in self.models.items()}
        return self.model_copy(update={"seeds": _share(self.seeds, scale.seeds, 1), "models": models})


class Convergence(Recipe):
    """Bottleneck distances between barcodes of two clouds of one size, and to the exact barcode where it is known."""

    shrinks: ClassVar[tuple[str, ...]] = ("points", "pairs")

    kind: Literal["convergence"]
    title: str
    pairs: Count  # of clouds, of each size
    sizes: Annotated[list[Annotated[Count, Field(ge=2)]], Field(min_length=1)]  # points of a cloud
    device: Literal["cpu"] = "cpu"
    resources: Resources = Resources()
    figures: list[Literal["convergence"]] = ["convergence"]
    models: dict[str, ConvergenceModel]

    @model_validator(mode="after")
    def _consistent(self) -> "Convergence":
        check_models(self.models)
        if any(a >= b for a, b in pairwise(self.sizes)):
            raise ValueError(f"sizes: each must be larger than the one before, not {self.sizes}")
        return self

    def scaled(self, scale: Scale) -> "Convergence":
        """Without the sizes above a share of the largest, two left at least, and with a share of the pairs."""
        kept = [size for size in self.sizes if size <= scale.points * self.sizes[-1]]
        sizes = kept if len(kept) >= FEWEST_SIZES else self.sizes[:FEWEST_SIZES]
        return self.model_copy(update={"sizes": sizes, "pairs": _share(self.pairs, scale.pairs, FEWEST_PAIRS)})


def _share(whole: int, share: float, fewest: int) -> int:
    return min(whole, max(fewest, round(whole * share)))


def check_unaligned(recipes: Mapping[str, AnyCurves]) -> None:
    """Raise ValueError where curves on a function are to be aligned."""
    if wrong := [name for name, own in recipes.items() if own.align != "none"]:
        raise ValueError(f"{wrong[0]}.align: a function has no units to permute: leave it out")


def check_models(models: dict[str, Any]) -> None:
    """Raise ValueError where there is none, or where a key cannot name a folder."""
    if not models:
        raise ValueError("models: at least one is needed")
    for key in models:
        check_key(key, "model")
