"""Wide residual networks with pre-activation (Zagoruyko and Komodakis 2016)."""

from functools import partial
from math import sqrt

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import WideResNetSpec


class Block(nn.Module):
    """x + Conv(ReLU(BN(Conv(ReLU(BN(x)))))), the first x through a 1 × 1 convolution where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, stride, padding=1)
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        y = self.conv1(F.relu(self.norm1(x)))
        return self.conv2(F.relu(self.norm2(y))) + self.shortcut(x)


class WideResNet(nn.Module):
    """WideResNet-``depth``×``width`` of Barannikov et al. 2022, §8, as Garipov et al. 2018 have it.

    Three stages of (depth − 4)/6 blocks with 16, 32 and 64 times ``width`` channels, behind a convolution of 16.
    Convolutions have biases; their weights are Xavier-uniform with gain √2, their biases zero at the start.
    """

    def __init__(self, inputs: tuple[int, ...], outputs: int, depth: int = 16, width: int = 10) -> None:
        super().__init__()
        if len(inputs) != 3 or min(inputs[1:]) < 4:
            raise ValueError(f"WideResNet takes images of 4 x 4 pixels or more, the data set has {tuple(inputs)}")
        self.conv = nn.Conv2d(inputs[0], 16, 3, padding=1)
        blocks, before = [], 16
        for stage in range(3):
            after = 16 * width * 2**stage
            for i in range((depth - 4) // 6):
                blocks.append(Block(before, after, 2 if stage > 0 and i == 0 else 1))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.norm, self.linear = nn.BatchNorm2d(before), nn.Linear(before, outputs)
        self.apply(_draw)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        x = self.blocks(self.conv(x))  # (n, 64 width, h/4, w/4)
        return self.linear(F.relu(self.norm(x)).mean((2, 3)))


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight, gain=sqrt(2))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def maker(spec: WideResNetSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(WideResNet, shape.inputs, shape.outputs, **spec.settings)
