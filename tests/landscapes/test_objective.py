"""The objective: data loss plus λ/2 ‖θ‖², exact where the loss is that of record."""

import pytest
import torch

from lossbars.functions import Function, six_hump_camel
from lossbars.landscapes.objective import Objective, objective
from support.small_landscapes import Points
from support.small_networks import NETWORKS, landscape, starts


@pytest.mark.parametrize("name", NETWORKS)
def test_value_and_gradient_are_the_data_losses_plus_the_terms(name: str) -> None:
    data, decay = landscape(NETWORKS[name]), 0.03
    of, theta = Objective(data, decay), starts(data)
    value, gradient = (part.clone() for part in data.value_and_gradient(theta, None))
    term = decay / 2 * theta.double().square().sum(1)
    found, slope = of.value_and_gradient(theta, None)
    assert found.dtype == torch.float64 and torch.equal(found, value + term)
    assert torch.equal(of.loss(theta), data.loss(theta) + term) and torch.equal(of.losses(theta)[1], data.loss(theta))
    torch.testing.assert_close(slope, gradient + decay * theta, rtol=1e-6, atol=1e-8)
    assert (of.dim, of.stack_size, of.rows_at_once) == (data.dim, data.stack_size, data.rows_at_once)
    assert of.steps_per_epoch == data.steps_per_epoch


def test_the_term_is_summed_in_float64() -> None:
    flat = Function("flat", ((-1.0, 1.0),) * 3, lambda x: 0 * x.sum(-1))
    theta = torch.tensor([[4096.0, 2.0**-8, 0.0]], dtype=torch.float32)  # the sum of squares has 40 bits
    exact = (4096.0**2 + 2.0**-16) / 2
    assert float(Objective(flat, 1.0).loss(theta)) == exact
    assert float(Objective(flat, 1.0).value_and_gradient(theta, None)[0]) == exact


def test_batches_carry_the_term_too_and_its_gradient() -> None:
    points = Points()
    of, theta = Objective(points, 0.5), points.init(2, torch.Generator().manual_seed(0))
    assert torch.equal(of.init(2, torch.Generator().manual_seed(0)), theta)
    batch, same = (next(iter(x.batches([torch.Generator().manual_seed(1)]))) for x in (of, points))
    assert batch is not None and torch.equal(batch.index, same.index)
    place = theta.clone().requires_grad_()
    (expected,) = torch.autograd.grad(of.loss(place, batch).sum(), place)
    value, gradient = of.value_and_gradient(theta, batch)
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(value, points.loss(theta, batch) + 0.25 * theta.square().sum(1))


def test_without_weight_decay_it_is_the_landscape_to_the_bit() -> None:
    data = landscape(NETWORKS["mlp"])
    theta = starts(data)
    assert objective(data, 0.0) is data
    of = Objective(data, 0.0)
    assert torch.equal(of.loss(theta), data.loss(theta))
    value, gradient = (part.clone() for part in data.value_and_gradient(theta, None))
    found, slope = of.value_and_gradient(theta, None)
    assert torch.equal(found, value) and torch.equal(slope, gradient)


def test_weight_decay_is_not_negative() -> None:
    assert isinstance(objective(six_hump_camel, 0.1), Objective)
    for wrong in (-1e-3, float("nan")):
        with pytest.raises(ValueError, match="weight_decay ≥ 0, not"):
            objective(six_hump_camel, wrong)
