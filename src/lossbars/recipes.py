"""Recipes: how minima, curves and triangles are trained and measured.

Every class is a frozen record built as ``Recipe(**mapping)``. An unknown key or a value of the wrong
type is an error that names the key and its place. This module loads no torch, so that the workflow can
use it while it plans.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)


def yaml_number(value: Any) -> Any:
    """YAML 1.1 reads ``1e-3`` as text; a person means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Rate = Annotated[PositiveFloat, BeforeValidator(yaml_number)]
Amount = Annotated[NonNegativeFloat, BeforeValidator(yaml_number)]
Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(yaml_number)]


class Recipe(BaseModel):
    """Base of all recipes: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# Learning-rate schedules -------------------------------------------------------------------------


class Constant(Recipe):
    """The same learning rate throughout, S(lr) in Barannikov et al. 2022, appendix F."""

    kind: Literal["constant"]
    lr: Rate


class Cyclical(Recipe):
    """Smith's triangular cycles: lr_min up to lr_max and back, ``cycles`` times over the training.

    ``decay`` multiplies the amplitude after each cycle (Smith's "triangular2" is 0.5).
    """

    kind: Literal["cyclical"]
    lr_max: Rate
    lr_min: Rate
    cycles: PositiveInt = 1
    decay: Annotated[float, Field(gt=0, le=1)] = 1.0


class Ramp(Recipe):
    """S(m1, m2, lr_max, lr_min) of Barannikov et al. 2022, appendix F; m1 and m2 are epochs."""

    kind: Literal["ramp"]
    m1: NonNegativeFloat
    m2: NonNegativeFloat
    lr_max: Rate
    lr_min: Rate

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.m2 < self.m1:
            raise ValueError(f"m2 ({self.m2}) must not be below m1 ({self.m1})")
        return self


class Garipov(Recipe):
    """lr to half of the epochs, linear down to lr/100 at 0.9, then flat (experiments of Garipov et al.)."""

    kind: Literal["garipov"]
    lr: Rate


class Steps(Recipe):
    """lr, times ``factor`` from each of the epochs ``at`` on (Li et al. 2018: .1 from 150, 225 and 275 of 300)."""

    kind: Literal["steps"]
    lr: Rate
    at: Annotated[list[PositiveFloat], Field(min_length=1)]
    factor: Annotated[float, Field(gt=0, lt=1), BeforeValidator(yaml_number)] = 0.1

    @model_validator(mode="after")
    def _ordered(self) -> "Steps":
        if self.at != sorted(set(self.at)):
            raise ValueError(f"at: the epochs {self.at} must rise")
        return self


Schedule = Annotated[Constant | Cyclical | Ramp | Garipov | Steps, Field(discriminator="kind")]


# Inputs ------------------------------------------------------------------------------------------

Channels = Annotated[list[Annotated[float, BeforeValidator(yaml_number)]], Field(min_length=1)]


class Normalisation(Recipe):
    """(x − mean)/std of each channel; images count from 0 to 1."""

    mean: Channels
    std: Channels

    @model_validator(mode="after")
    def _consistent(self) -> "Normalisation":
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} channels, std {len(self.std)}")
        if min(self.std) <= 0:
            raise ValueError(f"std: {self.std} must be above zero")
        return self

    @property
    def black(self) -> list[float]:
        """What zero becomes."""
        return [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]


# Descents ----------------------------------------------------------------------------------------


AnyDescent = TypeVar("AnyDescent", bound="Descent")


class Descent(Recipe):
    """How variables are moved downhill; shared by minima, curves and triangles."""

    optimiser: Literal["sgd", "adam", "adamw"]
    schedule: Schedule
    epochs: PositiveInt  # passes over the data; steps, where the landscape has no data
    batch_size: PositiveInt = 128
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # SGD only
    nesterov: bool = False  # SGD only
    clip: Rate | None = None  # largest norm of the gradient by which a network (a control point) is moved
    weight_decay: Amount = 0.0  # adds weight_decay/2 ‖θ‖² to the training loss, never to the loss of record
    # adamw's is no part of the loss: each step takes lr · weight_decay of every variable off it

    @property
    def penalty(self) -> float:
        """λ of the term λ/2 ‖θ‖² in the training loss."""
        return 0.0 if self.optimiser == "adamw" else self.weight_decay

    @property
    def label(self) -> str:
        """What figures and claims call the recipe; empty where nothing needs to be told apart."""
        return ""

    def scaled(self: AnyDescent, factor: float) -> AnyDescent:
        """With a share of the epochs, one at least; epochs that the schedule names shrink too."""
        schedule = self.schedule
        if isinstance(schedule, Ramp):
            schedule = schedule.model_copy(update={"m1": schedule.m1 * factor, "m2": schedule.m2 * factor})
        elif isinstance(schedule, Steps):
            schedule = schedule.model_copy(update={"at": [epoch * factor for epoch in schedule.at]})
        return self.model_copy(update={"epochs": max(1, round(self.epochs * factor)), "schedule": schedule})


class Minima(Descent):
    """Start → minimum."""


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


def middles(intervals: int, number: int) -> int:
    """How many intervals of a curve a round of refinement halves; ``number`` counts from 1.

    The first round looks at a third of them: at several peaks, and where a spike may be hidden.
    """
    return min(intervals, max(4, (intervals + 1) // 3) if number == 1 else 4)


def peaks(number: int) -> int:
    """Around how many peaks of a triangle a round of refinement looks, at six places each."""
    return 4 if number == 1 else 2


def refined(intervals: int, refinements: int) -> int:
    """How many places all rounds of refinement add to a curve of so many intervals."""
    added = 0
    for number in range(1, refinements + 1):
        added += middles(intervals + added, number)
    return added


class Polish(Recipe):
    """How trained minima are brought to convergence on the objective: quasi-Newton, on the whole training set.

    A pass is one gradient of the objective over the whole training set.
    """

    passes: PositiveInt = 3000  # most, for each minimum
    precision: Literal["float32", "float64"] = "float64"  # of θ and its gradients
    gradient: Rate | None = None  # norm at which a minimum has converged; None: 1e-8 in float64, 1e-5 in float32
    fall: Amount = 1e-8  # as a share of the objective: a fall over the last doubling of passes that is the end; 0: none
    history: PositiveInt = 100  # pairs of L-BFGS; each is 2 d numbers for each minimum
    preconditioner: Literal["auto", "none", "kfac"] = "auto"  # kfac: inverse K-FAC matrix; auto: where units are smooth
    rebuild: PositiveInt = 100  # passes between two K-FAC matrices

    @property
    def tolerance(self) -> float:
        """Norm of the gradient at which a minimum has converged."""
        return self.gradient or {"float32": 1e-5, "float64": 1e-8}[self.precision]

    def scaled(self, factor: float) -> "Polish":
        """With a share of the passes, one at least."""
        return self.model_copy(update={"passes": max(1, round(self.passes * factor))})


class Curvature(Recipe):
    """How the least eigenvalue of the Hessian of the objective is found at each minimum.

    A product of the Hessian with a vector, over the whole training set, costs two to four gradients: about two where
    the gradients of all samples can be kept with their graphs. Where they cannot, a quarter of the products is made.
    """

    products: PositiveInt = 100  # most, at each minimum; with as many as there are parameters all eigenvalues are found

    def scaled(self, factor: float) -> "Curvature":
        """With a share of the products, one at least."""
        return self.model_copy(update={"products": max(1, round(self.products * factor))})


class Settle(Recipe):
    """How curves are brought to convergence: quasi-Newton on their control points, over the whole training set.

    A pass is one gradient of the objective over the whole training set at one place of a curve.
    """

    passes: PositiveInt = 2400  # of each curve
    places: Annotated[int, Field(ge=3)] = 12  # of each curve, at fixed equal distances
    tilt: Rate = 5.0  # β of the smooth maximum, times the distance from a curve's mean to its maximum
    history: PositiveInt = 20  # pairs of L-BFGS
    precision: Literal["float32", "float64"] = "float64"

    def round(self, rounds: int) -> "Polish":
        """The descent of one of so many rounds."""
        steps = max(1, self.passes // (rounds * self.places))
        return Polish(
            passes=steps,
            precision=self.precision,
            history=self.history,
            preconditioner="none",
            fall=0.0,
            gradient=1e-12,
        )

    def scaled(self, factor: float) -> "Settle":
        """With a share of the passes."""
        return self.model_copy(update={"passes": max(1, round(self.passes * factor))})


class Descents(Recipe):
    """Descents from places on optimised curves, which find minima that were not given: the ``closed`` barcode.

    ``lowest``: from the lowest place of every curve that is somewhere below both of its ends. ``dips``: from every
    local minimum along the lowest curve of each pair.
    """

    places: Literal["lowest", "dips"] = "lowest"
    depth: Share = 0.02  # of a dip below the humps beside it, as a share of the curve's climb
    passes: PositiveInt = 100  # of each descent: gradients of the objective over the whole training set
    precision: Literal["float32", "float64"] = "float32"
    rounds: PositiveInt = 1  # of descents; before each further one, the pieces of curves are optimised
    pieces: PositiveInt = 600  # passes of each piece in such an optimisation

    @property
    def settling(self) -> Settle:
        """How pieces of curves are optimised."""
        return Settle(passes=self.pieces, places=24, precision=self.precision)

    @property
    def descent(self) -> Polish:
        """One descent."""
        return Polish(passes=self.passes, precision=self.precision, history=20)

    def scaled(self, factor: float) -> "Descents":
        """With a share of the passes, one at least."""
        fewer = {name: max(1, round(getattr(self, name) * factor)) for name in ("passes", "pieces")}
        return self.model_copy(update=fewer)


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
