"""Networks as landscapes: many at once give what one gives, and what plain PyTorch gives."""

import pytest
import torch
from torch import Tensor

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network import memory
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.stacked_linear import can_stack
from lossbars.networks.lenet import LeNet
from support.small_networks import (
    LOOPED,
    NETWORKS,
    SHAPE,
    SMOOTH,
    Between,
    Conv,
    Dropped,
    HiddenDropout,
    Make,
    Norm,
    OtherwiseInTraining,
    data,
    landscape,
    loaded,
    mlp,
    record,
    starts,
    value_and_gradient,
)

CLOSE = {"rtol": 1e-4, "atol": 2e-6}  # float32 against float64
ROUNDING = {"rtol": 1e-5, "atol": 1e-7}  # float32 in another order of summation


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def first_batch(of: NetworkLandscape, kind: str, n: int = 3) -> Batch:
    return next(iter(of.batches(generators(*range(n if kind == "own" else 1)))))


def both(of: NetworkLandscape, theta: Tensor, batch: Batch | None) -> tuple[Tensor, Tensor]:
    loss, gradient = of.value_and_gradient(theta, batch)
    return loss.clone(), gradient.clone()  # the next call overwrites them


@pytest.mark.parametrize("kind", ["shared", "own"])
@pytest.mark.parametrize("name", NETWORKS)
def test_many_at_once_are_what_each_is_alone(name: str, kind: str) -> None:
    of = landscape(NETWORKS[name])
    theta, batch = starts(of), first_batch(of, kind)
    loss, gradient = both(of, theta, batch)
    alone = [both(of, theta[i : i + 1], one) for i, one in enumerate(batch.rows(3))]
    torch.testing.assert_close(loss, torch.cat([value for value, _ in alone]), **ROUNDING)
    torch.testing.assert_close(gradient, torch.cat([g for _, g in alone]), **ROUNDING)
    assert len(loss.unique()) == 3 and gradient.norm(dim=1).min() > 1e-3
    again = both(landscape(NETWORKS[name]), theta, batch)
    assert torch.equal(again[0], loss) and torch.equal(again[1], gradient)


@pytest.mark.parametrize("name", NETWORKS)
def test_of_no_networks_there_are_no_losses(name: str) -> None:
    of = landscape(NETWORKS[name])
    assert of.loss(starts(of)[:0]).shape == (0,)


@pytest.mark.parametrize("name", NETWORKS)
def test_own_batches_give_the_same_bits_stacked_as_alone(name: str) -> None:
    """So that a minimum does not depend on the block of seeds that it was trained in."""
    of = landscape(NETWORKS[name])
    theta, batch = starts(of), first_batch(of, "own")
    loss, gradient = both(of, theta, batch)
    for i in range(3):
        noise = None if batch.noise is None else batch.noise[i : i + 1]
        value, alone = both(of, theta[i : i + 1], Batch(batch.index[i : i + 1], noise))
        assert torch.equal(value, loss[i : i + 1]) and torch.equal(alone, gradient[i : i + 1])


@pytest.mark.parametrize("kind", ["shared", "own"])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_those_of_a_plain_module(name: str, kind: str) -> None:
    """In float64 and in training mode, so that BatchNorm's statistics are the batch's and are differentiated."""
    of = landscape(NETWORKS[name])
    theta, batch = starts(of), first_batch(of, kind)
    loss, gradient = both(of, theta, batch)
    for i, one in enumerate(batch.rows(3)):
        expected = value_and_gradient(
            loaded(NETWORKS[name], theta[i]).train(), of.train.x[one.index], of.train.y[one.index]
        )
        torch.testing.assert_close(loss[i].double(), expected[0], **CLOSE)
        torch.testing.assert_close(gradient[i].double(), expected[1], **CLOSE)


@pytest.mark.parametrize("kind", ["shared", "own"])
@pytest.mark.parametrize("make", [Dropped, HiddenDropout])
def test_dropout_masks_come_from_the_batch(make: Make, kind: str) -> None:
    of = landscape(make)
    theta, batch = starts(of), first_batch(of, kind)
    assert batch.noise is not None
    state = torch.random.get_rng_state()
    loss, gradient = both(of, theta, batch)
    assert torch.equal(torch.random.get_rng_state(), state)  # nobody else's numbers are used up
    for i, one in enumerate(batch.rows(3)):
        module = loaded(make, theta[i], torch.float32).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(one.noise[0]))
            expected = value_and_gradient(module, of.train.x[one.index], of.train.y[one.index])
        torch.testing.assert_close(loss[i], expected[0], **ROUNDING)
        torch.testing.assert_close(gradient[i], expected[1], rtol=1e-4, atol=1e-6)
    other = both(of, theta, Batch(batch.index, batch.noise + 1))
    assert (other[0] - loss).abs().min() > 1e-6


@pytest.mark.parametrize("kind", ["shared", "own"])
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_is_differentiable_and_its_gradient_the_same(name: str, kind: str) -> None:
    of = landscape(NETWORKS[name])
    theta, batch = starts(of).requires_grad_(), first_batch(of, kind)
    loss = of.loss(theta, batch)
    (gradient,) = torch.autograd.grad(loss.sum(), theta)
    value, expected = of.value_and_gradient(theta.detach(), batch)
    torch.testing.assert_close(loss.detach(), value, **ROUNDING)
    torch.testing.assert_close(gradient, expected, **ROUNDING)


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_regression(name: str) -> None:
    split = data(regression=True)
    of = landscape(NETWORKS[name], split)
    theta = starts(of)
    for batch in (first_batch(of, "own"), first_batch(of, "shared")):
        loss, gradient = both(of, theta, batch)
        for i, one in enumerate(batch.rows(3)):
            expected = value_and_gradient(loaded(NETWORKS[name], theta[i]), split.x[one.index], split.y[one.index])
            torch.testing.assert_close(loss[i].double(), expected[0], **CLOSE)
            torch.testing.assert_close(gradient[i].double(), expected[1], **CLOSE)
    recorded, accuracy = of.evaluate(theta, split)
    expected_record = torch.stack([record(NETWORKS[name], row, split)[0] for row in theta])
    torch.testing.assert_close(recorded, expected_record, rtol=1e-6, atol=1e-7)
    assert bool(accuracy.isnan().all())


@pytest.mark.parametrize("targets", [1, 3])
def test_outputs_are_not_broadcast_to_targets(targets: int) -> None:
    of = landscape(mlp, Split(data().x, torch.zeros(24, targets)))
    for batch in (None, first_batch(of, "own"), first_batch(of, "shared")):
        with pytest.raises(ValueError, match=rf"outputs of shape \(4,\) for targets of shape \({targets},\)"):
            of.value_and_gradient(starts(of), batch)


# Which networks are stacked ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [mlp, Between, OtherwiseInTraining])
def test_linear_networks_are_stacked(make: Make) -> None:
    assert landscape(make).stacking == "batched" and landscape(make, stacking="batched").stacking == "batched"
    assert landscape(make, stacking="loop").stacking == "loop"
    theta, batch = starts(landscape(make)), first_batch(landscape(make), "own")
    loop, batched = (both(landscape(make, stacking=how), theta, batch) for how in ("loop", "batched"))
    torch.testing.assert_close(loop, batched, **ROUNDING)


@pytest.mark.parametrize("make", [Conv, Norm, *LOOPED])
def test_other_networks_are_run_one_by_one_and_cannot_be_forced(make: Make) -> None:
    assert landscape(make).stacking == "loop"
    with pytest.raises(ValueError, match="cannot be stacked"):
        landscape(make, stacking="batched")


@pytest.mark.parametrize("make", LOOPED)
def test_what_cannot_be_stacked_has_the_right_numbers(make: Make) -> None:
    of = landscape(make)
    assert not can_stack(make(), of.train.x[:3])
    theta = starts(of)
    for kind in ("shared", "own"):
        batch = first_batch(of, kind)
        loss, gradient = both(of, theta, batch)
        for i, one in enumerate(batch.rows(3)):
            expected = value_and_gradient(loaded(make, theta[i]), of.train.x[one.index], of.train.y[one.index])
            torch.testing.assert_close(loss[i].double(), expected[0], **CLOSE)
            torch.testing.assert_close(gradient[i].double(), expected[1], **CLOSE)
    torch.testing.assert_close(of.loss(theta), torch.stack([record(make, row, of.train)[0] for row in theta]), **CLOSE)


# Parameters and starts ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_theta_holds_the_parameters_in_their_order_and_nothing_else(name: str) -> None:
    of, module = landscape(NETWORKS[name]), NETWORKS[name]()
    assert of.dim == sum(p.numel() for p in module.parameters())
    theta = of.flatten(module)
    parts = of.unflatten(theta)
    assert list(parts) == [n for n, _ in module.named_parameters()]
    assert all(torch.equal(parts[n], p) for n, p in module.named_parameters())
    first, shape = next(iter(of.shapes.items()))
    assert of.unflatten(theta.expand(2, -1))[first].shape == (2, *shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_starts_are_the_modules_own_and_depend_on_the_generator_alone(name: str) -> None:
    of = landscape(NETWORKS[name])
    state = torch.random.get_rng_state()
    theta = of.init(3, generators(7)[0])
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(5)  # what others draw changes nothing, nor does the number of starts
    assert torch.equal(landscape(NETWORKS[name]).init(3, generators(7)[0]), theta)
    one_by_one = generators(7)[0]
    assert torch.equal(torch.cat([of.init(1, one_by_one) for _ in range(3)]), theta)
    assert len({tuple(row.tolist()) for row in [*theta, *of.init(2, generators(8)[0])]}) == 5
    seed = int(torch.randint(2**62, (1,), generator=generators(7)[0]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        assert torch.equal(of.flatten(NETWORKS[name]()), theta[0])


def test_lenet_has_the_parameters_of_the_paper() -> None:
    assert sum(p.numel() for p in LeNet((1, 28, 28), 10).parameters()) == 44_426
    with pytest.raises(ValueError, match="28 x 28"):
        LeNet(SHAPE, 10)


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_more_networks_than_are_taken_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    of = landscape(NETWORKS["mlp"])
    theta, batch = starts(of, 5), first_batch(of, kind, 5)
    expected = [both(of, theta, one) for one in (batch, None)]
    monkeypatch.setattr(memory, "STACKED_NUMBERS", 2 * of.dim)
    of = landscape(NETWORKS["mlp"])
    assert of.stack_size == 2
    for one, wanted in zip((batch, None), expected, strict=True):
        torch.testing.assert_close(both(of, theta, one), wanted, **ROUNDING)
