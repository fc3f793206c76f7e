"""Recipes of a training: the optimiser, its learning rates and its epochs."""

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from lossbars.recipes.base import Amount, Rate, Recipe, yaml_number


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
