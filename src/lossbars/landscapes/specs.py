"""Landscapes without data that a configuration may name. Loads no torch."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from lossbars.recipes import Amount, Rate, Recipe, yaml_number
from lossbars.user_files import split_source

Number = Annotated[float, BeforeValidator(yaml_number)]
Side = Annotated[list[Number], Field(min_length=2, max_length=2)]  # low and high
Sides = Annotated[list[Side], Field(min_length=1)]  # one of each coordinate


def _check_sides(box: Sequence[Sequence[float]] | None) -> None:
    for low, high in box or ():
        if not low < high:
            raise ValueError(f"box: a side needs low < high, not [{low:g}, {high:g}]")


Plane = Literal["six_hump_camel", "mueller_brown", "himmelblau", "langermann", "wavy", "holder_table"]
AnyDimension = Literal["alpine01", "schwefel26", "xin_she_yang04", "rastrigin", "bent_double_well"]


class Stated(Recipe):
    """A landscape that a configuration states."""

    modules: ClassVar[tuple[str, ...]] = ()  # on which results on it depend, beside what all landscapes share


class FunctionSpec(Stated):
    """A benchmark function of :mod:`lossbars.functions.benchmarks`, on its own box or on another."""

    modules = ("lossbars.functions.benchmarks",)
    kind: Literal["function"]
    name: Literal[Plane, AnyDimension]
    dim: PositiveInt | None = None  # of those that are defined in every dimension
    box: Sides | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "FunctionSpec":
        if self.name in get_args(AnyDimension) and self.dim is None:
            raise ValueError(f"{self.name} is defined in every dimension: it needs dim")
        if self.name in get_args(Plane) and self.dim not in (None, 2):
            raise ValueError(f"{self.name} is a function of two coordinates: dim cannot be {self.dim}")
        _check_sides(self.box)
        if self.box and len(self.box) != self.dimension:
            raise ValueError(f"box: {len(self.box)} sides, where {self.name} has {self.dimension} coordinates")
        return self

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.dim or 2


def parameters(widths: Sequence[int], biases: bool) -> int:
    """Of a fully connected network."""
    return sum(a * b for a, b in pairwise(widths)) + biases * sum(widths[1:])


class RegressionSpec(Stated):
    """A tiny network that is fitted to a curve (Barannikov et al. 2020, Barcodes as summary, §4.2)."""

    modules = ("lossbars.landscapes.regression", "lossbars.landscapes.perceptron")
    kind: Literal["regression"]
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]  # units of each hidden layer
    activation: Literal["relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "sine"]
    biases: bool
    weight_decay: Amount
    box: Rate  # half of the side of the cube of weights

    @property
    def dimension(self) -> int:
        """Number of weights, and of biases where there are any."""
        return parameters([1, *self.hidden, 1], self.biases)


class PerceptronSpec(Stated):
    """A small fully connected network on a task of :mod:`.toy_data`, all of whose samples are used at once."""

    modules = ("lossbars.landscapes.perceptron", "lossbars.landscapes.toy_data")
    kind: Literal["perceptron"]
    task: Literal["quadratic", "cubic", "permuted-points"]
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]  # units of each hidden layer
    activation: Literal["identity", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "sine"]
    output: Literal["identity", "sigmoid"] = "identity"
    biases: bool
    error: Literal["mse", "l1", "half-square"] = "mse"
    weight_decay: Amount = 0.0
    box: Rate  # half of the side of the cube of weights

    @property
    def dimension(self) -> int:
        """Number of weights, and of biases where there are any."""
        ends = 2 if self.task == "permuted-points" else 1
        return parameters([ends, *self.hidden, ends], self.biases)


class CustomLandscape(Stated):
    """A user's own: ``source`` is ``path/to/file.py:name``, a landscape or a function that returns one."""

    kind: Literal["custom"]
    source: str
    box: Sides

    @model_validator(mode="after")
    def _file_and_name(self) -> "CustomLandscape":
        split_source(self.source, "landscape")
        _check_sides(self.box)
        return self

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.box)


AnyLandscape = FunctionSpec | RegressionSpec | PerceptronSpec | CustomLandscape
LandscapeSpec = Annotated[AnyLandscape, Field(discriminator="kind")]
