"""LeNet."""

from functools import partial

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import LeNetSpec


class LeNet(nn.Module):
    """Conv(1, 6, 5) Conv(6, 16, 5) Linear 256-120-84-10 on 28 × 28 (Topological obstructions, appendix I)."""

    def __init__(self, inputs: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        if tuple(inputs[1:]) != (28, 28):
            raise ValueError(f"LeNet takes images of 28 x 28 pixels, the data set has inputs of shape {tuple(inputs)}")
        self.conv1 = nn.Conv2d(inputs[0], 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, outputs)

    def forward(self, x: Float[Tensor, "n c 28 28"]) -> Float[Tensor, "n outputs"]:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (n, 6, 12, 12)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (n, 16, 4, 4)
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def maker(_: LeNetSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(LeNet, shape.inputs, shape.outputs)
