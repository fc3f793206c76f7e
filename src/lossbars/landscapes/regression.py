"""Tiny fully connected networks on a regression task, as landscapes (Barcodes as summary, §4.2, figure 7).

The targets are g(x) = .31 sin(−x) − .72 sin(−2x) − .21 cos x + .89 cos 2x at x = −π + 2πk/100, k = 0..100. The loss is
the mean squared error over these 101 places plus weight_decay/2 ‖θ‖², biases included: the convention of the recipes.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscapes.perceptron import Architecture, Perceptron

PLACES = 101


def target(x: Float[Tensor, " p"]) -> Float[Tensor, " p"]:
    """g(x), the function to be learned; its mean square over the 101 places is about .73."""
    return 0.31 * torch.sin(-x) - 0.72 * torch.sin(-2 * x) - 0.21 * torch.cos(x) + 0.89 * torch.cos(2 * x)


class Regression(Perceptron):
    """Loss of the network 1 → ``hidden`` → 1 as a function of its flat parameters (d), on [−box, box]^d.

    Raises ValueError as :class:`lossbars.landscapes.perceptron.Perceptron`, and for a box without volume.
    """

    def __init__(self, hidden: Sequence[int], activation: str, biases: bool, weight_decay: float, box: float) -> None:
        x = -math.pi + 2 * math.pi * torch.arange(PLACES, dtype=self.dtype) / (PLACES - 1)
        architecture = Architecture(tuple(hidden), activation, biases)
        super().__init__(architecture, x[:, None], target(x)[:, None], "mse", weight_decay)
        if not box > 0:
            raise ValueError(f"{self.name}: needs box > 0, not {box}")
        self.box = ((-float(box), float(box)),) * self.dim

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n uniform places in the box."""
        unit = torch.rand(n, self.dim, generator=generator, dtype=self.dtype)
        return self.box[0][1] * (2 * unit - 1)
