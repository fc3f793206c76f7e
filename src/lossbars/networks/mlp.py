"""Fully connected networks."""

from functools import partial
from itertools import pairwise
from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import MLPSpec

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class MLP(nn.Module):
    """``depth`` hidden layers of ``width`` units (Barannikov et al. 2022, §4.1: ReLU, width 32, depth 2 to 8)."""

    def __init__(self, inputs: tuple[int, ...], outputs: int, depth: int, width: int, activation: str = "relu") -> None:
        super().__init__()
        self.input_dims = len(inputs)
        widths = [prod(inputs), *[width] * depth]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs))

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "... outputs"]:
        return self.layers(x.flatten(-self.input_dims))


def maker(spec: MLPSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(MLP, shape.inputs, shape.outputs, **spec.settings)
