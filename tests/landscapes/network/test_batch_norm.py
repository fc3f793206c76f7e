"""The gradient of the loss of record of networks with BatchNorm: the slope of the loss, statistics included."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.landscapes.network import batch_norm as batch_norm_module
from lossbars.landscapes.network import evaluation as record_module
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.polish import polish
from lossbars.recipes import Polish
from support.small_networks import Norm, landscape, mlp, record, starts


@pytest.fixture(autouse=True)
def three_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """24 training samples are 9, 9 and 6: statistics must be weighted."""
    monkeypatch.setattr(record_module, "EVALUATION_BATCH", 9)


class Smooth(Norm):
    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.norm1(self.conv(x - self.tint)))
        return self.fc2(torch.tanh(self.norm2(self.fc1(x.flatten(1)))))


class Bare(Smooth):
    """A layer without scale and shift, and one whose statistics are those of any batch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(3, affine=False), nn.BatchNorm1d(6, eps=1e-2)


class Twice(Norm):
    """One layer of BatchNorm at two places."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(F.relu(self.norm1(self.conv(x - self.tint))))
        return self.fc2(F.relu(self.norm2(self.fc1(x.flatten(1)))))


def slopes(of: NetworkLandscape, theta: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes along a direction by the gradient, and by differences of the loss of record."""
    _, gradient = of.value_and_gradient(theta, None)
    differences = (of.loss(theta + 1e-6 * along) - of.loss(theta - 1e-6 * along)) / 2e-6
    return (gradient * along).sum(1), differences


def directions(theta: Tensor) -> Tensor:
    return torch.randn(theta.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("way", ["loop", "vmap"])
@pytest.mark.parametrize("make", [Norm, Smooth, Bare])
def test_gradient_is_the_slope_of_the_loss(make: Callable[[], nn.Module], way: str) -> None:
    of = landscape(make, stacking=way)
    theta = starts(of).double()
    given, expected = slopes(of, theta, directions(theta))
    torch.testing.assert_close(given, expected, rtol=1e-7, atol=1e-8)
    assert of.facts["statistics"] == "differentiated"


def test_values_keep_their_bits_and_rows_are_independent() -> None:
    of = landscape(Norm)
    theta = starts(of)
    value, gradient = of.value_and_gradient(theta, None)
    gradient = gradient.clone()
    assert torch.equal(value, of.loss(theta))
    for i in range(3):
        torch.testing.assert_close(of.value_and_gradient(theta[i : i + 1], None)[1][0], gradient[i])


def test_where_a_batch_does_not_fit_statistics_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_norm_module, "STATISTICS_BYTES", 0)
    of = landscape(Norm)
    assert of.facts["statistics"] == "held"
    theta = starts(of).double()
    _, gradient = of.value_and_gradient(theta, None)
    expected = torch.stack([record(Norm, row, of.train, 9)[1] for row in theta])
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-7)
    monkeypatch.setattr(batch_norm_module, "STATISTICS_BYTES", 2**31)
    exact = landscape(Norm).value_and_gradient(theta, None)[1]
    error = (gradient - exact).norm(dim=1) / exact.norm(dim=1)
    assert (error > 0.5).all() and (error < 1.2).all(), "docs/reading.md says so"


def test_a_layer_at_two_places_has_its_statistics_held() -> None:
    assert landscape(Twice).facts["statistics"] == "held"
    assert "statistics" not in landscape(mlp).facts


def test_a_polish_comes_far_below_one_with_held_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps go up the objective there, so its line searches fail."""
    recipe = Polish(passes=30, fall=0, preconditioner="none")
    start = starts(landscape(Smooth), 1).double()
    exact = polish(objective(landscape(Smooth), 5e-2), start, recipe)
    monkeypatch.setattr(batch_norm_module, "STATISTICS_BYTES", 0)
    held = polish(objective(landscape(Smooth), 5e-2), start, recipe)
    assert float(exact.value) < 0.9 * float(held.value)
