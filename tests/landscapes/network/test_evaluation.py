"""The loss of record: the same bits whatever ran before, what plain PyTorch gives; and the batches it never sees."""

import pytest
import torch
from torch import Tensor

from lossbars.landscape import Batch
from lossbars.landscapes.network import evaluation as record_module
from lossbars.landscapes.network.augmentation import crop_flip
from lossbars.landscapes.network.landscape import NetworkLandscape
from support.small_networks import (
    NETWORKS,
    SMOOTH,
    Conv,
    Dropped,
    HiddenDropout,
    Norm,
    data,
    landscape,
    loaded,
    norms,
    record,
    set_statistics,
    starts,
    value_and_gradient,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # float32 against float64


@pytest.fixture(autouse=True)
def three_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """24 training samples are evaluated as 9, 9 and 6: BatchNorm's statistics must be weighted."""
    monkeypatch.setattr(record_module, "EVALUATION_BATCH", 9)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def train_a_little(of: NetworkLandscape, theta: Tensor) -> None:
    for batch in of.batches(generators(*range(len(theta)))):
        theta = theta - 0.5 * of.value_and_gradient(theta, batch)[1]
        of.loss(theta, batch)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_bits_whatever_was_done_before(name: str) -> None:
    of = landscape(NETWORKS[name], augment="crop-flip")
    theta = starts(of)
    once = of.loss(theta)
    assert once.dtype == torch.float64 and len(once.unique()) == 3
    assert torch.equal(of.loss(theta), once)
    of.loss(-3 * theta)
    assert torch.equal(of.loss(theta), once)
    train_a_little(of, theta)
    of.value_and_gradient(theta + 1, None)
    of.evaluate(theta + 1, data(7, seed=2))
    torch.rand(3)
    assert torch.equal(of.loss(theta), once)
    assert torch.equal(landscape(NETWORKS[name]).loss(theta), once)  # another object, and no augmentation
    assert torch.equal(torch.cat([of.loss(theta[i : i + 1]) for i in range(3)]), once)  # alone, not stacked
    assert torch.equal(of.loss(theta.flip(0)).flip(0), once)
    assert torch.equal(of.value_and_gradient(theta, None)[0], once)


@pytest.mark.parametrize("name", NETWORKS)
def test_value_is_that_of_plain_pytorch(name: str) -> None:
    """Dropout off; of BatchNorm, statistics recomputed by hand and weighted by the sizes of 9, 9 and 6."""
    of = landscape(NETWORKS[name], augment="crop-flip")
    theta = starts(of)
    expected = torch.stack([record(NETWORKS[name], row, of.train, 9)[0] for row in theta])
    torch.testing.assert_close(of.loss(theta), expected, **CLOSE)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "norm"])
def test_gradient_is_that_of_plain_pytorch(name: str) -> None:
    """Of networks with BatchNorm: test_batch_norm.py."""
    of = landscape(NETWORKS[name])
    theta = starts(of)
    loss, gradient = of.value_and_gradient(theta, None)
    for i, row in enumerate(theta):
        expected = record(NETWORKS[name], row, of.train, 9)
        torch.testing.assert_close(loss[i], expected[0], **CLOSE)
        torch.testing.assert_close(gradient[i].double(), expected[1], rtol=1e-4, atol=2e-6)


def test_gradient_is_the_slope_of_the_loss() -> None:
    of = landscape(Conv)
    theta = starts(of, 1)
    _, gradient = of.value_and_gradient(theta, None)
    direction = gradient / gradient.norm()
    module_loss = [float(record(Conv, (theta + h * direction)[0], of.train)[0]) for h in (1e-3, -1e-3)]
    assert (module_loss[0] - module_loss[1]) / 2e-3 == pytest.approx(float(gradient.norm()), rel=1e-3)


def test_batchnorm_weights_matter_here() -> None:
    """Else the tests above would not see a wrong weight or a wrong batch."""
    of = landscape(Norm)
    theta = starts(of, 1)[0]
    losses = [float(record(Norm, theta, of.train, batch)[0]) for batch in (9, 24, 8)]
    assert abs(losses[0] - losses[1]) > 1e-4 and abs(losses[0] - losses[2]) > 1e-4


def test_a_last_single_sample_joins_the_batch_before() -> None:
    """19 are 9 and 10: of one number there is no variance."""
    of = landscape(Norm, data(19))
    theta = starts(of, 1)
    module = loaded(Norm, theta[0]).eval()
    for part, share in ((of.train.x[:9], 9 / 19), (of.train.x[9:], 10 / 19)):
        for norm, measured in zip(
            norms(module), norms(set_statistics(loaded(Norm, theta[0]).eval(), part, 10)), strict=True
        ):
            if share < 0.5:
                norm.running_mean, norm.running_var = 0 * norm.running_mean, 0 * norm.running_var
            norm.running_mean = norm.running_mean + share * measured.running_mean
            norm.running_var = norm.running_var + share * measured.running_var
    expected, _ = value_and_gradient(module, of.train.x, of.train.y)
    torch.testing.assert_close(of.loss(theta)[0], expected, **CLOSE)


@pytest.mark.parametrize("momentum", [0.1, 0.9, None])
def test_batchnorm_momentum_of_the_module_has_no_say(momentum: float | None) -> None:
    theta = starts(landscape(Norm))
    of = landscape(lambda: Norm(momentum))
    assert torch.equal(of.loss(theta), landscape(Norm).loss(theta))
    assert [norm.momentum for norm in of.record.norms] == [momentum] * 2


def test_other_data_are_measured_with_the_statistics_of_the_training_set() -> None:
    of, other = landscape(Norm), data(11, seed=3)
    theta = starts(of)
    loss, accuracy = of.evaluate(theta, other)
    for i, row in enumerate(theta):
        torch.testing.assert_close(loss[i], record(Norm, row, of.train, 9, on=other)[0], **CLOSE)
        module = set_statistics(loaded(Norm, row).eval(), of.train.x, 9)
        assert float(accuracy[i]) == pytest.approx(
            float((module(other.x.double()).argmax(1) == other.y).double().mean())
        )


@pytest.mark.parametrize("name", SMOOTH)
def test_accuracy(name: str) -> None:
    of = landscape(NETWORKS[name])
    theta = starts(of)
    for row, accuracy in zip(theta, of.evaluate(theta, of.train)[1], strict=True):
        module = set_statistics(loaded(NETWORKS[name], row).eval(), of.train.x, 9)
        assert float(accuracy) == pytest.approx(int((module(of.train.x.double()).argmax(1) == of.train.y).sum()) / 24)


def test_buffers_stay_as_the_module_made_them() -> None:
    of = landscape(Norm)
    made = {name: buffer.clone() for name, buffer in Norm().named_buffers()}
    theta = starts(of)
    train_a_little(of, theta)
    of.loss(theta)
    assert all(torch.equal(buffer, made[name]) for name, buffer in of.module.named_buffers())


def test_dropout_is_off() -> None:
    of = landscape(Dropped)
    theta = starts(of)
    plain = [value_and_gradient(loaded(Dropped, row).eval(), of.train.x, of.train.y)[0] for row in theta]
    torch.testing.assert_close(of.loss(theta), torch.stack(plain), **CLOSE)
    batch = Batch(torch.arange(24), torch.tensor([1]))
    assert (of.loss(theta, batch).double() - of.loss(theta)).abs().min() > 1e-4  # and on in training


class Restless(HiddenDropout):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.nn.functional.dropout(self.fc1(x.flatten(-3))))  # in evaluation, too


def test_a_network_that_is_never_at_rest_is_refused() -> None:
    assert landscape(HiddenDropout).random and not landscape(Norm).random
    with pytest.raises(ValueError, match="draws random numbers in evaluation mode"):
        landscape(Restless)


# Augmentation and batches ------------------------------------------------------------------------


def test_augmentation_changes_training_batches_as_the_noise_says() -> None:
    of, plain = landscape(Conv, augment="crop-flip"), landscape(Conv)
    theta = starts(of)
    (own, shared) = (next(iter(of.batches(generators(*seeds)))) for seeds in ((1, 2, 3), (1,)))
    for batch in (own, shared):
        loss, gradient = of.value_and_gradient(theta, batch)
        gradient = gradient.clone()
        assert (loss - plain.value_and_gradient(theta, batch)[0]).abs().max() > 1e-6
        for i, one in enumerate(batch.rows(3)):
            x = crop_flip(of.train.x[one.index], int(one.noise[0]), torch.zeros(1))
            expected = value_and_gradient(loaded(Conv, theta[i]), x, of.train.y[one.index])
            torch.testing.assert_close(loss[i].double(), expected[0], rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(gradient[i].double(), expected[1], rtol=1e-4, atol=2e-6)
    assert torch.equal(of.value_and_gradient(theta, own)[0], of.value_and_gradient(theta, own)[0])


def test_crop_flip_moves_and_mirrors() -> None:
    """Every image is a window of itself in a black frame, or of its mirror image."""
    x, black = torch.rand(40, 2, 8, 8, generator=generators(0)[0]) + 1, torch.tensor([-0.5, 0.25])
    moved, flipped, places = crop_flip(x, 3, black), 0, set()
    padded = torch.stack([torch.nn.functional.pad(x[:, i], (4,) * 4, value=float(black[i])) for i in range(2)], 1)
    for i in range(40):
        found = [
            (row, column, mirror)
            for row in range(9)
            for column in range(9)
            for mirror in (False, True)
            if torch.equal(moved[i].flip(-1) if mirror else moved[i], padded[i, :, row : row + 8, column : column + 8])
        ]
        assert len(found) == 1
        flipped += found[0][2]
        places.add(found[0][:2])
    assert 8 <= flipped <= 32 and len(places) > 20
    assert torch.equal(crop_flip(x, 3, black), moved) and not torch.equal(crop_flip(x, 4, black), moved)


@pytest.mark.parametrize("m", [24, 29])
def test_every_sample_once_an_epoch_and_no_smaller_batch(m: int) -> None:
    of = landscape(Conv, data(m))
    assert of.steps_per_epoch == 3
    batches = list(of.batches(generators(1, 2)))
    assert [tuple(b.index.shape) for b in batches] == [(2, 8)] * 3 and all(b.noise is None for b in batches)
    for row in torch.cat([b.index for b in batches], dim=1):
        assert len(row.unique()) == 24 and int(row.max()) < m
    shared = [b.index for b in of.batches(generators(1))]
    assert torch.equal(torch.cat(shared), torch.cat([b.index[0] for b in batches]))
    (g,) = generators(1)
    first, second = ([b.index.tolist() for b in of.batches([g])] for _ in range(2))
    assert first != second  # another order in the next epoch


@pytest.mark.parametrize("settings", [{}, {"augment": "crop-flip"}])
def test_a_rows_batches_depend_on_its_own_generator_alone(settings: dict[str, str]) -> None:
    of = landscape(Conv, **settings)
    stacked = list(of.batches(generators(1, 2, 3)))
    alone = list(of.batches(generators(2)))
    for many, one in zip(stacked, alone, strict=True):
        assert torch.equal(many.index[1], one.index)
        assert (many.noise is None) == (not settings)
        if many.noise is not None and one.noise is not None:
            assert torch.equal(many.noise[1:2], one.noise) and len(many.noise.unique()) == 3
    assert not torch.equal(stacked[0].index[0], stacked[0].index[1])


def test_a_batch_is_never_larger_than_the_data() -> None:
    of = landscape(Conv, data(5), batch_size=64)
    (batch,) = of.batches(generators(0))
    assert sorted(batch.index.tolist()) == list(range(5)) and of.steps_per_epoch == 1
