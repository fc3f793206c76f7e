"""Which networks are known to be smooth functions of their parameters."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.landscapes.network.smoothness import not_smooth


class Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.softplus(self.layer(x)) * 0.5


def chain(*units: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), *units, nn.Linear(4, 2))


SMOOTH = {
    **{unit.__name__: chain(unit()) for unit in (nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softplus)},
    "deep": chain(nn.Tanh(), nn.Linear(4, 4), nn.GELU()),
    "shortcut": Shortcut(),
}
KINKED = {
    "relu": chain(nn.ReLU()),
    "leaky_relu": chain(nn.LeakyReLU()),
    "hardtanh": chain(nn.Tanh(), nn.Hardtanh()),
    "abs": type("Absolute", (nn.Linear,), {"forward": lambda self, x: nn.Linear.forward(self, x).abs()})(3, 2),
}


@pytest.mark.parametrize("module", SMOOTH.values(), ids=SMOOTH)
def test_smooth_networks_are_known(module: nn.Module) -> None:
    assert not_smooth(module, torch.randn(5, 3)) is None


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_named(name: str) -> None:
    found = not_smooth(KINKED[name], torch.randn(5, 3))
    assert found is not None and name in found


def test_convolutions_are_smooth_and_max_pools_are_not() -> None:
    x = torch.randn(2, 1, 6, 6)
    smooth = [nn.Conv2d(1, 2, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 3)]
    assert not_smooth(nn.Sequential(*smooth), x) is None
    found = not_smooth(nn.Sequential(*smooth[:2], nn.MaxPool2d(2)), x)
    assert found is not None and "max_pool2d" in found
