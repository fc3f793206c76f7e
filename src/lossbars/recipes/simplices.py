"""Recipes of curves and triangles between minima: their families, their training, where they are measured."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.recipes.base import Amount, Recipe
from lossbars.recipes.convergence import Settle
from lossbars.recipes.descent import Descent


class Bends(Recipe):
    """A curve with ``bends`` free control points, which :data:`lossbars.simplices.families.FAMILIES` blends by kind."""

    name: ClassVar[str]  # what figures and claims call the family

    kind: str
    bends: PositiveInt = 1

    @property
    def label(self) -> str:
        """What figures and claims call the curve."""
        return f"{self.name}, {self.bends} bend{'s' if self.bends > 1 else ''}"


class Chain(Bends):
    """Polygonal chain."""

    name = "chain"
    kind: Literal["chain"]


class Bezier(Bends):
    """Bezier curve."""

    name = "Bezier"
    kind: Literal["bezier"]


CurveFamily = Annotated[Chain | Bezier, Field(discriminator="kind")]


class Grid(Recipe):
    """Where a simplex is evaluated: a uniform grid including its corners, then finer where the maximum may be."""

    points: Annotated[int, Field(ge=2)] = 61  # on a curve; along each side of a triangle
    refinements: Annotated[int, Field(ge=0)] = 2  # rounds, each halving the spacing at the highest places


class Simplices(Descent):
    """Random-t optimisation of simplices, after Garipov et al. 2018."""

    points: PositiveInt = 1  # random points of each simplex in one step (1: Garipov et al.)
    tilt: Amount = 0.0  # β of the objective (1/β) log mean exp(β L(t)); 0 is the mean loss of Garipov et al.

    @model_validator(mode="after")
    def _tilt_needs_points(self) -> "Simplices":
        if self.tilt > 0 and self.points == 1:
            raise ValueError("tilt weighs the points of one step against each other: it needs points > 1")
        return self


Align = Literal["none", "weights"]  # weights: units of a pair's second minimum are permuted to match the first
ALIGNED: dict[Align, str] = {"none": "", "weights": ", aligned"}  # in labels


class Curves(Simplices):
    """A curve for every pair of minima."""

    family: CurveFamily
    align: Align = "none"
    grid: Grid = Grid()
    settle: Settle | None = None  # how the trained curves are brought to convergence; null: they are left as trained

    def scaled(self, factor: float) -> "Curves":
        """With a share of the epochs, and of the passes that bring curves to convergence."""
        return super().scaled(factor).model_copy(update={"settle": self.settle and self.settle.scaled(factor)})

    @property
    def label(self) -> str:
        """What figures and claims call the recipe."""
        return self.family.label + ALIGNED[self.align]


class Triangles(Simplices):
    """A seven-point triangle for every triple of minima (Topological obstructions, appendix I)."""

    sides: Literal["trained", "fixed"]  # regime 1: side centres and centre move; regime 2: the centre alone
    grid: Grid = Grid(points=13, refinements=1)

    @property
    def label(self) -> str:
        """What figures and claims call the recipe."""
        return f"sides {self.sides}, {self.epochs} epochs"


class Robustness(Recipe):
    """Barcodes of subsets of the minima, from the one matrix of curve values."""

    sizes: list[Annotated[int, Field(ge=2)]]
    max_subsets: PositiveInt = 500  # per size; beyond, a random sample of the subsets
