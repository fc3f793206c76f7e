"""Embeddings keep every output of a network, and so its loss."""

from collections.abc import Callable

import pytest
import torch
from torch import Size, Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.cnn import CNN
from lossbars.networks.mlp import MLP
from lossbars.symmetry.embedding import Embedding, Shapes, embedding
from support.small_networks import CLASSES, CPU, SHAPE, Make, Norm, landscape, loaded, mlp, starts

IMAGES = (3, 32, 32)


def fully(depth: int, width: int, activation: str = "relu") -> Make:
    return lambda: MLP(SHAPE, CLASSES, depth, width, activation)


def cnn(depth: int, channels: int, norm: bool = False) -> Make:
    return lambda: CNN(IMAGES, CLASSES, depth, channels, norm)


def images(m: int = 6) -> Split:
    g = torch.Generator().manual_seed(1)
    return Split(torch.rand(m, *IMAGES, generator=g), torch.arange(m) % CLASSES)


def shapes(make: Make) -> Shapes:
    return {name: p.shape for name, p in make().named_parameters()}


def between(small: Make, large: Make) -> Embedding:
    return embedding(shapes(small), shapes(large))


MLPS = {
    "wider": (fully(2, 6), fully(2, 9)),
    "deeper": (fully(1, 6), fully(3, 6)),
    "wider and deeper": (fully(2, 5), fully(4, 8)),
    "wider, sigmoid": (fully(2, 5, "sigmoid"), fully(2, 7, "sigmoid")),
}
CNNS = {
    "CNN-1-3 in CNN-1-5": (cnn(1, 3), cnn(1, 5)),
    "CNN-2-3 in CNN-2-4": (cnn(2, 3), cnn(2, 4)),
    "CNN-1-3 in CNN-3-3": (cnn(1, 3), cnn(3, 3)),
    "CNN-1-3 in CNN-2-4": (cnn(1, 3), cnn(2, 4)),
    "with BatchNorm": (cnn(2, 3, True), cnn(2, 5, True)),
}
EVERY = {name: (*pair, None) for name, pair in MLPS.items()} | {n: (*pair, images) for n, pair in CNNS.items()}


@pytest.mark.parametrize(("small", "large", "split"), EVERY.values(), ids=EVERY)
def test_loss_of_record_and_batch_loss_are_preserved(
    small: Make, large: Make, split: Callable[[], Split] | None
) -> None:
    data = split() if split else None
    ours, theirs = landscape(small, data, batch_size=4), landscape(large, data, batch_size=4)
    theta = starts(ours, 2)
    embedded = between(small, large).apply(theta)
    assert embedded.shape == (2, theirs.dim)
    torch.testing.assert_close(theirs.loss(embedded), ours.loss(theta), rtol=2e-6, atol=2e-6)
    batch = next(ours.batches([torch.Generator().manual_seed(3)]))
    torch.testing.assert_close(theirs.loss(embedded, batch), ours.loss(theta, batch), rtol=5e-6, atol=5e-6)


@pytest.mark.parametrize(("small", "large", "split"), EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("training", [True, False])
def test_every_output_is_preserved_in_float64(
    small: Make, large: Make, split: Callable[[], Split] | None, training: bool
) -> None:
    x = (split() if split else landscape(small).train).x.double()
    theta = starts(landscape(small, split() if split else None), 1)
    embedded = between(small, large).apply(theta.double())
    ours, theirs = loaded(small, theta[0]).train(training), loaded(large, embedded[0]).train(training)
    expected = ours(x)
    assert expected.std() > 1e-3
    torch.testing.assert_close(theirs(x), expected, rtol=1e-12, atol=1e-12)


def test_embedded_minima_of_smaller_networks_are_critical_in_the_larger() -> None:
    small, large = fully(1, 4), fully(1, 6)
    ours, theirs = landscape(small), landscape(large)
    theta = starts(ours, 1)
    found = between(small, large)
    _, gradient = ours.value_and_gradient(theta, None)
    _, larger = theirs.value_and_gradient(found.apply(theta), None)
    torch.testing.assert_close(larger, found.apply(gradient))  # nothing pulls at the new units


def test_the_added_ones_are_the_growth_of_the_squared_norm() -> None:
    for small, large, ones in (
        (fully(1, 6), fully(3, 6), 12),
        (fully(2, 5), fully(2, 8), 0),
        (cnn(1, 3), cnn(2, 4), 3),
    ):
        theta = starts(landscape(small, images() if ones == 3 else None), 2).double()
        found = between(small, large)
        growth = found.apply(theta).square().sum(1) - theta.square().sum(1)
        torch.testing.assert_close(growth, torch.full_like(growth, ones))
        assert found.ones == ones


def test_deepening_of_other_activations_changes_the_loss() -> None:
    small, large = fully(1, 6, "tanh"), fully(2, 6, "tanh")
    theta = starts(landscape(small))
    before, after = landscape(small).loss(theta), landscape(large).loss(between(small, large).apply(theta))
    assert (before - after).abs().min() > 1e-6


def test_one_by_one_or_together() -> None:
    found = between(fully(1, 5), fully(2, 7))
    theta = starts(landscape(fully(1, 5)), 3)
    assert torch.equal(found.apply(theta), torch.cat([found.apply(row) for row in theta.split(1)]))


class Wider(nn.Module):
    """One channel is flattened to more places than in the smaller network."""

    def __init__(self, channels: int, places: int) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, channels, 3), nn.Linear(channels * places, CLASSES)


class Even(nn.Module):
    """Kernels without a centre."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 2) for _ in range(depth))
        self.linear = nn.Linear(3, CLASSES)


def no_hidden() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES))


IMPOSSIBLE: dict[str, tuple[Make, Make, str]] = {
    "narrower": (fully(2, 6), fully(2, 5), r"layers\.0\.weight of shape \(6, 64\) does not fit .* \(5, 64\)"),
    "narrower below": (fully(1, 6), fully(2, 5), "does not fit"),
    "shallower": (fully(2, 6), fully(1, 6), "the second has 2 layers, the first 3"),
    "other kind": (mlp, Norm, "no loss-preserving embedding"),
    "inputs": (fully(1, 6), lambda: MLP((1, 9, 9), CLASSES, 1, 6), "the first has 64 inputs, the second 81"),
    "outputs": (fully(1, 6), lambda: MLP(SHAPE, 7, 2, 6), "the first has 4 outputs, the second 7"),
    "deeper with BatchNorm": (cnn(1, 3, True), cnn(2, 3, True), r"normalised, or changed otherwise, by norms\.0"),
    "flattening": (lambda: Wider(2, 4), lambda: Wider(3, 9), "27 numbers of 3 channels, in the first 8 of 2"),
    "even kernels": (lambda: Even(1), lambda: Even(2), "cannot be the identity of 3 units"),
    "no hidden layer": (no_hidden, fully(1, 6), "the first has none"),
}


@pytest.mark.parametrize(("small", "large", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_where_there_is_no_embedding_the_error_says_why(small: Make, large: Make, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        between(small, large)


def test_the_extra_layer_passes_on_what_the_given_layer_gives() -> None:
    """As the paper puts it: its outgoing weights are those of the given layer, between the two is the identity."""
    small, large = fully(1, 3), fully(2, 3)
    theta = starts(landscape(small), 1)
    deep = NetworkLandscape(large, landscape(small).train, 8, CPU).unflatten(between(small, large).apply(theta))
    flat = landscape(small).unflatten(theta)
    expected: dict[str, Tensor] = {
        "layers.0.weight": flat["layers.0.weight"],
        "layers.2.weight": torch.eye(3)[None],
        "layers.2.bias": torch.zeros(1, 3),
        "layers.4.weight": flat["layers.2.weight"],
        "layers.4.bias": flat["layers.2.bias"],
    }
    for name, tensor in expected.items():
        assert torch.equal(deep[name], tensor), name
    assert deep["layers.2.weight"].shape == Size([1, 3, 3])
