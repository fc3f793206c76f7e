"""Residual networks for images of 32 × 32, with and without their shortcuts."""

from functools import partial

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import ResNetSpec


def _convolution(before: int, after: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)


class Block(nn.Module):
    """ReLU(x + BN(Conv(ReLU(BN(Conv(x)))))); without a shortcut the sum is left out, and all else stays."""

    def __init__(self, before: int, after: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.conv1, self.norm1 = _convolution(before, after, 3, stride), nn.BatchNorm2d(after)
        self.conv2, self.norm2 = _convolution(after, after, 3, 1), nn.BatchNorm2d(after)
        self.shortcut: nn.Module | None = None
        if shortcut:
            same = before == after and stride == 1
            self.shortcut = (
                nn.Identity() if same else nn.Sequential(_convolution(before, after, 1, stride), nn.BatchNorm2d(after))
            )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y if self.shortcut is None else y + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet-``depth`` of Barannikov et al. 2022, §6, ``width`` times as wide; ``shortcuts=False`` is its NS variant.

    Three stages of (depth − 2)/6 blocks with 16, 32 and 64 times ``width`` channels, the second and the third
    of half the side (Li et al. 2018, in the form for CIFAR10). As in their code, kernels are Kaiming-normal by their
    inputs, and the last layer's weights normal with standard deviation .001, its biases zero.
    """

    def __init__(
        self, inputs: tuple[int, ...], outputs: int, depth: int, width: int = 1, shortcuts: bool = True
    ) -> None:
        super().__init__()
        if len(inputs) != 3 or min(inputs[1:]) < 4:
            raise ValueError(f"ResNet takes images of 4 x 4 pixels or more, the data set has {tuple(inputs)}")
        channels = 16 * width
        self.conv, self.norm = _convolution(inputs[0], channels, 3, 1), nn.BatchNorm2d(channels)
        blocks = []
        for stage in range(3):
            for i in range((depth - 2) // 6):
                first = stage > 0 and i == 0  # the one that halves the side and doubles the channels
                after = channels * 2**stage
                blocks.append(Block(after // 2 if first else after, after, 2 if first else 1, shortcuts))
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(4 * channels, outputs)
        self.apply(_draw)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        x = F.relu(self.norm(self.conv(x)))  # (n, 16 width, h, w)
        x = self.blocks(x)  # (n, 64 width, h/4, w/4)
        return self.linear(x.mean((2, 3)))


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=1e-3)
        nn.init.zeros_(module.bias)


def maker(spec: ResNetSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(ResNet, shape.inputs, shape.outputs, **spec.settings)
