"""Experiments on convergence: how barcodes of clouds of points converge. Loads no torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.landscapes.specs import LandscapeSpec
from lossbars.recipes import Rate, Recipe
from lossbars.workflow.experiment import (
    Count,
    ExperimentConfig,
    ModelConfig,
    Scale,
    check_rising,
    lowest_sizes,
    share_of,
)
from lossbars.workflow.landscape_rules import LandscapeSettings


class PairedCloud(Recipe):
    """Uniform points of a box and the graph of their nearest neighbours."""

    sampling: Literal["random"] = "random"
    neighbours: PositiveInt | None = None  # twice the dimension where null (Barannikov et al. 2020, §3)
    cut: Rate = 2.0  # edges longer than cut · N^(−1/D) sides of the box are dropped


class ConvergenceModel(ModelConfig):
    """One landscape, and the graph of its clouds."""

    landscape: LandscapeSpec
    cloud: PairedCloud = PairedCloud()


FEWEST_PAIRS, FEWEST_SIZES = 2, 2  # that a small scale leaves


class Convergence(ExperimentConfig):
    """Bottleneck distances between barcodes of two clouds of one size, and to the exact barcode where it is known."""

    shrinks: ClassVar[tuple[str, ...]] = ("points", "pairs")
    shared: ClassVar[tuple[str, ...]] = ("cloud",)

    kind: Literal["convergence"]
    pairs: Count  # of clouds, of each size
    sizes: Annotated[list[Annotated[Count, Field(ge=2)]], Field(min_length=1)]  # points of a cloud
    device: Literal["cpu"] = "cpu"
    figures: list[str] = ["convergence"]
    models: dict[str, ConvergenceModel]

    @model_validator(mode="after")
    def _consistent(self) -> "Convergence":
        check_rising(self.sizes)
        return self

    def scaled(self, scale: Scale) -> "Convergence":
        """Without the sizes above a share of the largest, two left at least, and with a share of the pairs."""
        sizes = lowest_sizes(self.sizes, scale.points, FEWEST_SIZES)
        return self.model_copy(update={"sizes": sizes, "pairs": share_of(self.pairs, scale.pairs, FEWEST_PAIRS)})


class PairsSettings(LandscapeSettings):
    """How many pairs of clouds, and their graph; their size is the name of a part."""

    pairs: int
    cloud: PairedCloud
