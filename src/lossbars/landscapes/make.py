"""The landscape that a configuration names, and its box."""

from collections.abc import Callable, Iterator, Sequence
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

PLANE: dict[str, Function] = {
    "six_hump_camel": functions.six_hump_camel,
    "mueller_brown": functions.mueller_brown,
    "himmelblau": functions.himmelblau,
    "langermann": functions.langermann,
    "wavy": functions.wavy,
    "holder_table": functions.holder_table,
}
ANY_DIMENSION: dict[str, Callable[[int], Function]] = {
    "alpine01": functions.alpine01,
    "schwefel26": functions.schwefel26,
    "xin_she_yang04": functions.xin_she_yang04,
    "rastrigin": functions.rastrigin,
    "bent_double_well": functions.bent_double_well,
}


def make_landscape(spec: AnyLandscape) -> tuple[Landscape, Box]:
    """The landscape, and the box on which its barcode is asked for.

    Raises ValueError, naming the file, for a user's landscape that cannot be used.
    """
    match spec:
        case FunctionSpec():
            found = ANY_DIMENSION[spec.name](spec.dimension) if spec.name in ANY_DIMENSION else PLANE[spec.name]
            own = replace(found, box=_sides(spec.box)) if spec.box else found
            return own, own.box
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
    found = load_object(spec.source, "landscape")
    if isinstance(found, type) or not hasattr(found, "loss"):
        if not callable(found):
            raise ValueError(
                f"landscape {spec.source!r}: neither has a loss nor is a function that returns a landscape"
            )
        found = found()
    if not callable(getattr(found, "loss", None)) or not isinstance(getattr(found, "dim", None), int):
        raise ValueError(f"landscape {spec.source!r}: needs dim, a whole number, and a function loss")
    if found.dim != len(spec.box):
        raise ValueError(f"landscape {spec.source!r} has {found.dim} coordinates, and its box {len(spec.box)} sides")
    return found if isinstance(found, Landscape) else UserLandscape(found, _sides(spec.box))


class UserLandscape(Landscape):
    """An object with ``dim`` and ``loss`` alone: gradients by automatic differentiation, starts uniform in the box."""

    def __init__(self, own: Any, box: Box) -> None:
        self.own, self.box = own, box
        self.dim, self.device = own.dim, torch.device("cpu")

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n uniform places in the box."""
        low, high = torch.tensor(self.box, dtype=torch.float64).unbind(-1)
        return low + (high - low) * torch.rand(n, self.dim, generator=generator, dtype=torch.float64)

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:  # noqa: ARG002 (no batches)
        """A single None: there is no data."""
        yield None

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """What the user's ``loss`` says of each row. Raises ValueError where that is of another shape."""
        value = self.own.loss(theta)
        if not isinstance(value, Tensor) or value.shape != theta.shape[:1]:
            raise ValueError(f"loss of {type(self.own).__name__}: must return a tensor, one value for each row")
        return value
