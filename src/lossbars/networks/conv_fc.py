"""Convolutions, then fully connected layers."""

from functools import partial
from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import ConvFCSpec

NEIGHBOURS, STRENGTH, POWER = 9, 1e-3, 0.75  # of local response normalisation; TensorFlow's alpha is .001/9


class ConvFC(nn.Module):
    """The CNNs of Freeman & Bruna 2017, §4.2, which are TensorFlow's tutorials' by the authors' code.

    A 5 × 5 convolution for each of ``channels``, padded by 2, with ReLU and a max pool of stride 2 that halves a side,
    rounded up (over 2 or 3 places, TensorFlow's "same"); then ``hidden`` layers with ReLU and dropout; then a linear
    layer. With ``norm: local-response`` the outputs of the first pool are normalised across channels, and those of each
    later convolution before its pool. Initial values are torch's.

    MNIST's is channels 32, 64, hidden 1024, dropout .5, pools of 2: 3,274,634 parameters. CIFAR10's is channels 64, 64,
    hidden 384, 192, no dropout, pools of 3, normalised: 1,756,426 on whole images.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        outputs: int,
        channels: list[int],
        hidden: list[int],
        dropout: float = 0.5,
        pooling: Literal[2, 3] = 2,
        norm: Literal["none", "local-response"] = "none",
    ) -> None:
        super().__init__()
        if len(inputs) != 3:
            raise ValueError(f"conv-fc takes images, the data set has inputs of shape {tuple(inputs)}")
        self.dropout, self.pooling, self.norm = dropout, pooling, norm
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 5, padding=2) for a, b in pairwise([inputs[0], *channels]))
        height, width = (-(-side // 2 ** len(channels)) for side in inputs[1:])
        widths = [channels[-1] * height * width, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.linear = nn.Linear(widths[-1], outputs)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        for i, convolution in enumerate(self.convolutions):
            x = F.relu(convolution(x))
            x = self._pooled(self._normed(x)) if i else self._normed(self._pooled(x))
        x = x.flatten(1)
        for layer in self.hidden:
            x = F.dropout(F.relu(layer(x)), self.dropout if self.training else 0.0)
        return self.linear(x)

    def _pooled(self, x: Tensor) -> Tensor:
        """Padded as TensorFlow does: an even side at its end, if at all, an odd one by one place at both, if by two."""
        padding = [side % 2 if self.pooling == 3 else 0 for side in x.shape[2:]]
        return F.max_pool2d(x, self.pooling, stride=2, padding=padding, ceil_mode=True)

    def _normed(self, x: Tensor) -> Tensor:
        return x if self.norm == "none" else F.local_response_norm(x, NEIGHBOURS, STRENGTH, POWER, k=1.0)


def maker(spec: ConvFCSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(ConvFC, shape.inputs, shape.outputs, **spec.settings)
