"""Networks whose units may change places: residual blocks, tied layers; and their flat parameters."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_networks import CLASSES


class Block(nn.Module):
    """conv-BN-ReLU twice, beside a shortcut: strided, by a convolution of 1 × 1 and BatchNorm, or the identity."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        out += self.shortcut(x)
        return F.relu(out)


class PreActivation(Block):
    """BN-ReLU-conv twice; the shortcut leaves after the first activation where it is a convolution."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, stride)
        self.bn1, self.dropout = nn.BatchNorm2d(before), nn.Dropout(0.3)
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if len(self.shortcut) else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = torch.relu(self.bn1(x))
        kept = x if isinstance(self.shortcut, nn.Identity) else self.shortcut(out)
        return kept + self.conv2(self.dropout(self.bn2(self.conv1(out)).relu()))


class Residual(nn.Module):
    """Stem, an identity block, a strided one, mean over places, and a linear layer."""

    def __init__(self, block: type[Block], mean: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.one, self.two = block(4, 4, 1), block(4, 6, 2)
        self.linear, self.mean = nn.Linear(6, CLASSES), mean

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.mean(self.two(self.one(F.relu(self.bn(self.conv(x)))))))


class Tied(nn.Module):
    """One matrix for two layers: units before and after it are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(64, 5), nn.Linear(5, 5), nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.first(x.view(len(x), -1)))
        return self.last(torch.tanh(self.shared(torch.tanh(self.shared(x)))))


def inputs(*shape: int) -> Tensor:
    return torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))


def flat(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])
