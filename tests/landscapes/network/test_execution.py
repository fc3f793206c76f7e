"""Running many networks at once, part of a batch at a time, and from a recording."""

import gc
import random

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network import evaluation, memory
from lossbars.landscapes.network import landscape as network_landscape
from lossbars.landscapes.network.cuda_graph import Recorded, Replay
from lossbars.landscapes.network.execution import can_vmap
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.memory import Fit, fit, kept_bytes
from lossbars.landscapes.network.precision import chosen_precision, products_in
from lossbars.networks.cnn import CNN
from lossbars.networks.mlp import MLP
from lossbars.networks.resnet import ResNet
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.seeding import generator

CPU = torch.device("cpu")
ROUNDING = {"rtol": 2e-4, "atol": 1e-5}


def data(m: int = 30, side: int = 8) -> Split:
    random = generator("test", "running", "data", 0)
    return Split(torch.rand(m, 3, side, side, generator=random), torch.randint(4, (m,), generator=random))


MAKES = {
    "resnet": lambda: ResNet((3, 8, 8), 4, 8),
    "resnet-195k": lambda: ResNet195k((3, 8, 8), 4),
    "mlp": lambda: MLP((3, 8, 8), 4, 2, 8),
}


def landscape(name: str, **settings: object) -> NetworkLandscape:
    return NetworkLandscape(MAKES[name], data(), 10, CPU, **settings)


def starts(of: NetworkLandscape, n: int = 3) -> Tensor:
    return of.init(n, generator("test", "running", "start", 0))


def both(of: NetworkLandscape, theta: Tensor, batch: Batch | None) -> tuple[Tensor, Tensor]:
    loss, gradient = of.value_and_gradient(theta, batch)
    return loss.clone(), gradient.clone()


SHARED = Batch(torch.arange(10))
OWN = Batch(torch.stack([torch.arange(10), torch.arange(5, 15), torch.arange(20, 30)]))


# Under vmap --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [SHARED, OWN, None], ids=["shared", "own", "record"])
@pytest.mark.parametrize("name", ["resnet", "resnet-195k"])
def test_under_vmap_as_one_by_one(name: str, batch: Batch | None) -> None:
    """Of networks with BatchNorm, whose statistics are then each network's own."""
    loop, stacked = landscape(name, stacking="loop"), landscape(name, stacking="vmap")
    assert loop.stack_size == 1 and stacked.stack_size > 3 and stacked.facts["stacking"] == "vmap"
    theta = starts(loop)
    for a, b in zip(both(loop, theta, batch), both(stacked, theta, batch), strict=True):
        torch.testing.assert_close(a, b, **ROUNDING)
    for a, b in zip(loop.evaluate(theta, data(12)), stacked.evaluate(theta, data(12)), strict=True):
        torch.testing.assert_close(a, b, **ROUNDING)


def test_a_network_that_draws_is_not_run_under_vmap() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(192, 4))

    assert NetworkLandscape(make, data(), 10, CPU).stacking == "loop"
    with pytest.raises(ValueError, match="cannot be run under vmap, or draws random numbers, others there than alone"):
        NetworkLandscape(make, data(), 10, CPU, stacking="vmap")


def test_what_vmap_does_not_know_is_run_one_by_one() -> None:
    """BatchNorm without a momentum reads how many batches it saw, as a number."""

    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(192, momentum=None), nn.Linear(192, 4))

    assert not can_vmap(make(), data().x[:3]) and can_vmap(MAKES["resnet"](), data().x[:3])
    with pytest.raises(ValueError, match="cannot be run under vmap"):
        NetworkLandscape(make, data(), 10, CPU, stacking="vmap")


@pytest.mark.parametrize("name", ["resnet", "resnet-195k"])
def test_under_vmap_in_bfloat16(name: str) -> None:
    theta, found = starts(landscape(name)), []
    for stacking in ("loop", "vmap"):
        of = landscape(name, stacking=stacking, precision="bfloat16")
        found.append((*both(of, theta, SHARED), of.loss(theta)))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0.02, atol=0)
    torch.testing.assert_close(found[0][2], found[1][2], rtol=1e-5, atol=0)
    assert float(F.cosine_similarity(found[0][1], found[1][1]).min()) > 0.95


# In one pass over the data -----------------------------------------------------------------------


def test_outputs_bound_how_many_are_measured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the networks are."""
    of = landscape("resnet")
    assert of.output_numbers == 4
    monkeypatch.setattr(evaluation, "OUTPUT_NUMBERS", 3 * 4 * of.record.samples_at_once)
    assert of.rows_at_once == 3


# What has no loss of record ----------------------------------------------------------------------


class Moody(nn.Module):
    """Draws from Python's generator, which torch knows nothing of."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(192, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)) * random.random()


def test_networks_without_one_loss_of_record_are_refused() -> None:
    with pytest.raises(ValueError, match="other outputs in each pass, by randomness that torch knows nothing of"):
        NetworkLandscape(Moody, data(), 10, CPU)

    def tracking() -> nn.Module:
        return nn.Sequential(nn.InstanceNorm2d(3, track_running_stats=True), nn.Flatten(), nn.Linear(192, 4))

    with pytest.raises(ValueError, match=r"changes its buffer 0\.running_mean in training: only BatchNorm's can be"):
        NetworkLandscape(tracking, data(), 10, CPU)


def test_a_network_with_too_few_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match="the network gives 3 numbers, the data have 4 classes or more"):
        NetworkLandscape(lambda: MLP((3, 8, 8), 3, 1, 8), data(), 10, CPU)


def test_all_networks_go_through_the_data_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    of = landscape("resnet")
    theta, seen = starts(of, 4), []
    expected = of.loss(theta)
    of.module.register_forward_pre_hook(lambda _, args: seen.append(args[0].data_ptr()))
    assert torch.equal(of.loss(theta), expected)
    assert len(seen) == 8 and len(set(seen[:4])) == 1 == len(set(seen[4:]))  # statistics of all, then losses of all
    monkeypatch.setattr(evaluation, "RECORD_NUMBERS", 2 * of.dim)
    assert of.rows_at_once == 2 and torch.equal(of.loss(theta), expected)


# Part of a batch at a time -----------------------------------------------------------------------


@pytest.mark.parametrize("batch", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize("stacking", ["auto", "loop"])
def test_gradients_are_added_up_over_parts_of_a_batch(stacking: str, batch: Batch) -> None:
    whole, parts = landscape("mlp", stacking=stacking), landscape("mlp", stacking=stacking, micro_batch=4)
    assert parts.fit.samples == 4 and parts.facts["micro_batch"] == "4"  # 10 are taken as 4, 3 and 3
    theta = starts(whole)
    for a, b in zip(both(whole, theta, batch), both(parts, theta, batch), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_statistics_of_batchnorm_are_then_those_of_a_part() -> None:
    of, theta = landscape("resnet", micro_batch=5), starts(landscape("resnet"))
    loss, gradient = both(of, theta, SHARED)
    halves = [both(landscape("resnet"), theta, Batch(half)) for half in SHARED.index.split(5)]
    torch.testing.assert_close(loss, (halves[0][0] + halves[1][0]) / 2, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient, (halves[0][1] + halves[1][1]) / 2, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(loss, both(landscape("resnet"), theta, SHARED)[0], rtol=1e-4)


def test_a_part_of_one_sample_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="micro_batch: 1 leaves single samples, of which BatchNorm has no statistics"):
        landscape("resnet", micro_batch=1)
    assert landscape("resnet", micro_batch=9).fit.parts(10) == 2  # of five each, not of nine and one


def test_parts_have_masks_of_their_own() -> None:
    """Of dropout: two equal parts of a batch do not lose the same units."""

    def make() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(192, 4))

    of = NetworkLandscape(make, data(), 10, CPU, micro_batch=5)
    twice = Batch(torch.arange(5).repeat(2), torch.tensor([7]))
    theta = starts(of, 1)
    loss = of.value_and_gradient(theta, twice)[0]
    parts = [of.loss(theta, Batch(torch.arange(5), torch.tensor([seed]))) for seed in (7, 8)]
    torch.testing.assert_close(loss, (parts[0] + parts[1]) / 2, rtol=1e-6, atol=0)
    assert abs(float(parts[0] - parts[1])) > 1e-4


# Memory ------------------------------------------------------------------------------------------


def test_what_a_pass_keeps_is_counted() -> None:
    """Of a linear layer and a ReLU: the ReLU's result, which the last layer needs too; inputs are known."""
    net = nn.Sequential(nn.Linear(7, 11), nn.ReLU(), nn.Linear(11, 2))
    assert kept_bytes(net, torch.rand(3, 7)) == 4 * 11
    assert (
        kept_bytes(nn.Sequential(nn.Linear(7, 11), nn.Sigmoid(), nn.Tanh(), nn.Linear(11, 2)), torch.rand(4, 7)) == 88
    )


def test_what_is_kept_is_what_is_held() -> None:
    """Against the tensors that are alive after a forward pass."""
    net, x = ResNet((3, 16, 16), 10, 8), torch.rand(6, 3, 16, 16)
    counted = 6 * kept_bytes(net, x)

    def alive() -> int:
        gc.collect()
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors()}
        return sum(storages.values())

    def tensors() -> list[Tensor]:
        return [t for t in saved if t.numel()]

    saved: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (saved.append(t), t)[1], lambda t: t):
        output = net(x)
    weights = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in net.parameters()}
    held = {t.untyped_storage().data_ptr() for t in tensors()}
    known = sum(size for place, size in weights.items() if place in held) + x.untyped_storage().nbytes()
    assert output.requires_grad and abs(alive() - known - counted) < 0.01 * counted


def test_counting_changes_no_buffer_and_draws_nothing() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    before, state = {k: v.clone() for k, v in net.state_dict().items()}, torch.get_rng_state()
    kept_bytes(net, torch.rand(3, 3))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    torch.rand(3, 3)
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    torch.rand(3, 3)
    torch.rand(3, 3)
    assert torch.equal(after, torch.get_rng_state())


def test_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SPARE", 1.0)
    monkeypatch.setattr(memory, "VECTORS", 4)
    row = 4 * 4 * 100  # of 100 parameters
    assert fit(10 * (row + 8 * 50), parameters=100, kept=50, batch=8) == Fit(10, 8)
    assert fit(row + 8 * 50, parameters=100, kept=50, batch=8) == Fit(1, 8)
    assert fit(row + 8 * 50 - 1, parameters=100, kept=50, batch=8) == Fit(1, 7)
    with pytest.raises(ValueError, match=r"one network on one sample needs 0.0 GiB of memory, 0.0 GiB may be taken"):
        fit(row, parameters=100, kept=50, batch=8)


def test_where_data_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "step_bytes", lambda _: 1000)
    cuda = torch.device("cuda")
    assert memory.home_of(500, cuda) == cuda and memory.home_of(501, cuda) == CPU == memory.home_of(10**15, CPU)


def as_on_gpu(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Take what fits so many bytes of a GPU at a time; what is computed, the processor does."""
    monkeypatch.setattr(memory, "step_bytes", lambda _: most)
    cuda = torch.device("cuda")
    monkeypatch.setattr(network_landscape, "step_fit", lambda *args: memory.step_fit(*args[:-1], cuda))


def test_a_block_is_split_where_it_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = landscape("resnet-195k", stacking="vmap")
    kept = kept_bytes(plain.module, data().x[:3])
    row = memory.VECTORS * 4 * plain.dim + 10 * int(memory.SPARE * kept)
    theta, found = starts(plain, 5), {}
    for rows in (2, 5):
        as_on_gpu(monkeypatch, rows * row)
        of = NetworkLandscape(MAKES["resnet-195k"], data(), 10, CPU, stacking="vmap")
        assert of.stack_size == rows
        found[rows] = both(of, theta, SHARED)
    torch.testing.assert_close(found[2][0], found[5][0], **ROUNDING)
    apart = (found[2][1] - found[5][1]).norm(dim=1)  # single entries, sums that cancel, differ more on some processors
    assert (apart <= 1e-5 * found[5][1].norm(dim=1)).all()


def test_a_batch_is_split_where_it_would_not_fit_but_not_behind_batchnorms_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make() -> nn.Module:
        return CNN((3, 32, 32), 4, 1, 4)

    def normed() -> nn.Module:
        return CNN((3, 32, 32), 4, 1, 4, batch_norm=True)

    images = data(30, 32)
    for maker in (make, normed):
        plain = NetworkLandscape(maker, images, 10, CPU)
        need = memory.VECTORS * 4 * plain.dim + 4 * int(memory.SPARE * kept_bytes(plain.module, images.x[:3]))
        with monkeypatch.context() as patched:
            as_on_gpu(patched, need)
            if maker is normed:
                with pytest.raises(
                    ValueError, match=r"a batch of 10 does not fit the GPU, only 4.*State micro_batch: 4"
                ):
                    NetworkLandscape(maker, images, 10, CPU)
                assert NetworkLandscape(maker, images, 10, CPU, micro_batch=3).fit == Fit(1, 3)
                continue
            of = NetworkLandscape(maker, images, 10, CPU)
            assert of.fit == Fit(1, 4)
            theta = starts(plain, 2)
            torch.testing.assert_close(both(of, theta, SHARED)[1], both(plain, theta, SHARED)[1], **ROUNDING)


# Recordings --------------------------------------------------------------------------------------


class Recording:
    """Stands in for a CUDA graph: what was recorded is done again, on the same inputs, into the same results."""

    def __init__(self) -> None:
        self.replays = 0

    def __call__(self, call: object) -> Recorded:
        results = tuple(one.clone() for one in call())

        def replay() -> None:
            self.replays += 1
            for place, value in zip(results, call(), strict=True):
                place.copy_(value)

        return replay, results


@pytest.mark.parametrize("name", ["resnet", "mlp"])
def test_recorded_steps_have_the_numbers_of_steps(name: str) -> None:
    plain, of, recording = landscape(name), landscape(name), Recording()
    of.replay = Replay(of._losses_and_gradient, recording)
    theta = starts(of, 2)
    for shift in range(3):
        batch = Batch(torch.arange(10) + shift)
        for a, b in zip(both(plain, theta + shift, batch), both(of, theta + shift, batch), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=0)
    assert recording.replays >= 3 and of.facts["steps"] == "replayed" and plain.facts["steps"] == "eager"


def test_shapes_are_recorded_apart() -> None:
    recording = Recording()
    double = Replay(lambda x: (2 * x,), recording)
    for n in (2, 3, 2, 3):
        x = torch.rand(n)
        assert torch.equal(double(x)[0], 2 * x)
    assert recording.replays == 8 and double.used  # two to compare and one in use at first, then one in use


def test_a_recording_that_gives_other_numbers_is_not_used() -> None:
    calls: list[Tensor] = []

    def counting(x: Tensor) -> tuple[Tensor]:
        calls.append(x)
        return (x + len(calls),)

    replay = Replay(counting, Recording())
    assert [float(replay(torch.zeros(1))[0]) for _ in range(2)] == [1.0, 5.0]  # 2: the recording; 3, 4: its trial
    assert not replay.used


def test_a_recording_is_tried_on_other_inputs() -> None:
    """What Python decides by the numbers is decided once and for all in a recording."""

    def branching(x: Tensor) -> tuple[Tensor]:
        return (x if float(x.sum()) < 1.5 else 3 * x,)

    class Frozen(Recording):
        def __call__(self, call: object) -> Recorded:
            (_, (results,)) = super().__call__(call)
            return lambda: None, (results,)  # always what was recorded

    replay = Replay(branching, Frozen())
    assert float(replay(torch.ones(1))[0]) == 1.0 and float(replay(torch.full((1,), 2.0))[0]) == 6.0
    assert not replay.used


def test_what_cannot_be_recorded_is_called() -> None:
    def refuse(_: object) -> Recorded:
        raise RuntimeError("operation not permitted when stream is capturing")

    replay = Replay(lambda x: (x + 1,), refuse)
    assert [float(replay(torch.full((1,), v))[0]) for v in (0.0, 5.0)] == [1.0, 6.0] and not replay.used


# Precision ---------------------------------------------------------------------------------------


def test_tf32_is_for_gpus() -> None:
    assert chosen_precision("tf32", CPU) == "float32" and chosen_precision("tf32", torch.device("cuda")) == "tf32"
    assert landscape("resnet", precision="tf32").facts["precision"] == "float32"


def test_what_a_gpu_multiplies() -> None:
    """The settings that torch has, forward and backward: tf32 in training batches, float32 in the record."""
    matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    seen: list[tuple[str, str]] = []

    class Watch(torch.autograd.Function):
        @staticmethod
        def forward(_: object, x: Tensor) -> Tensor:
            seen.append((matmul.fp32_precision, conv.fp32_precision))
            return x.clone()

        @staticmethod
        def backward(_: object, gradient: Tensor) -> Tensor:
            seen.append((matmul.fp32_precision, conv.fp32_precision))
            return gradient

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(192, 4)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(Watch.apply(self.linear(x.flatten(1))))

    of = NetworkLandscape(Watched, data(), 10, CPU, stacking="loop")
    of.precision = "tf32"
    before, theta = (matmul.fp32_precision, conv.fp32_precision), starts(of, 1)
    seen.clear()
    of.value_and_gradient(theta, SHARED)
    assert seen == [("tf32", "tf32")] * 2
    seen.clear()
    of.loss(theta)
    of.value_and_gradient(theta, None)
    assert set(seen) == {("ieee", "ieee")} and len(seen) == 3
    assert (matmul.fp32_precision, conv.fp32_precision) == before
    with pytest.raises(KeyError), products_in("tf32"):
        raise KeyError
    assert (matmul.fp32_precision, conv.fp32_precision) == before
