"""The CNNs of TensorFlow's tutorials: parameters, layers one by one, padding, normalisation, dropout, and costs."""

from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import TypeAdapter, ValidationError
from torch import Generator, Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.datasets.specs import Size
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.conv_fc import ConvFC
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.specs import NetworkSpec
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Minima
from lossbars.symmetry.permutations import find_symmetry
from support.plans import make_plan
from support.small_landscapes import Interrupted, Memory
from support.small_networks import CPU, loaded, value_and_gradient
from support.workflow import TINY

SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "digits": (1, 8, 8)}
MNIST: dict[str, Any] = {"kind": "conv-fc"}
CIFAR: dict[str, Any] = MNIST | {
    "channels": [64, 64],
    "hidden": [384, 192],
    "dropout": 0.0,
    "pooling": 3,
    "norm": "local-response",
}
SMALL: dict[str, Any] = {"channels": [3, 4], "hidden": [5], "dropout": 0.0}
KINDS: dict[str, dict[str, Any]] = {
    "plain": SMALL,
    "dropped": SMALL | {"dropout": 0.5},
    "normalised": SMALL | {"channels": [3, 16, 4], "hidden": [6, 5], "pooling": 3, "norm": "local-response"},
}


def made(data: str = "mnist", **spec: Any) -> ConvFC:
    checked: Any = TypeAdapter(NetworkSpec).validate_python(spec)
    module = network_maker(checked, DataShape(SHAPES[data], 10))()
    assert isinstance(module, ConvFC)
    return module


def small(name: str) -> ConvFC:
    return ConvFC((2, 7, 8), 4, **KINDS[name])


def images(m: int = 12) -> Split:
    g = Generator().manual_seed(0)
    return Split(torch.rand(m, 2, 7, 8, generator=g), torch.randint(4, (m,), generator=g))


def landscape(name: str) -> NetworkLandscape:
    return NetworkLandscape(lambda: small(name), images(), 5, CPU)


# The module --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "spec", "count"),
    [("mnist", MNIST, 3_274_634), ("cifar10", CIFAR, 1_756_426), ("digits", MNIST | SMALL, 527)],
)
def test_parameters(data: str, spec: dict[str, Any], count: int) -> None:
    module, shape = made(data, **spec), SHAPES[data]
    assert sum(p.numel() for p in module.parameters()) == count
    assert module(torch.rand(2, *shape)).shape == (2, 10)
    channels, hidden = spec.get("channels", [32, 64]), spec.get("hidden", [1024])
    convolved = sum(25 * a * b + b for a, b in zip([shape[0], *channels[:-1]], channels, strict=True))
    widths = [channels[-1] * (shape[1] // 4) ** 2, *hidden, 10]
    assert count == convolved + sum(a * b + b for a, b in pairwise(widths))


def test_mnists_is_its_tutorial() -> None:
    module = made("mnist", **MNIST).double().eval()
    (a, b), (c,), d = module.convolutions, module.hidden, module.linear
    x = torch.rand(3, 1, 28, 28).double()
    y = F.max_pool2d(F.relu(F.conv2d(x, a.weight, a.bias, padding=2)), 2)
    y = F.max_pool2d(F.relu(F.conv2d(y, b.weight, b.bias, padding=2)), 2)
    assert y.shape == (3, 64, 7, 7)
    y = F.relu(y.flatten(1) @ c.weight.T + c.bias)
    torch.testing.assert_close(module(x), y @ d.weight.T + d.bias)


def normalised(x: Tensor) -> Tensor:
    """tf.nn.lrn(x, 4, bias=1, alpha=.001/9, beta=.75): over a channel, four before and four after."""
    squares = F.pad(x.square(), (0, 0, 0, 0, 4, 4))
    summed = torch.stack([squares[:, i : i + x.shape[1]] for i in range(9)]).sum(0)
    return x / (1 + 0.001 / 9 * summed) ** 0.75


def pooled(x: Tensor, size: int) -> Tensor:
    """TensorFlow's "same" max pool of stride 2: of the places that are missing, half before, rounded down."""
    for axis in (2, 3):
        side = x.shape[axis]
        count = -(-side // 2)
        lacking = max(0, (count - 1) * 2 + size - side)
        firsts = [2 * i - lacking // 2 for i in range(count)]
        places = [slice(max(0, first), first + size) for first in firsts]
        x = torch.stack([x.movedim(axis, 0)[place].amax(0) for place in places], axis)
    return x


def test_cifars_is_its_tutorial() -> None:
    module = made("cifar10", **CIFAR).double().eval()
    (a, b), (c, d), e = module.convolutions, module.hidden, module.linear
    for convolution in (a, b):
        nn.init.normal_(convolution.weight)  # so that the normalisation is seen
    x = torch.rand(2, 3, 32, 32).double()
    y = normalised(pooled(F.relu(F.conv2d(x, a.weight, a.bias, padding=2)), 3))
    y = pooled(normalised(F.relu(F.conv2d(y, b.weight, b.bias, padding=2))), 3)
    assert y.shape == (2, 64, 8, 8)
    y = F.relu(F.relu(y.flatten(1) @ c.weight.T + c.bias) @ d.weight.T + d.bias)
    torch.testing.assert_close(module(x), y @ e.weight.T + e.bias)
    plain = made("cifar10", **CIFAR | {"norm": "none"}).double()
    plain.load_state_dict(module.state_dict())
    assert not torch.allclose(plain(x), module(x), rtol=0.1)


@pytest.mark.parametrize("size", [2, 3])
def test_pools_are_padded_as_tensorflow_pads(size: int) -> None:
    module = ConvFC((1, 8, 8), 2, [1], [1], pooling=size)  # type: ignore[arg-type]
    for height in range(1, 10):
        for width in (1, 6, 7):
            x = torch.randn(2, 3, height, width)
            assert torch.equal(module._pooled(x), pooled(x, size)), (height, width)


def test_dropout_is_of_hidden_layers_in_training() -> None:
    module, x = made("mnist", **MNIST), torch.rand(2, 1, 28, 28)
    assert torch.equal(module.eval()(x), module(x))
    seen = list[Tensor]()
    module.linear.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    module(x)
    module.train()(x)
    whole, dropped = seen
    gone = (dropped == 0) & (whole != 0)
    assert float(gone.float().sum() / (whole != 0).sum()) == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(dropped[~gone], 2 * whole[~gone])


def test_what_is_no_image_and_no_such_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"conv-fc takes images, the data set has inputs of shape \(64,\)"):
        ConvFC((64,), 10, [3], [5])
    for wrong in ({"channels": []}, {"hidden": []}, {"pooling": 4}, {"norm": "batch"}, {"dropout": 1.0}, {"width": 3}):
        with pytest.raises(ValidationError):
            TypeAdapter(NetworkSpec).validate_python(MNIST | wrong)


# As a landscape ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_loss_of_record_and_gradient_are_those_of_a_plain_module(name: str) -> None:
    of, data = landscape(name), images()
    assert of.stacking == "loop" and of.random == (name == "dropped")
    assert of.layout == ("channels-last" if name == "normalised" else "contiguous")
    theta = 2 * of.init(2, Generator().manual_seed(0))
    losses, gradients = of.value_and_gradient(theta, None)
    assert torch.equal(of.loss(theta), of.evaluate(theta, of.train)[0]) and torch.equal(of.loss(theta), of.loss(theta))
    for i in range(2):
        loss, gradient = value_and_gradient(loaded(lambda: small(name), theta[i]).eval(), data.x, data.y)
        torch.testing.assert_close(losses[i], loss, rtol=1e-6, atol=0)
        torch.testing.assert_close(gradients[i].double(), gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["plain", "normalised"])
def test_gradient_of_a_batch(name: str) -> None:
    of, data = landscape(name), images()
    theta = 2 * of.init(2, Generator().manual_seed(0))
    batch = next(of.batches([Generator().manual_seed(1)]))
    losses, gradients = of.value_and_gradient(theta, batch)
    for i in range(2):
        module = loaded(lambda: small(name), theta[i])
        loss, gradient = value_and_gradient(module, data.x[batch.index], data.y[batch.index])
        torch.testing.assert_close(losses[i].double(), loss, rtol=1e-5, atol=0)
        torch.testing.assert_close(gradients[i].double(), gradient, rtol=1e-3, atol=1e-6)


def test_dropout_is_drawn_by_each_row_alone_and_goes_on_after_an_interruption() -> None:
    of = landscape("dropped")
    start = of.init(2, Generator().manual_seed(0))
    recipe = Minima(optimiser="adam", epochs=3, schedule={"kind": "constant", "lr": 1.0e-2})

    def descend(memory: Memory | None = None) -> Tensor:
        return minimise(of, start, recipe, [Generator().manual_seed(s) for s in (1, 2)], checkpoint=memory)

    end = descend()
    torch.rand(7)  # the global generator has no say
    assert torch.equal(descend(), end)
    assert torch.equal(minimise(of, start[1:], recipe, [Generator().manual_seed(2)])[0], end[1])
    memory = Memory(saves=1, every=3)
    with pytest.raises(Interrupted):
        descend(memory)
    memory.saves = None
    assert torch.equal(descend(memory), end)


def test_units_are_free_where_channels_are_not_neighbours() -> None:
    """Local response normalisation mixes channels that are near each other: these stay where they are."""
    sizes = {
        name: sorted(group.size for group in find_symmetry(small(name).eval(), images().x[:3]).groups) for name in KINDS
    }
    assert sizes == {"plain": [3, 4, 5], "dropped": [3, 4, 5], "normalised": [5, 6]}


# Costs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "spec"), [("mnist", MNIST), ("cifar10", CIFAR), ("cifar10", CIFAR | {"norm": "none"})]
)
def test_costs_are_counted_as_the_network_is(data: str, spec: dict[str, Any]) -> None:
    plan = make_plan(images=TINY | {"data": data, "models": {"cnn": {"network": spec}}})
    shape = SHAPES[data]
    counted = plan.experiments["images"].models["cnn"].network.size(Size(9, 9, torch.Size(shape).numel(), 10))
    module = made(data, **spec).to(memory_format=torch.channels_last)
    assert counted.parameters == sum(p.numel() for p in module.parameters())
    products = list[int]()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda m, _, y: products.append(m.weight.numel() * y[0, 0].numel()))
    x = torch.rand(4, *shape).contiguous(memory_format=torch.channels_last)
    kept = _kept(module, x) / 4
    assert counted.products == sum(products)
    assert 0.85 * kept < counted.kept < 1.15 * kept


def _kept(module: nn.Module, x: Tensor) -> float:
    """Numbers that a forward pass leaves for the backward pass, its inputs apart."""
    seen, known = {}, {p.data_ptr() for p in [*module.parameters(), x]}

    def pack(t: Tensor) -> Tensor:
        seen[t.untyped_storage().data_ptr()] = t.untyped_storage()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        module(x)
    return sum(storage.nbytes() for place, storage in seen.items() if place not in known) / 4
