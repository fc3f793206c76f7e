"""Small fully connected networks on a few samples, as landscapes: all samples at once, in any precision."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
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
ERRORS: dict[str, Callable[[Tensor], Tensor]] = {  # of differences (n, q, m)
    "mse": lambda e: e.square().mean((1, 2)),
    "l1": lambda e: e.abs().mean((1, 2)),
    "half-square": lambda e: e.square().sum((1, 2)) / (2 * e.shape[2]),  # Tanner's lecture, page 2
}
NUMBERS = 2**18  # hidden units' values of all rows at a time: 2 MiB in float64 stay in the cache


@dataclass(frozen=True)
class Architecture:
    """Layers of a fully connected network: ``hidden`` units, their activation, and the output's.

    Raises ValueError for an unknown activation and a layer without units.
    """

    hidden: tuple[int, ...]
    activation: str
    biases: bool
    output: Literal["identity", "sigmoid"] = "identity"

    def __post_init__(self) -> None:
        for name in (self.activation, self.output):
            if name not in ACTIVATIONS:
                raise ValueError(f"({self.name}): activation {name!r} is not among {', '.join(ACTIVATIONS)}")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"({self.name}): a network needs a hidden layer, and each layer a unit")

    @property
    def name(self) -> str:
        """The hidden layers, as 4×4."""
        return "×".join(map(str, self.hidden))


class Perceptron(Landscape):
    """Loss of the network p → hidden → q on samples x (m, p) and y (m, q), as a function of its flat parameters (d).

    θ holds one layer after another: its weights (out × in, row by row), then its biases where there are any. The loss
    is ``error`` of the differences to y plus weight_decay/2 ‖θ‖², biases included: ``mse`` and ``l1`` are means over
    samples and outputs, ``half-square`` is (2m)⁻¹ Σ ‖ŷ − y‖². Computed in the dtype of θ, few rows at a time, so that
    memory does not grow with n. Raises ValueError for samples that do not fit, an unknown error, a negative decay.
    """

    device = torch.device("cpu")
    dtype = torch.float64  # of the starts that :meth:`init` draws

    def __init__(
        self,
        architecture: Architecture,
        x: Float[Tensor, "m p"],
        y: Float[Tensor, "_ q"],  # m too
        error: str = "mse",
        weight_decay: float = 0.0,
    ) -> None:
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(f"({architecture.name}): {len(x)} inputs and {len(y)} targets")
        if error not in ERRORS:
            raise ValueError(f"({architecture.name}): error {error!r} is not among {', '.join(ERRORS)}")
        if weight_decay < 0:
            raise ValueError(f"({architecture.name}): needs weight_decay ≥ 0, not {weight_decay}")
        self.architecture, self.biases, self.weight_decay = architecture, architecture.biases, weight_decay
        self.hidden, self.name = architecture.hidden, f"({architecture.name})"
        self.activation, self.output = ACTIVATIONS[architecture.activation], ACTIVATIONS[architecture.output]
        self.error = ERRORS[error]
        self.x, self.y = x, y
        self.shapes = [(after, before) for before, after in pairwise((x.shape[1], *self.hidden, y.shape[1]))]
        self.dim = sum(after * (before + self.biases) for after, before in self.shapes)
        self.rows = max(1, NUMBERS // (len(x) * max(self.hidden)))

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """Weights uniform in [−1, 1] and standard normal biases: the code of Freeman & Bruna 2017."""
        parts = []
        for after, before in self.shapes:
            parts.append(2 * torch.rand(n, after * before, generator=generator, dtype=self.dtype) - 1)
            if self.biases:
                parts.append(torch.randn(n, after, generator=generator, dtype=self.dtype))
        return torch.cat(parts, dim=1)

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """Error plus weight_decay/2 ‖θ‖² of every row."""
        return torch.cat([self._loss(rows) for rows in theta.split(self.rows)])

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss of every row and its gradient, by automatic differentiation."""
        parts = [super(Perceptron, self).value_and_gradient(rows, batch) for rows in theta.split(self.rows)]
        return torch.cat([value for value, _ in parts]), torch.cat([gradient for _, gradient in parts])

    def outputs(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n m q"]:
        """The network's outputs on all samples."""
        return self._outputs(theta).transpose(1, 2)

    def _outputs(self, theta: Tensor) -> Tensor:
        """(n, q, m)."""
        (weight, bias), *later = self.layers(theta)
        units = weight @ self.x.to(theta).T + bias  # (n, h, m)
        for weight, bias in later:
            units = torch.bmm(weight, self.activation(units)) + bias
        return self.output(units)

    def _loss(self, theta: Tensor) -> Tensor:
        error = self.error(self._outputs(theta) - self.y.to(theta).T)
        return error + self.weight_decay / 2 * theta.square().sum(1) if self.weight_decay else error

    def layers(self, theta: Float[Tensor, "n d"]) -> list[tuple[Tensor, Tensor | float]]:
        """Weights (n, out, in) and biases (n, out, 1) of each layer; 0.0 for biases that there are not."""
        layers: list[tuple[Tensor, Tensor | float]] = []
        first = 0
        for after, before in self.shapes:
            last = first + after * before
            weight = theta[:, first:last].reshape(-1, after, before)
            first = last + after * self.biases
            layers.append((weight, theta[:, last:first].unsqueeze(-1) if self.biases else 0.0))
        return layers

    def swapped(self, theta: Float[Tensor, "n d"], one: int, other: int) -> Float[Tensor, "n d"]:
        """The same networks with two units of the first hidden layer in each other's place: the same outputs."""
        order = torch.arange(self.hidden[0])
        order[[one, other]] = order[[other, one]]
        copy = theta.clone()
        (first, shift), (second, _), *_ = self.layers(copy)  # views
        first.copy_(first[:, order])
        if isinstance(shift, Tensor):
            shift.copy_(shift[:, order])
        second.copy_(second[:, :, order])
        return copy
