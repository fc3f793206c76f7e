"""Residual networks with and without shortcuts, wide ones, and what is particular about running them."""

import pytest
import torch
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.resnet import ResNet
from lossbars.networks.specs import ResNetSpec, WideResNetSpec
from lossbars.networks.wide_resnet import WideResNet
from lossbars.optimise.schedules import learning_rate
from lossbars.recipes import Grid, Steps
from lossbars.seeding import generator
from lossbars.simplices import Chain, Triangle
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from lossbars.simplices.triangle import CORNER_OF
from lossbars.symmetry.alignment import matched
from lossbars.symmetry.permutations import find_symmetry

CPU, COLOUR = torch.device("cpu"), (3, 32, 32)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("depth", "width", "plain", "without"),
    [
        (20, 1, 272_474, 269_722),
        (56, 1, 855_770, 853_018),
        (110, 1, 1_730_714, 1_727_962),
        (56, 2, 3_412_394, 3_401_770),
    ],
)
def test_parameters_are_those_that_are_published(depth: int, width: int, plain: int, without: int) -> None:
    """Of the networks of Li et al., with and without shortcuts."""
    assert count(ResNet(COLOUR, 10, depth, width)) == plain
    assert count(ResNet(COLOUR, 10, depth, width, shortcuts=False)) == without


def test_the_wide_network_has_the_stated_size() -> None:
    assert count(WideResNet(COLOUR, 100, 16, 10)) == 17_179_940  # 17.1 M


@pytest.mark.parametrize(("kind", "wrong"), [("resnet", (2, 21, 57)), ("wide-resnet", (4, 15, 20))])
def test_other_depths_are_refused(kind: str, wrong: tuple[int, ...]) -> None:
    spec, rest = (ResNetSpec, 2) if kind == "resnet" else (WideResNetSpec, 4)
    for depth in wrong:
        said = rf"depth of a {kind} is 6 n \+ {rest}, as {rest + 6}, {rest + 12}, {rest + 18}, not {depth}"
        with pytest.raises(ValueError, match=said):
            spec(kind=kind, depth=depth)
    assert spec(kind=kind, depth=6 + rest).depth == 6 + rest


def test_layers_count_to_the_depth() -> None:
    for depth in (8, 20, 56):
        net = ResNet(COLOUR, 10, depth, shortcuts=False)
        assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules()) == depth
    for depth in (10, 16):  # the 1 x 1 convolutions of shortcuts do not count
        layers = [m for m in WideResNet(COLOUR, 10, depth, 1).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert sum(not isinstance(m, nn.Conv2d) or m.kernel_size == (3, 3) for m in layers) == depth - 2


def test_without_shortcuts_nothing_else_differs() -> None:
    """With equal parameters: adding what the shortcuts carried, block by block, makes one network the other."""
    plain, without = ResNet(COLOUR, 10, 20), ResNet(COLOUR, 10, 20, shortcuts=False)
    own = {name: p for name, p in plain.state_dict().items() if "shortcut" not in name}
    assert [*own] == [*without.state_dict()]
    without.load_state_dict(own)
    x = torch.rand(4, 3, 32, 32, generator=generator("test", "x", "images", 0))
    plain.eval()
    without.eval()
    assert not torch.allclose(plain(x), without(x), atol=1e-3)

    def add(block: nn.Module, args: tuple[Tensor], _: Tensor) -> Tensor:
        of = plain.blocks[blocks.index(block)]
        y = block.norm2(block.conv2(torch.relu(block.norm1(block.conv1(args[0])))))
        return torch.relu(y + of.shortcut(args[0]))

    blocks = list(without.blocks)
    for block in blocks:
        block.register_forward_hook(add)
    assert torch.equal(plain(x), without(x))


def test_starts() -> None:
    net = ResNet(COLOUR, 10, 20).requires_grad_(False)
    kernel = net.blocks[8].conv2.weight
    assert abs(float(kernel.std()) / (2 / (9 * 64)) ** 0.5 - 1) < 0.03  # Kaiming-normal by the inputs
    assert abs(float(net.linear.weight.std()) / 1e-3 - 1) < 0.15 and not net.linear.bias.any()
    wide = WideResNet(COLOUR, 10, 10, 4).requires_grad_(False)
    conv = wide.blocks[2].conv2
    bound = (2 * 6 / (9 * (conv.in_channels + conv.out_channels))) ** 0.5  # Xavier-uniform with gain √2
    assert 0.98 * bound < float(conv.weight.abs().max()) <= bound and not conv.bias.any()


def test_steps_of_the_learning_rate() -> None:
    schedule = Steps(kind="steps", lr=0.1, at=[150, 225, 275])
    rates = [learning_rate(schedule, epoch, 300) for epoch in (0.0, 149.99, 150.0, 224.0, 225.0, 275.0, 299.9)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 1e-3, 1e-4, 1e-4])
    with pytest.raises(ValueError, match=r"epochs \[3.0, 2.0\] must rise"):
        Steps(kind="steps", lr=0.1, at=[3.0, 2.0])


def data(m: int = 40, side: int = 8) -> Split:
    random = generator("test", "deep", "data", 0)
    return Split(torch.rand(m, 3, side, side, generator=random), torch.randint(4, (m,), generator=random))


def small_resnet() -> nn.Module:
    return ResNet((3, 8, 8), 4, 8)


def small_wide() -> nn.Module:
    return WideResNet((3, 8, 8), 4, 10, 1)


@pytest.mark.parametrize("make", [small_resnet, small_wide])
def test_a_permutation_of_their_units_is_found(make: type[nn.Module]) -> None:
    """Through strided shortcuts and pre-activation; the permuted copy has the same loss of record, up to rounding."""
    of = NetworkLandscape(make, data(), 20, CPU)
    (theta,) = of.init(1, generator("test", "deep", "start", 0))
    symmetry = find_symmetry(of.module, of.train.x[:3])
    blocks = [m for m in of.module.modules() if m.__class__.__name__ == "Block"]
    assert len(symmetry.groups) == 3 + len(blocks)  # the stream of each stage, and the inside of each block
    random = generator("test", "deep", "permutation", 0)
    hidden = symmetry.permuted(theta, symmetry.random(random))
    assert not torch.equal(hidden, theta)
    torch.testing.assert_close(*of.loss(torch.stack([theta, hidden])), rtol=1e-5, atol=0)
    assert torch.equal(matched(theta, hidden, symmetry, random), theta)


def test_depth_may_amplify_rounding() -> None:
    """Without shortcuts a hundred layers make a millionfold of it, and the symmetry is there all the same."""
    symmetry = find_symmetry(ResNet((3, 8, 8), 10, 110, shortcuts=False), data().x[:4])
    assert len(symmetry.groups) == 1 + 54 + 54  # the stem, and with no sums the inside and the end of each block


@pytest.mark.parametrize("make", [small_resnet, small_wide])
def test_the_ends_of_a_curve_have_the_losses_of_their_minima(make: type[nn.Module]) -> None:
    """To the bit, BatchNorm's statistics included; and so have the corners of a triangle."""
    of = NetworkLandscape(make, data(), 20, CPU)
    theta = of.init(3, generator("test", "deep", "start", 0))
    alone = of.loss(theta)
    pairs = torch.stack([theta[[0, 1]], theta[[1, 2]]])
    curves = Simplices(Chain(1), Chain(1).start(pairs))
    for i, profile in enumerate(profiles(of, curves, Grid(points=5, refinements=1))):
        assert profile.t[0] == 0 and profile.t[-1] == 1
        assert torch.equal(profile.loss[[0, -1]], alone[[i, i + 1]])
    family = Triangle("trained")
    (profile,) = profiles(of, Simplices(family, family.start(theta[None])), Grid(points=3, refinements=0))
    for place, corner in zip(torch.eye(3), CORNER_OF, strict=True):
        (found,) = (profile.t == place).all(1).nonzero().flatten().tolist()
        assert profile.loss[found] == alone[corner]
