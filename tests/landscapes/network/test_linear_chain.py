"""Networks that are layers in a row: which are, and that their gradients are autograd's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscapes.network import evaluation, memory
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.linear_chain import find_chain
from lossbars.landscapes.objective import objective
from lossbars.networks.mlp import MLP
from support.small_networks import (
    CLASSES,
    LOOPED,
    Between,
    CentredInputs,
    Conv,
    Dropped,
    FlattenedFromOne,
    HiddenDropout,
    Make,
    Norm,
    OtherwiseInTraining,
    data,
    landscape,
    mlp,
    starts,
)

X = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def between(function: Callable[[Tensor], Tensor]) -> Make:
    return type("Other", (Between,), {"between": staticmethod(function)})


def ending(last: nn.Module | None = None, bias: bool = True) -> Make:
    return lambda: nn.Sequential(nn.Flatten(-3), nn.Linear(64, CLASSES, bias=bias), *([last] if last else []))


CHAINS: dict[str, tuple[Make, list[str | None]]] = {
    "mlp": (mlp, ["relu", "relu", None]),
    "tanh": (lambda: MLP((1, 8, 8), CLASSES, 1, 5, "tanh"), ["tanh", None]),
    "sigmoid": (lambda: MLP((1, 8, 8), CLASSES, 2, 5, "sigmoid"), ["sigmoid", "sigmoid", None]),
    "gelu": (lambda: MLP((1, 8, 8), CLASSES, 2, 5, "gelu"), ["gelu", "gelu", None]),
    "relu of torch": (Between, ["relu", None]),
    "a method": (between(Tensor.tanh), ["tanh", None]),
    "in place": (between(lambda x: F.relu(x, inplace=True)), ["relu", None]),
    "deep linear": (between(lambda x: x), [None, None]),
    "one layer": (ending(), [None]),
    "no bias": (ending(bias=False), [None]),
    "activation at the end": (ending(nn.Tanh()), ["tanh"]),
    "otherwise in training": (OtherwiseInTraining, ["relu", None]),
}


class Tied(Between):
    """One matrix in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 64), nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.fc1(self.fc1(x.flatten(-3)).relu()))


class Skipping(Between):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(64, 64)
        self.fc2 = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(-3)
        return self.fc2(x + self.fc1(x).relu())


class Branching(Skipping):
    """Each call takes a tensor of the network, but not what the one before gave."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(-3)
        self.fc1(x)
        return self.fc2(x)


class Idle(Between):
    """A layer that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Linear(2, 2)


OTHERS = [
    *(make for make in LOOPED if make is not FlattenedFromOne),
    Conv,
    Norm,
    Dropped,
    Tied,
    Skipping,
    Branching,
    Idle,
]
OTHERS += [
    between(lambda x: F.gelu(x, approximate="tanh")),
    between(lambda x: x.relu().tanh()),
    between(lambda x: 2 * x),
    between(F.leaky_relu),
]


@pytest.mark.parametrize("name", CHAINS)
def test_layers_in_a_row_are_found(name: str) -> None:
    make, activations = CHAINS[name]
    chain = find_chain(make(), X)
    assert chain is not None and [layer.activation for layer in chain.layers] == activations
    assert (chain.layers[0].bias is None) == (name == "no bias")


@pytest.mark.parametrize("make", OTHERS)
def test_what_is_more_than_that_is_left_to_autograd(make: Make) -> None:
    assert find_chain(make().train(), X) is None


@pytest.mark.parametrize("make", [Dropped, HiddenDropout])
def test_dropout_is_a_layer_in_training_alone(make: Make) -> None:
    chain = find_chain(make().eval(), X)
    assert chain is not None and [layer.activation for layer in chain.layers] == ["relu", None]
    assert find_chain(make().train(), X) is None


@pytest.mark.parametrize("make", [Norm, Conv, Tied, Skipping, Branching, Idle, CentredInputs])
def test_the_record_of_other_networks_is_left_to_autograd(make: Make) -> None:
    assert landscape(make).full_batch.chain is None


class Written(Between):
    """A unit is written over: a call that gives no tensor."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x.flatten(-3))
        h[..., 0] = 0.0
        return self.fc2(h.tanh())


class Frozen(Between):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            h = self.fc1(x.flatten(-3)).relu()
        return self.fc2(h)


class Halved(torch.autograd.Function):
    """ReLU, with half of its gradient."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.relu()

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient / 2


class Hooked(Between):
    """Less of the gradient passes the second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc2.register_full_backward_hook(lambda _, inputs, __: (0.1 * inputs[0],))


class OnlyWithGradients(Between):
    between = staticmethod(lambda x: 2 * x.relu() if torch.is_grad_enabled() else x.relu())


class Coarse(Between):
    """One layer in bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            h = self.fc1(x.flatten(-3))
        return self.fc2(h.float().relu())


class ByBatch(Between):
    """Something else for few samples."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x.flatten(-3))
        return self.fc2(h.relu() if x.shape[-4] < 5 else h.relu() + h)


@pytest.mark.parametrize(
    "make",
    [Written, Frozen, between(Halved.apply), Hooked, OnlyWithGradients, Coarse, ByBatch],
    ids=lambda m: m.__name__,
)
def test_what_the_calls_do_not_show_is_found_by_comparing(make: Make) -> None:
    of = landscape(make)
    assert of.chain is None and of.full_batch.chain is None


def with_autograd(of: NetworkLandscape) -> NetworkLandscape:
    of.chain = of.full_batch.chain = None
    return of


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_gradients_are_those_of_autograd(name: str, own: bool, regression: bool) -> None:
    (make, _), split = CHAINS[name], data(regression=regression)
    chained, plain = landscape(make, split), with_autograd(landscape(make, split))
    theta = starts(chained, 4)
    padded = F.pad(theta, (0, 5))[:, : chained.dim]  # as an optimiser keeps them
    (batch, *_) = chained.batches([torch.Generator().manual_seed(i) for i in range(4 if own else 1)])
    loss, gradient = chained.value_and_gradient(padded, batch)
    expected_loss, expected = plain.value_and_gradient(theta, batch)
    assert chained.chain is not None
    torch.testing.assert_close([loss, gradient], [expected_loss, expected], rtol=1e-5, atol=1e-7)
    assert gradient.norm(dim=1).min() > 1e-3 and torch.equal(padded, theta) and not loss.requires_grad


def test_bfloat16_is_left_to_autograd() -> None:
    assert landscape(mlp, precision="bfloat16").chain is None and landscape(mlp, stacking="loop").chain is None
    assert landscape(mlp, stacking="loop").full_batch.chain is None
    assert landscape(mlp, precision="bfloat16").full_batch.chain is not None  # the record is float32 all the same


def digits_like() -> Split:
    g = torch.Generator().manual_seed(1)
    return Split(torch.rand(1438, 1, 8, 8, generator=g), torch.randint(10, (1438,), generator=g))


@pytest.mark.parametrize("decay", [0.0, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [*CHAINS, "dropout"])
def test_the_gradient_of_record_is_that_of_autograd(
    name: str, dtype: torch.dtype, decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 10)  # 24 samples are taken as 10, 10 and 4
    make = HiddenDropout if name == "dropout" else CHAINS[name][0]
    chained, plain = landscape(make), with_autograd(landscape(make))
    theta = starts(chained, 4).to(dtype)
    loss, gradient = objective(chained, decay).value_and_gradient(theta.clone(), None)
    expected_loss, expected = objective(plain, decay).value_and_gradient(theta, None)
    assert (chained.full_batch.chain is None) == (name == "otherwise in training")  # which doubles inputs elsewhere
    close = {"rtol": 1e-5, "atol": 1e-7} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-14}
    torch.testing.assert_close(loss, expected_loss, **close)
    torch.testing.assert_close(gradient, expected, **close)
    assert gradient.norm(dim=1).min() > 1e-3 and gradient.dtype == dtype and loss.dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_the_gradient_of_record_has_the_bits_of_autograd(
    activation: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the networks of the default experiment, more than are taken at a time."""
    monkeypatch.setattr(memory, "LAYER_NUMBERS", 8 * 1000 * 32)
    chained, plain = (
        landscape(lambda: MLP((1, 8, 8), 10, 2, 32, activation), digits_like(), batch_size=64) for _ in range(2)
    )
    theta = starts(chained, 11).to(dtype)
    loss, gradient = chained.value_and_gradient(theta, None)
    expected_loss, expected = with_autograd(plain).value_and_gradient(theta, None)
    assert chained.full_batch.stack_size == 8 < plain.full_batch.stack_size
    assert torch.equal(loss, expected_loss) and torch.equal(gradient, expected)
    torch.testing.assert_close(loss, chained.loss(theta), rtol=1e-7, atol=0)


def test_networks_with_dropout_are_stacked_in_evaluation_alone() -> None:
    of, looped = landscape(HiddenDropout), landscape(HiddenDropout, stacking="loop")
    theta = starts(of, 5)
    assert (of.stacking, of.record.way, of.stack_size, looped.record.way) == ("loop", "batched", 1, "loop")
    assert of.full_batch.chain is not None and of.rows_at_once > 5 and of.full_batch.stack_size > 5
    value, gradient = of.value_and_gradient(theta, None)
    assert torch.equal(value, of.loss(theta))
    torch.testing.assert_close((value, gradient), looped.value_and_gradient(theta, None), rtol=1e-5, atol=1e-7)
    assert landscape(Dropped).full_batch.chain is None  # flattens from an axis that stacking moves
