"""Which units of a network may change places: found by watching a pass, and checked by the outputs."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from lossbars.networks.cnn import CNN
from lossbars.networks.lenet import LeNet
from lossbars.networks.mlp import MLP
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.symmetry import permutations as symmetries
from lossbars.symmetry import trace as unit_tape
from lossbars.symmetry.permutations import Group, Place, Symmetry, check_symmetry, find_symmetry
from support.small_networks import CLASSES, SHAPE, Conv, Norm, OwnScale, SoftmaxOverUnits, SortedUnits
from support.unit_networks import Block, PreActivation, Residual, Tied, flat, inputs

Places = set[tuple[str, int, int]]  # name, axis, span


class Tokens(nn.Module):
    """Embedding, positions, LayerNorm, attention that is not seen through, a hidden layer, the embedding once more."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(7, 6), nn.Parameter(torch.randn(3, 6))
        self.norm1, self.norm2 = nn.LayerNorm(6), nn.LayerNorm(6)
        self.qkv, self.project = nn.Linear(6, 18), nn.Linear(6, 6)
        self.up, self.down = nn.Linear(6, 12), nn.Linear(12, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.tokens(x) + self.places
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        x = x + self.project(F.scaled_dot_product_attention(q, k, v))
        x = x + self.down(F.gelu(self.up(self.norm2(x))))
        return F.linear(x, self.tokens.weight)


class Between(nn.Module):
    """A convolution, something, a linear layer of all that is left."""

    def __init__(self, between: Callable[[Tensor], Tensor], left: int) -> None:
        super().__init__()
        self.conv, self.linear, self.between = nn.Conv2d(1, 4, 3), nn.Linear(left, CLASSES), between

    def forward(self, x: Tensor) -> Tensor:
        x = self.between(self.conv(x))
        return self.linear(x.reshape(x.size(0), -1))


X = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0))
RESNET = {
    ("conv.weight", 0, 1), ("bn.weight", 0, 1), ("bn.bias", 0, 1), ("one.conv1.weight", 1, 1),
    ("one.conv2.weight", 0, 1), ("one.bn2.weight", 0, 1), ("one.bn2.bias", 0, 1), ("two.conv1.weight", 1, 1),
    ("two.shortcut.0.weight", 1, 1),
}  # fmt: skip


def places(found: Symmetry) -> list[Places]:
    return [{(place.name, place.axis, place.span) for place in group.places} for group in found.groups]


def layer(name: str) -> Places:
    """What a layer with a bias gives."""
    return {(f"{name}.weight", 0, 1), (f"{name}.bias", 0, 1)}


def outputs(module: nn.Module, theta: Tensor, x: Tensor) -> Tensor:
    pieces = theta.split([p.numel() for p in module.parameters()])
    own = {name: piece.view_as(p) for (name, p), piece in zip(module.named_parameters(), pieces, strict=True)}
    with torch.no_grad():
        return functional_call(module, own, (x,))


# Groups ------------------------------------------------------------------------------------------


def test_a_group_for_each_hidden_layer() -> None:
    found = find_symmetry(MLP(SHAPE, CLASSES, 2, 5), X)
    assert places(found) == [
        layer("layers.0") | {("layers.2.weight", 1, 1)},
        layer("layers.2") | {("layers.4.weight", 1, 1)},
    ]
    first = found.groups[0].places
    assert [(p.offset, p.shape) for p in first] == [(0, (5, 64)), (320, (5,)), (325, (5, 5))]
    assert found.dim == 325 + 30 + 24 and [group.size for group in found.groups] == [5, 5]


def test_a_channel_spans_the_places_that_are_left_of_it() -> None:
    assert places(find_symmetry(LeNet((1, 28, 28), 10), inputs(1, 28, 28))) == [
        layer("conv1") | {("conv2.weight", 1, 1)},
        layer("conv2") | {("fc1.weight", 1, 16)},
        layer("fc1") | {("fc2.weight", 1, 1)},
        layer("fc2") | {("fc3.weight", 1, 1)},
    ]


def test_batchnorm_goes_with_its_channels() -> None:
    assert places(find_symmetry(CNN((3, 32, 32), 10, 2, 3, batch_norm=True), inputs(3, 32, 32))) == [
        layer("convolutions.0") | layer("norms.0") | {("convolutions.1.weight", 1, 1)},
        layer("convolutions.1") | layer("norms.1") | {("linear.weight", 1, 16)},
    ]


@pytest.mark.parametrize("settings", [{}, {"relu_after_sum": True, "pooling": "average"}])
def test_sums_of_the_resnet_make_their_channels_one_group(settings: dict) -> None:
    found = places(find_symmetry(ResNet195k((3, 16, 16), 10, **settings), inputs(3, 16, 16)))
    assert len(found) == 7
    assert found[2] == layer("convolutions.2") | layer("residuals.2.second") | layer("residuals.3.second") | layer(
        "norm"
    ) | {("residuals.2.first.weight", 1, 1), ("residuals.3.first.weight", 1, 1), ("linear.weight", 1, 1)}
    assert found[-1] == layer("residuals.3.first") | {("residuals.3.second.weight", 1, 1)}


@pytest.mark.parametrize(
    "mean", [lambda x: x.mean((2, 3)), lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), lambda x: x.amax(-1).mean(-1)]
)
def test_a_strided_shortcut_joins_two_groups(mean: Callable[[Tensor], Tensor]) -> None:
    found = find_symmetry(Residual(Block, mean), X)
    assert [group.size for group in found.groups] == [4, 4, 6, 6]
    assert places(found)[0] == RESNET
    last = {("two.conv2.weight", 0, 1), ("two.shortcut.0.weight", 0, 1), ("linear.weight", 1, 1)}
    assert places(found)[3] == last | layer("two.bn2") | layer("two.shortcut.1")


def test_preactivation_blocks() -> None:
    found = find_symmetry(Residual(PreActivation, lambda x: x.mean(dim=[2, 3])), X)
    assert [group.size for group in found.groups] == [4, 4, 6, 6]
    assert places(found)[0] == {
        ("conv.weight", 0, 1), ("bn.weight", 0, 1), ("bn.bias", 0, 1), ("one.conv1.weight", 1, 1),
        ("one.conv2.weight", 0, 1), ("one.bn1.weight", 0, 1), ("one.bn1.bias", 0, 1), ("two.bn1.weight", 0, 1),
        ("two.bn1.bias", 0, 1), ("two.conv1.weight", 1, 1), ("two.shortcut.weight", 1, 1),
    }  # fmt: skip


def test_one_weight_in_two_layers_has_one_group_along_both_axes() -> None:
    (own,) = places(find_symmetry(Tied(), X))
    assert own == layer("first") | layer("shared") | {("shared.weight", 1, 1), ("last.weight", 1, 1)}


def test_attention_is_left_alone_in_a_transformer() -> None:
    x = torch.randint(7, (2, 3), generator=torch.Generator().manual_seed(0))
    stream, hidden = places(find_symmetry(Tokens(), x))
    assert stream == layer("norm1") | layer("norm2") | layer("project") | layer("down") | {
        ("tokens.weight", 1, 1), ("places", 1, 1), ("qkv.weight", 1, 1), ("up.weight", 1, 1),
    }  # fmt: skip
    assert hidden == layer("up") | {("down.weight", 1, 1)}


def test_a_parameter_of_ones_own_goes_with_the_units_that_it_multiplies() -> None:
    assert places(find_symmetry(OwnScale(), X)) == [layer("fc1") | {("scale", 0, 1), ("fc2.weight", 1, 1)}]


@pytest.mark.parametrize("make", [SoftmaxOverUnits, SortedUnits])
def test_what_is_not_known_freezes(make: Callable[[], nn.Module]) -> None:
    assert find_symmetry(make(), X).groups == ()


TINTS = torch.arange(4.0).view(4, 1, 1)
FROZEN: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "another order of the axes": (lambda x: x.permute(0, 2, 3, 1), 144),
    "a part of the channels": (lambda x: x[:, 1:], 108),
    "channels of constants": (lambda x: x + TINTS, 144),
    "a sum over channels": (lambda x: x.sum(1), 36),
    "writing into one": (lambda x: x.index_fill_(1, torch.tensor([2]), 0.0), 144),
    "channels among other axes": (lambda x: x.reshape(-1, 2, 72), 144),
}
FREE: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "in place": (lambda x: F.relu_(x).mul_(2), 144),
    "a constant for each place": (lambda x: 1 - x / torch.arange(1.0, 7.0), 144),
    "its own mean": (lambda x: x - x.mean(0), 144),
    "a gate": (lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(), 144),
    "two poolings": (lambda x: F.avg_pool2d(F.max_pool2d(x, 2), 3).squeeze(-1).unsqueeze(-1), 4),
    "flattened twice": (lambda x: x.flatten(2).flatten(1), 144),
}


@pytest.mark.parametrize("name", FROZEN)
def test_operations_that_tell_channels_apart_freeze_them(name: str) -> None:
    assert find_symmetry(Between(*FROZEN[name]), X).groups == ()


@pytest.mark.parametrize("name", FREE)
def test_operations_that_treat_channels_alike_leave_them_free(name: str) -> None:
    between, left = FREE[name]
    assert places(find_symmetry(Between(between, left), X)) == [layer("conv") | {("linear.weight", 1, left // 4)}]


# What they do ------------------------------------------------------------------------------------

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: MLP(SHAPE, CLASSES, 3, 6),
    "conv": Conv,
    "norm": Norm,
    "resnet": lambda: Residual(Block, lambda x: x.mean((2, 3))),
    "preactivation": lambda: Residual(PreActivation, lambda x: x.mean((2, 3))),
    "tied": Tied,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_any_order_of_the_units_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    module = NETWORKS[name]()
    found, generator = find_symmetry(module, X), torch.Generator().manual_seed(1)
    module = module.double()
    theta = flat(module) + 0.1 * torch.randn(found.dim, generator=generator, dtype=torch.float64)
    other = found.permuted(theta, found.random(generator))
    assert (theta != other).double().mean() > 0.5
    module.eval()
    for one in module.modules():
        one.training = isinstance(one, nn.BatchNorm2d | nn.BatchNorm1d)
    torch.testing.assert_close(outputs(module, other, X.double()), outputs(module, theta, X.double()))


def test_units_go_where_the_order_says() -> None:
    place = Place("weight", 1, (2, 6), axis=1, span=2)
    theta = torch.arange(13.0)
    moved = Group(3, (place,)).permuted(theta, torch.tensor([2, 0, 1]))
    assert moved.tolist() == [0, 5, 6, 1, 2, 3, 4, 11, 12, 7, 8, 9, 10]
    assert theta.tolist() == list(range(13))
    assert place.rows(theta).tolist() == [[1, 7, 2, 8], [3, 9, 4, 10], [5, 11, 6, 12]]


@pytest.mark.parametrize("left_out", ["layers.0.bias", "layers.2.weight"])
def test_a_wrong_symmetry_is_refused(left_out: str) -> None:
    module = MLP(SHAPE, CLASSES, 1, 5)
    (group,) = find_symmetry(module, X).groups
    wrong = Group(5, tuple(place for place in group.places if place.name != left_out))
    with pytest.raises(ValueError, match=r"permuting the units of layers\.0\.weight.* changes what the network comput"):
        check_symmetry(module, X, Symmetry(flat(module).numel(), (wrong,)))


def test_a_rule_that_is_wrong_is_caught_by_the_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    between, left = FROZEN["writing into one"]
    monkeypatch.setattr(unit_tape, "ELEMENTWISE", unit_tape.ELEMENTWISE | {"index_fill"})
    with pytest.raises(ValueError, match="leave out align: weights"):
        find_symmetry(Between(between, left), X)


def test_a_network_of_float32_alone_is_checked_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(symmetries, "_output", lambda *a, of=symmetries._output: seen.append(a[-1]) or of(*a))

    class Casting(Conv):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    assert len(find_symmetry(Casting(), X).groups) == 3
    assert seen == [torch.float64, *[torch.float32] * 3]  # as it is, permuted, and nudged
