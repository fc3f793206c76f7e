"""The small residual network of the experiments on generalisation."""

from functools import partial
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import ResNet195kSpec


def _convolution(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1)


class Residual(nn.Module):
    """x + Conv(ReLU(Conv(x))), with a ReLU after the sum if asked."""

    def __init__(self, channels: int, relu_after_sum: bool) -> None:
        super().__init__()
        self.first, self.second = _convolution(channels, channels), _convolution(channels, channels)
        self.relu_after_sum = relu_after_sum

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        x = x + self.second(F.relu(self.first(x)))
        return F.relu(x) if self.relu_after_sum else x


class ResNet195k(nn.Module):
    """The ResNet of Barannikov et al. 2022, §5 and table 5, on images of 32 × 32 or a little less.

    ``layers``: ``text`` has the 195,210 parameters that the text states, ``table`` one Conv(64, 64) more (x⁶ of
    the table), 232,138. The last ``pooling`` is over all places that are left, so that BatchNorm(64) and
    Linear(64, outputs) fit. ``init``: torch's own, or Kaiming-normal weights and biases of 0.01.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        layers: Literal["text", "table"] = "text",
        relu_after_sum: bool = False,
        pooling: Literal["max", "average"] = "max",
        init: Literal["default", "kaiming"] = "default",
    ) -> None:
        super().__init__()
        if len(inputs) != 3 or min(inputs[1:]) < 8:
            raise ValueError(f"ResNet195k takes images of 8 x 8 pixels or more, the data set has {tuple(inputs)}")
        widths = [inputs[0], 16, 32, 64]
        self.convolutions = nn.ModuleList(_convolution(widths[i], widths[i + 1]) for i in range(3))
        if layers == "table":
            self.convolutions.append(_convolution(64, 64))
        self.residuals = nn.ModuleList(Residual(width, relu_after_sum) for width in (16, 32, 64, 64))
        self.norm = nn.BatchNorm1d(64)
        self.linear = nn.Linear(64, outputs)
        self.pool = F.max_pool2d if pooling == "max" else F.avg_pool2d
        if init == "kaiming":
            self.apply(_kaiming)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        for i, residual in enumerate(self.residuals):  # of 16, 32, 64, 64 channels
            if i > 0:
                x = F.max_pool2d(x, 2)
            if i < len(self.convolutions):
                x = F.relu(self.convolutions[i](x))
            x = residual(x)
        x = self.pool(x, x.shape[2:]).flatten(1)  # (n, 64), of 4 × 4 places where the image has 32 × 32
        return self.linear(self.norm(x))


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.constant_(module.bias, 0.01)  # type: ignore[arg-type]  # none here is without a bias


def maker(spec: ResNet195kSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(ResNet195k, shape.inputs, shape.outputs, **spec.settings)
