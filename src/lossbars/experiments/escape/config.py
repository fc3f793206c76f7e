"""Experiments on the escape from a local minimum: what config.yaml may say. Loads no torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from lossbars.landscapes.specs import Number
from lossbars.recipes import Rate, Recipe, Share
from lossbars.workflow.experiment import Count, ExperimentConfig, ModelConfig, Scale, share_of

FEWEST_STARTS, FEWEST_RATES = 2, 10  # that a small scale leaves


class TwoPoint(Recipe):
    """Value, slope and curvature stated at the local and at the global minimum (Barannikov et al. 2022, appendix D)."""

    kind: Literal["two-point"]
    curvature: Rate
    distance: Rate  # of the two minima
    depth: Rate  # of the global minimum below the local one
    far_curvature: Rate  # of the global minimum


class OnePoint(Recipe):
    """Derivatives of order two to five stated at the local minimum (Barannikov et al. 2022, appendix D)."""

    kind: Literal["one-point"]
    derivatives: Annotated[list[Number], Field(min_length=4, max_length=4)]

    @model_validator(mode="after")
    def _a_minimum(self) -> "OnePoint":
        if not self.derivatives[0] > 0 or not any(self.derivatives[1:]):
            raise ValueError("derivatives: the second must be positive, and one of the others must not be 0")
        return self


class BarLengths(Recipe):
    """Lengths of the local minimum's bar, at equal distances: a polynomial for each."""

    shortest: Rate
    longest: Rate
    number: Annotated[int, Field(ge=4)]  # a curved fit has three coefficients

    @model_validator(mode="after")
    def _in_order(self) -> "BarLengths":
        if not self.shortest < self.longest:
            raise ValueError(f"bars: shortest ({self.shortest:g}) must be below longest ({self.longest:g})")
        return self


class GradientDescent(Recipe):
    """Runs of gradient descent on one polynomial at one learning rate."""

    starts: Annotated[Count, Field(ge=2)]
    radius: Annotated[Share, Field(lt=1)]  # starts are uniform within this share of the distance to the saddle
    steps: Count  # budget
    tolerance: Annotated[Share, Field(lt=0.1)] = 1e-8  # a run has arrived within this share of that distance


class Rates(Recipe):
    """Learning rates at equal distances, as multiples of 2/f'', above which the local minimum does not attract."""

    lowest: Rate
    highest: Rate
    number: Annotated[int, Field(ge=2)]
    precision: Annotated[Share, Field(ge=1e-12)] = 1e-6  # of the smallest escaping rate, relative

    @model_validator(mode="after")
    def _in_order(self) -> "Rates":
        if not self.lowest < self.highest:
            raise ValueError(f"rates: lowest ({self.lowest:g}) must be below highest ({self.highest:g})")
        return self


class TrajectorySettings(Recipe):
    """Which polynomials gradient descent is followed on."""

    family: Annotated[TwoPoint | OnePoint, Field(discriminator="kind")]
    descent: GradientDescent


class RunSettings(TrajectorySettings):
    """Which polynomials gradient descent runs on, and at which learning rates."""

    bars: BarLengths
    rates: Rates


class EscapeModel(RunSettings, ModelConfig):
    """One family of polynomials, of which each bar length picks one."""

    @property
    def runs(self) -> int:
        """Number of runs on the grid: bars times rates times starts."""
        return self.bars.number * self.rates.number * self.descent.starts

    def scaled(self, scale: Scale) -> "EscapeModel":
        """With a share of the starts (by seeds) and of the learning rates (by points)."""
        starts = share_of(self.descent.starts, scale.seeds, FEWEST_STARTS)
        number = share_of(self.rates.number, scale.points, FEWEST_RATES)
        descent = self.descent.model_copy(update={"starts": starts})
        return self.model_copy(update={"descent": descent, "rates": self.rates.model_copy(update={"number": number})})


class Escape(ExperimentConfig):
    """Smallest learning rates at which gradient descent escapes a local minimum, against the length of its bar."""

    shrinks: ClassVar[tuple[str, ...]] = ("seeds", "points")
    shared: ClassVar[tuple[str, ...]] = ("descent", "rates")

    kind: Literal["escape"]
    device: Literal["cpu"] = "cpu"
    figures: list[str] = ["polynomials", "rates", "regimes", "trajectories", "steps"]
    models: dict[str, EscapeModel]
