"""Small networks of every kind, and what plain PyTorch says of them: no code of the landscape is used here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.mlp import MLP

CPU = torch.device("cpu")
SHAPE, CLASSES = (1, 8, 8), 4
Make = Callable[[], nn.Module]


class Conv(nn.Module):
    """LeNet in small: two convolutions and pooling, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3)
        self.fc1, self.fc2 = nn.Linear(4, 5), nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Norm(nn.Module):
    """BatchNorm twice, the second on what the first gives."""

    def __init__(self, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.conv, self.norm1 = nn.Conv2d(1, 3, 3, stride=2, bias=False), nn.BatchNorm2d(3, momentum=momentum)
        self.fc1, self.norm2 = nn.Linear(27, 6), nn.BatchNorm1d(6, momentum=momentum)
        self.fc2 = nn.Linear(6, CLASSES)
        self.register_buffer("tint", torch.full((1,), 0.5))  # a buffer that is no statistic

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv(x - self.tint)))
        return self.fc2(F.relu(self.norm2(self.fc1(x.flatten(1)))))


class Dropped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(64, 12), nn.Dropout(0.5), nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.drop(F.relu(self.fc1(x.flatten(1)))))


class HiddenDropout(Dropped):
    """Dropout that no layer shows."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.dropout(F.relu(self.fc1(x.flatten(-3))), 0.5, self.training))


class Between(nn.Module):
    """Linear layers with something between them that may mean another thing with an axis more."""

    between = staticmethod(torch.relu)

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 5), nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.between(self.fc1(x.flatten(-3))))


class SoftmaxOverUnits(Between):
    between = staticmethod(lambda x: F.softmax(x, dim=1))


class CentredOverBatch(Between):
    between = staticmethod(lambda x: x - x.mean(0))


class SortedUnits(Between):
    between = staticmethod(lambda x: x.sort(1).values)


class FlattenedFromOne(Between):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


class CentredInputs(Between):
    """As alone where all networks share a batch, another thing where each has its own."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


class OtherwiseInTraining(Between):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.training else 2 * x)


class OwnScale(Between):
    """A parameter that belongs to no linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((5,), 1.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.scale * torch.tanh(self.fc1(x.flatten(-3))))


def mlp() -> nn.Module:
    return MLP(SHAPE, CLASSES, depth=2, width=6)


NETWORKS: dict[str, Make] = {"mlp": mlp, "conv": Conv, "norm": Norm, "dropout": Dropped}
SMOOTH = ("mlp", "conv", "norm")  # without a random mask
LOOPED: list[Make] = [
    SoftmaxOverUnits,
    CentredOverBatch,
    SortedUnits,
    FlattenedFromOne,
    CentredInputs,
    OwnScale,
]  # cannot be stacked


def data(m: int = 24, seed: int = 0, regression: bool = False) -> Split:
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(m, *SHAPE, generator=g)
    return Split(x, torch.randn(m, CLASSES, generator=g) if regression else torch.randint(CLASSES, (m,), generator=g))


def landscape(make: Make, split: Split | None = None, batch_size: int = 8, **settings: str) -> NetworkLandscape:
    return NetworkLandscape(make, split or data(), batch_size, CPU, **settings)


def starts(of: NetworkLandscape, n: int = 3, seed: int = 5) -> Tensor:
    """n starts away from the initial values, so that BatchNorm's scales and shifts are no ones and zeros."""
    g = torch.Generator().manual_seed(seed)
    theta = of.init(n, g)
    return theta + 0.1 * torch.randn(theta.shape, generator=g)


def loaded(make: Make, theta: Tensor, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A module of its own with the parameters of one row."""
    module = make().to(dtype)
    place = 0
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(theta[place : place + parameter.numel()].view_as(parameter))
            place += parameter.numel()
    assert place == len(theta)
    return module


def criterion(output: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(output, y.to(output.dtype)) if y.is_floating_point() else F.cross_entropy(output, y)


def value_and_gradient(module: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Loss and flat gradient of a module in whatever mode it is."""
    dtype = next(module.parameters()).dtype
    loss = criterion(module(x.to(dtype)), y)
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    return loss.detach(), torch.cat([g.reshape(-1) for g in gradients])


def norms(module: nn.Module) -> list[nn.Module]:
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]


@contextmanager
def _inputs_of(modules: list[nn.Module]) -> Iterator[dict[nn.Module, list[Tensor]]]:
    seen: dict[nn.Module, list[Tensor]] = {m: [] for m in modules}
    hooks = [m.register_forward_pre_hook(lambda m, args: seen[m].append(args[0].detach())) for m in modules]
    yield seen
    for hook in hooks:
        hook.remove()


def set_statistics(module: nn.Module, x: Tensor, batch: int) -> nn.Module:
    """Evaluation mode, with each BatchNorm's mean and unbiased variance, weighted by the sizes of the batches."""
    layers = norms(module)
    for layer in layers:
        layer.train()
    with _inputs_of(layers) as seen, torch.no_grad():
        for first in range(0, len(x), batch):
            module(x[first : first + batch].double())
    for layer in layers:
        sizes = [min(batch, len(x) - first) for first in range(0, len(x), batch)]
        flat = [a.transpose(0, 1).flatten(1) for a in seen[layer]]  # (channels, samples · places)
        layer.running_mean = sum(s * a.mean(1) for s, a in zip(sizes, flat, strict=True)) / len(x)
        layer.running_var = sum(s * a.var(1) for s, a in zip(sizes, flat, strict=True)) / len(x)
    return module.eval()


def record(
    make: Make, theta: Tensor, train: Split, batch: int = 1000, on: Split | None = None
) -> tuple[Tensor, Tensor]:
    """The loss of record and its gradient, statistics held, on the training set or another."""
    on = on or train
    return value_and_gradient(set_statistics(loaded(make, theta).eval(), train.x, batch), on.x, on.y)
