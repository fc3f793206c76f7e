"""Experiments on convergence: how barcodes of clouds of points converge. Loads no torch."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.landscapes.specs import LandscapeSpec
from lossbars.recipes import Rate, Recipe
from lossbars.workflow.experiment import (
    Count,
    ExperimentConfig,
    Resources,
    Scale,
    check_models,
    share_of,
)


class PairedCloud(Recipe):
    """Uniform points of a box and the graph of their nearest neighbours."""

    sampling: Literal["random"] = "random"
    neighbours: PositiveInt | None = None  # twice the dimension where null (Barannikov et al. 2020, §3)
    cut: Rate = 2.0  # edges longer than cut · N^(−1/D) sides of the box are dropped


class ConvergenceModel(Recipe):
    """One landscape, and the graph of its clouds."""

    landscape: LandscapeSpec
    label: str = ""
    cloud: PairedCloud = PairedCloud()
    resources: Resources = Resources()


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
        check_models(self.models)
        if any(a >= b for a, b in pairwise(self.sizes)):
            raise ValueError(f"sizes: each must be larger than the one before, not {self.sizes}")
        return self

    def scaled(self, scale: Scale) -> "Convergence":
        """Without the sizes above a share of the largest, two left at least, and with a share of the pairs."""
        kept = [size for size in self.sizes if size <= scale.points * self.sizes[-1]]
        sizes = kept if len(kept) >= FEWEST_SIZES else self.sizes[:FEWEST_SIZES]
        return self.model_copy(update={"sizes": sizes, "pairs": share_of(self.pairs, scale.pairs, FEWEST_PAIRS)})
