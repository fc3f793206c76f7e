"""Convolutional networks of one to three layers."""

from functools import partial
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import CNNSpec

POOLS = {1: (8,), 2: (2, 4), 3: (2, 2, 2)}  # after each convolution, so that 4 × 4 places are left of 32 × 32


class CNN(nn.Module):
    """CNN-1-C, CNN-2-C, CNN-3-C on 32 × 32 (Barannikov et al. 2022, tables 2 to 4).

    ``depth`` times Conv(·, C, 5 × 5), BatchNorm if asked, ReLU, MaxPool; then Linear(16 C, outputs). The
    padding of 2, which the tables do not state, is what the sizes of their linear layers need.
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, depth: int, channels: int, batch_norm: bool = False
    ) -> None:
        super().__init__()
        if tuple(inputs[1:]) != (32, 32):
            raise ValueError(f"CNN takes images of 32 x 32 pixels, the data set has inputs of shape {tuple(inputs)}")
        self.pools = POOLS[depth]
        widths = [inputs[0], *[channels] * depth]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 5, padding=2) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(depth if batch_norm else 0))
        self.linear = nn.Linear(16 * channels, outputs)

    def forward(self, x: Float[Tensor, "n c 32 32"]) -> Float[Tensor, "n outputs"]:
        for i, (convolution, pool) in enumerate(zip(self.convolutions, self.pools, strict=True)):
            x = convolution(x)
            if self.norms:
                x = self.norms[i](x)
            x = F.max_pool2d(F.relu(x), pool)
        return self.linear(x.flatten(1))  # (n, channels, 4, 4) before


def maker(spec: CNNSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(CNN, shape.inputs, shape.outputs, **spec.settings)
