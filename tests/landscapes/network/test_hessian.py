"""Products of the Hessian of the loss of record: what plain PyTorch's whole Hessian gives."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lossbars.landscapes.network import hessian as hessian_module
from lossbars.landscapes.network.hessian import NoSecondDerivative, RecordHessian, rows_kept
from support.small_networks import NETWORKS, Between, Make, Norm, data, landscape, loaded, record, starts


class Recurrent(nn.Module):
    """An LSTM, whose fastest kernels have no second derivatives."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(8, 3, batch_first=True), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x.flatten(1, 2))[0][:, -1])


def whole(make: Make, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Hessian of the mean loss, by plain PyTorch."""
    module = loaded(make, theta).eval()
    names = [name for name, _ in module.named_parameters()]
    sizes = [p.numel() for p in module.parameters()]

    def loss(flat: Tensor) -> Tensor:
        parts = zip(names, flat.split(sizes), module.parameters(), strict=True)
        given = {name: part.view_as(p) for name, part, p in parts}
        return nn.functional.cross_entropy(torch.func.functional_call(module, given, (x.double(),)), y)

    return torch.autograd.functional.hessian(loss, theta.double())


@pytest.mark.parametrize("make", [NETWORKS["mlp"], NETWORKS["conv"], NETWORKS["dropout"], Recurrent])
@pytest.mark.parametrize("kept", [True, False])
def test_products_are_those_of_the_whole_hessian(make: Make, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hessian_module, "KEPT", 2**30 if kept else 0)
    of = landscape(make, augment="crop-flip")
    theta = starts(of, 2).double()
    vectors = torch.randn(theta.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    product = RecordHessian(of, theta)
    assert product.keeps == kept == (rows_kept(of, theta.dtype) > 0)
    for _ in range(2):  # the second time with what was kept
        expected = torch.stack(
            [whole(make, row, of.train.x, of.train.y) @ v for row, v in zip(theta, vectors, strict=True)]
        )
        torch.testing.assert_close(product(vectors), expected, rtol=1e-9, atol=1e-12)


def test_samples_are_weighed_alike_whatever_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    of = landscape(NETWORKS["mlp"])
    theta = starts(of, 1).double()
    expected = RecordHessian(of, theta)(torch.ones_like(theta))
    monkeypatch.setattr(of.record, "samples_at_once", 7)
    torch.testing.assert_close(RecordHessian(of, theta)(torch.ones_like(theta)), expected)


class Slope(torch.autograd.Function):
    """The slope of a sine, which says what torch's kernels say that have no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return gradient * x.cos()

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Tensor:  # noqa: ARG004
        raise RuntimeError("derivative for aten::slope is not implemented")


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return Slope.apply(ctx.saved_tensors[0], gradient)


class FirstOrder(Between):
    between = staticmethod(Once.apply)


def test_a_network_without_second_derivatives_says_so() -> None:
    of = landscape(FirstOrder)
    theta = starts(of, 1)
    with pytest.raises(NoSecondDerivative, match="no second derivative"):
        RecordHessian(of, theta)(theta)
    of = landscape(Norm)
    with pytest.raises(NoSecondDerivative, match="BatchNorm"):
        RecordHessian(of, starts(of, 1))


def test_plain_pytorch_agrees_on_the_loss() -> None:
    """Else the test above would compare Hessians of another function."""
    of = landscape(NETWORKS["mlp"], data())
    row = starts(of, 1)[0]
    assert float(of.loss(row[None])) == pytest.approx(float(record(NETWORKS["mlp"], row, of.train, 9)[0]), rel=1e-5)
