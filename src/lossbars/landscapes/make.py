"""The landscape that a configuration names, and its box."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.functions import benchmarks as functions
from lossbars.functions.benchmarks import Function
from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.regression import Regression
from lossbars.landscapes.specs import AnyLandscape, CustomLandscape, FunctionSpec, PerceptronSpec, RegressionSpec
from lossbars.landscapes.toy_data import TASKS
from lossbars.user_files import load_object

Box = tuple[tuple[float, float], ...]  # low and high of each coordinate


def make_landscape(spec: AnyLandscape) -> tuple[Landscape, Box]:
    """The landscape, and the box on which its barcode is asked for.

    Raises ValueError, naming the file, for a user's landscape that cannot be used.
    """
    match spec:
        case FunctionSpec():
            function = getattr(functions, spec.name)
            if not isinstance(function, Function):  # defined in every dimension
                function = function(spec.dimension)
            if spec.box:
                function = replace(function, box=_sides(spec.box))
            return function, function.box
        case RegressionSpec():
            net = Regression(tuple(spec.hidden), spec.activation, spec.biases, spec.weight_decay, spec.box)
            return net, net.box
        case PerceptronSpec():
            architecture = Architecture(tuple(spec.hidden), spec.activation, spec.biases, spec.output)
            small = Perceptron(architecture, *TASKS[spec.task](), spec.error, spec.weight_decay)
            return small, ((-spec.box, spec.box),) * small.dim
        case CustomLandscape():
            return _custom(spec), _sides(spec.box)


def _sides(box: Sequence[Sequence[float]]) -> Box:
    return tuple((low, high) for low, high in box)


def _custom(spec: CustomLandscape) -> Landscape:
    """The user's object, or what the user's function returns."""
    landscape = load_object(spec.source, "landscape")
    if isinstance(landscape, type) or not hasattr(landscape, "loss"):
        if not callable(landscape):
            raise ValueError(
                f"landscape {spec.source!r}: neither has a loss nor is a function that returns a landscape"
            )
        landscape = landscape()
    if not callable(getattr(landscape, "loss", None)) or not isinstance(getattr(landscape, "dim", None), int):
        raise ValueError(f"landscape {spec.source!r}: needs dim, a whole number, and a function loss")
    if landscape.dim != len(spec.box):
        raise ValueError(
            f"landscape {spec.source!r} has {landscape.dim} coordinates, and its box {len(spec.box)} sides"
        )
    return landscape if isinstance(landscape, Landscape) else UserLandscape(landscape, _sides(spec.box))


class UserLandscape(Landscape):
    """An object with ``dim`` and ``loss`` alone: gradients by automatic differentiation, starts uniform in the box."""

    def __init__(self, wrapped: Any, box: Box) -> None:
        self.wrapped, self.box = wrapped, box
        self.dim, self.device = wrapped.dim, torch.device("cpu")

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n uniform places in the box."""
        low, high = torch.tensor(self.box, dtype=torch.float64).unbind(-1)
        return low + (high - low) * torch.rand(n, self.dim, generator=generator, dtype=torch.float64)

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """The user's ``loss`` of every row. Raises ValueError for a result of another shape."""
        value = self.wrapped.loss(theta)
        if not isinstance(value, Tensor) or value.shape != theta.shape[:1]:
            raise ValueError(f"loss of {type(self.wrapped).__name__}: must return a tensor, one value for each row")
        return value
