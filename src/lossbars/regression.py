"""Tiny fully connected networks on a regression task, as landscapes (function-barcodes.txt, section 4.2, figure 7).

The targets are g(x) = .31 sin(−x) − .72 sin(−2x) − .21 cos x + .89 cos 2x at x = −π + 2πk/100, k = 0..100. The loss is
the mean squared error over these 101 places plus weight_decay/2 ‖θ‖², biases included: the convention of the recipes.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky-relu": F.leaky_relu,  # slope 0.01 below zero
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "sine": torch.sin,
}
PLACES = 101
ROWS = 1024  # at a time: the units' values at all places, some MB in float64, stay in the cache


def target(x: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """g(x), the function to be learned; its mean square over the 101 places is about .73."""
    return 0.31 * torch.sin(-x) - 0.72 * torch.sin(-2 * x) - 0.21 * torch.cos(x) + 0.89 * torch.cos(2 * x)


class Regression(Landscape):
    """Loss of the network 1 → ``hidden`` → 1 as a function of its flat parameters (d), on [−box, box]^d.

    θ holds one layer after another: its weights (out × in, row by row), then its biases where there are any; the
    output is linear. Computed in the dtype of θ, ``ROWS`` rows at a time, so that memory does not grow with n.
    Raises ValueError for an unknown activation, a layer without units, a box without volume, a negative weight decay.
    """

    device = torch.device("cpu")
    dtype = torch.float64  # of the starts that :meth:`init` draws

    def __init__(self, hidden: Sequence[int], activation: str, biases: bool, weight_decay: float, box: float) -> None:
        self.name = f"({'×'.join(map(str, hidden))})"
        if activation not in ACTIVATIONS:
            raise ValueError(f"{self.name}: activation {activation!r} is not among {', '.join(ACTIVATIONS)}")
        if not hidden or min(hidden) < 1:
            raise ValueError(f"{self.name}: a network needs a hidden layer, and each layer a unit")
        if not (box > 0 and weight_decay >= 0):
            raise ValueError(f"{self.name}: needs box > 0 and weight_decay ≥ 0, not {box} and {weight_decay}")
        self.hidden, self.biases, self.weight_decay = tuple(hidden), biases, weight_decay
        self.activation = ACTIVATIONS[activation]
        self.shapes = [(after, before) for before, after in pairwise((1, *hidden, 1))]
        self.dim = sum(after * (before + biases) for after, before in self.shapes)
        self.box = ((-float(box), float(box)),) * self.dim
        self.x = -math.pi + 2 * math.pi * torch.arange(PLACES, dtype=self.dtype) / (PLACES - 1)
        self.y = target(self.x)

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n uniform places in the box."""
        unit = torch.rand(n, self.dim, generator=generator, dtype=self.dtype)
        return self.box[0][1] * (2 * unit - 1)

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:  # noqa: ARG002 (no batches)
        """A single None: all places are used at once."""
        yield None

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """Mean squared error plus weight_decay/2 ‖θ‖² of every row, outside the box too."""
        return torch.cat([self._loss(rows) for rows in theta.split(ROWS)])

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss of every row and its gradient, by automatic differentiation."""
        parts = [super(Regression, self).value_and_gradient(rows, batch) for rows in theta.split(ROWS)]
        return torch.cat([value for value, _ in parts]), torch.cat([gradient for _, gradient in parts])

    def outputs(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n 101"]:
        """The network's outputs at all places."""
        (weight, bias), *later = self._layers(theta)
        units = weight * self.x.to(theta) + bias  # (n, h, 101)
        for weight, bias in later:
            units = torch.bmm(weight, self.activation(units)) + bias
        return units.squeeze(1)

    def _loss(self, theta: Tensor) -> Tensor:
        error = (self.outputs(theta) - self.y.to(theta)).square().mean(1)
        return error + self.weight_decay / 2 * theta.square().sum(1) if self.weight_decay else error

    def _layers(self, theta: Tensor) -> list[tuple[Tensor, Tensor | float]]:
        """Weights (n, out, in) and biases (n, out, 1) of each layer; 0.0 for biases that there are not."""
        layers: list[tuple[Tensor, Tensor | float]] = []
        first = 0
        for after, before in self.shapes:
            last = first + after * before
            weight = theta[:, first:last].reshape(-1, after, before)
            first = last + after * self.biases
            layers.append((weight, theta[:, last:first].unsqueeze(-1) if self.biases else 0.0))
        return layers
