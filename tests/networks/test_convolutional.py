"""Convolutional networks: as the papers' tables have them, and the same numbers in every layout and precision."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network import precision as convolution
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.precision import chosen_precision, fastest_batch, fastest_layout
from lossbars.networks.cnn import CNN
from lossbars.networks.lenet import LeNet
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.mlp import MLP
from lossbars.networks.resnet_195k import Residual, ResNet195k
from lossbars.networks.specs import NetworkSpec
from support.small_networks import loaded, norms, record, value_and_gradient

CPU = torch.device("cpu")
IMAGE = (3, 32, 32)
CLOSE = {"rtol": 1e-4, "atol": 2e-6}  # float32 against float64
MAKES: dict[str, Callable[[], nn.Module]] = {
    "shallow": lambda: CNN(IMAGE, 10, 1, 4),
    "deep": lambda: CNN(IMAGE, 10, 3, 4, batch_norm=True),
    "wide": lambda: CNN(IMAGE, 10, 2, 16, batch_norm=True),
    "resnet": lambda: ResNet195k(IMAGE, 10),
}


def data(m: int = 10) -> Split:
    g = torch.Generator().manual_seed(0)
    return Split(torch.rand(m, *IMAGE, generator=g), torch.randint(10, (m,), generator=g))


def landscape(name: str, **settings: Any) -> NetworkLandscape:
    return NetworkLandscape(MAKES[name], data(), 5, CPU, **settings)


def starts(of: NetworkLandscape, n: int = 2) -> Tensor:
    return of.init(n, torch.Generator().manual_seed(3))


def both(of: NetworkLandscape, theta: Tensor, batch: Batch | None) -> tuple[Tensor, Tensor]:
    loss, gradient = of.value_and_gradient(theta, batch)
    return loss.clone(), gradient.clone()


BATCH = Batch(torch.tensor([7, 1, 4, 8, 2]))

# Architectures -----------------------------------------------------------------------------------


def made(**spec: Any) -> nn.Module:
    checked: Any = TypeAdapter(NetworkSpec).validate_python(spec)
    return network_maker(checked, DataShape(IMAGE, 10))()


@pytest.mark.parametrize(
    ("depth", "channels", "count"),
    [(1, 32, 7_562), (1, 64, 15_114), (1, 128, 30_218), (2, 32, 33_194), (2, 64, 117_578), (3, 32, 58_826)],
)
def test_parameters_of_the_cnns(depth: int, channels: int, count: int) -> None:
    """Barannikov et al. 2022, §4.2: from 7K in CNN-1-32 to 117K in CNN-2-64."""
    for batch_norm, more in ((False, 0), (True, 2 * channels * depth)):
        net = made(kind="cnn", depth=depth, channels=channels, batch_norm=batch_norm)
        assert isinstance(net, CNN) and net(data(2).x).shape == (2, 10)
        assert sum(p.numel() for p in net.parameters()) == count + more
        assert len(net.convolutions) == depth and len(net.norms) == (depth if batch_norm else 0)


def test_a_cnn_is_its_table() -> None:
    """CNN-2: 32 × 32, pooled by 2, then by 4; BatchNorm before the activation."""
    net = CNN(IMAGE, 10, 2, 4, batch_norm=True).double().eval()
    for norm in norms(net):
        norm.running_mean.uniform_(-0.1, 0.1)
        norm.weight.data.uniform_(-1, 1)  # of both signs, so that before and after the activation are not the same
    x = data().x.double()
    (a, b), (m, n) = net.convolutions, net.norms
    x1 = F.max_pool2d(F.relu(m(F.conv2d(x, a.weight, a.bias, padding=2))), 2)
    x2 = F.max_pool2d(F.relu(n(F.conv2d(x1, b.weight, b.bias, padding=2))), 4)
    assert x1.shape[1:] == (4, 16, 16) and x2.shape[1:] == (4, 4, 4)
    torch.testing.assert_close(net(x), F.linear(x2.flatten(1), net.linear.weight, net.linear.bias))
    unnormed = CNN(IMAGE, 10, 2, 4).double()
    unnormed.load_state_dict({name: p for name, p in net.state_dict().items() if not name.startswith("norms")})
    assert not torch.allclose(unnormed(x), net(x))


@pytest.mark.parametrize(("layers", "count"), [("text", 195_210), ("table", 232_138)])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_resnet_is_its_table(layers: str, count: int, relu: bool, pooling: str) -> None:
    """Barannikov et al. 2022, table 5, line by line; the text's count is the table without the convolution of x⁶."""
    net = made(kind="resnet-195k", layers=layers, relu_after_sum=relu, pooling=pooling)
    assert sum(p.numel() for p in net.parameters()) == count
    net = net.double().eval()

    def conv(layer: Any, x: Tensor) -> Tensor:
        return F.conv2d(x, layer.weight, layer.bias, padding=1)

    def summed(block: Any, x: Tensor) -> Tensor:
        y = conv(block.second, F.relu(conv(block.first, x))) + x
        return F.relu(y) if relu else y

    x0 = F.relu(conv(net.convolutions[0], data().x.double()))
    x1 = summed(net.residuals[0], x0)
    x2 = F.relu(conv(net.convolutions[1], F.max_pool2d(x1, 2)))
    x3 = summed(net.residuals[1], x2)
    x4 = F.relu(conv(net.convolutions[2], F.max_pool2d(x3, 2)))
    x5 = summed(net.residuals[2], x4)
    x6 = F.max_pool2d(x5, 2)
    x6 = F.relu(conv(net.convolutions[3], x6)) if layers == "table" else x6
    x7 = summed(net.residuals[3], x6)
    assert x7.shape[1:] == (64, 4, 4)
    x8 = net.norm(x7.flatten(2).amax(2) if pooling == "max" else x7.mean((2, 3)))
    torch.testing.assert_close(net(data().x.double()), F.linear(x8, net.linear.weight, net.linear.bias))
    assert len(norms(net)) == 1 and len([m for m in net.modules() if isinstance(m, Residual)]) == 4


def test_starts_of_the_resnet() -> None:
    torch.manual_seed(0)
    plain, kaiming = made(kind="resnet-195k"), made(kind="resnet-195k", init="kaiming")
    for name, p in kaiming.named_parameters():
        if name.endswith("bias") and "norm" not in name:
            assert bool((p == 0.01).all()), name
        elif "norm" not in name:
            assert float(p.detach().std()) == pytest.approx((2 / p[0].numel()) ** 0.5, rel=0.15), name
    assert bool((kaiming.norm.weight == 1).all()) and bool((kaiming.norm.bias == 0).all())
    assert not bool((plain.linear.bias == 0.01).any()) and float(plain.linear.weight.detach().abs().max()) <= 1 / 8


def test_images_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"CNN takes images of 32 x 32 pixels.*\(1, 28, 28\)"):
        CNN((1, 28, 28), 10, 1, 32)
    with pytest.raises(ValueError, match=r"ResNet195k takes images of 8 x 8 pixels or more.*\(4,\)"):
        ResNet195k((4,), 10)
    assert ResNet195k((1, 28, 28), 4).eval()(torch.rand(2, 1, 28, 28)).shape == (2, 4)
    with pytest.raises(ValidationError, match="depth"):
        made(kind="cnn", depth=4, channels=32)


# Landscapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKES)
def test_gradients_are_those_of_a_plain_module_in_float64(name: str) -> None:
    of = landscape(name)
    theta = starts(of)
    for i, (loss, gradient) in enumerate(zip(*both(of, theta, BATCH), strict=True)):
        module = loaded(MAKES[name], theta[i]).train()
        expected = value_and_gradient(module, of.train.x[BATCH.index], of.train.y[BATCH.index])
        torch.testing.assert_close(loss.double(), expected[0], **CLOSE)
        torch.testing.assert_close(gradient.double(), expected[1], rtol=1e-3, atol=1e-4)  # few samples in BatchNorm
    recorded = torch.stack([record(MAKES[name], row, of.train)[0] for row in theta])
    torch.testing.assert_close(of.loss(theta), recorded, **CLOSE)


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_bits_every_time(name: str, precision: str) -> None:
    theta = starts(landscape(name))
    for batch in (BATCH, None):
        one, other = (both(landscape(name, precision=precision), theta, batch) for _ in range(2))
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    alone = both(landscape(name, precision=precision), theta[1:], BATCH)
    together = both(landscape(name, precision=precision), theta, BATCH)
    assert torch.equal(alone[1][0], together[1][1])


def test_batches_of_the_record() -> None:
    sizes = {fastest_batch(make(), CPU, 1000) for make in MAKES.values()}
    assert sizes == {50} and fastest_batch(MAKES["wide"](), torch.device("cuda"), 1000) == 1000
    assert fastest_batch(MLP((4,), 2, 1, 64), CPU, 1000) == 1000 and fastest_batch(MAKES["wide"](), CPU, 9) == 9


def test_layouts() -> None:
    layouts = {name: fastest_layout(make()) for name, make in MAKES.items()}
    wide = {"wide": "channels-last", "resnet": "channels-last"}
    assert layouts == {"shallow": "contiguous", "deep": "contiguous"} | wide
    assert fastest_layout(MAKES["wide"]()) == "channels-last"
    assert fastest_layout(LeNet((1, 28, 28), 10)) == fastest_layout(MLP((4,), 2, 1, 64)) == "contiguous"
    assert landscape("wide").facts == {
        "stacking": "loop",
        "layout": "channels-last",
        "precision": "float32",
        "micro_batch": "5",
        "networks_at_once": "1",
        "steps": "eager",
        "device": "cpu",
        "statistics": "differentiated",
    }


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
@pytest.mark.parametrize("own", [False, True])
def test_the_layout_reaches_the_network_and_changes_no_number(
    monkeypatch: pytest.MonkeyPatch, augment: str, own: bool
) -> None:
    noise = torch.tensor([5, 6])
    batch = Batch(torch.stack([BATCH.index, BATCH.index.flip(0)]), noise) if own else Batch(BATCH.index, noise[:1])
    found = {}
    for layout, wide in (("channels-last", 16), ("contiguous", 99)):
        monkeypatch.setattr(convolution, "WIDE", wide)
        of = landscape("wide", augment=augment)
        seen: list[Tensor] = []
        of.module.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0]))
        theta = starts(of)
        found[layout] = *both(of, theta, batch), of.loss(theta)
        assert of.layout == layout and len(seen) == 6  # a batch, statistics and losses of each of two
        assert all(x.is_contiguous(memory_format=convolution.FORMATS[of.layout]) for x in seen)
    one, other = found["channels-last"], found["contiguous"]
    torch.testing.assert_close(one[::2], other[::2], rtol=1e-5, atol=1e-6)
    if augment == "none":
        torch.testing.assert_close(one[1], other[1], rtol=1e-4, atol=1e-5)
    else:  # places of the padding are equal: which of them is the largest of a pool is for rounding to say
        assert float(F.cosine_similarity(one[1], other[1]).min()) > 0.999


@pytest.mark.parametrize("name", ["shallow", "wide", "resnet"])
def test_batches_alone_are_in_bfloat16(name: str) -> None:
    """The loss of record, its gradient and all accuracies keep their bits."""
    exact, half = landscape(name), landscape(name, precision="bfloat16")
    assert (exact.precision, half.precision) == ("float32", "bfloat16")
    theta = starts(exact)
    for one, other in zip(both(exact, theta, None), both(half, theta, None), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(exact.evaluate(theta, data()), half.evaluate(theta, data()), strict=True):
        assert torch.equal(one, other)
    (loss, gradient), (rough, downhill) = both(exact, theta, BATCH), both(half, theta, BATCH)
    assert rough.dtype == downhill.dtype == torch.float32 and not torch.equal(rough, loss)
    torch.testing.assert_close(rough, loss, rtol=0.02, atol=0)
    assert float(F.cosine_similarity(gradient, downhill).min()) > 0.95
    torch.testing.assert_close(half.loss(theta, BATCH), rough)


def test_stacked_networks_in_bfloat16() -> None:
    def make() -> nn.Module:
        return MLP(IMAGE, 10, 2, 8)

    exact, half = (NetworkLandscape(make, data(), 5, CPU, precision=p) for p in ("float32", "bfloat16"))
    theta = starts(exact, 3)
    assert half.stacking == "batched" and torch.equal(exact.loss(theta), half.loss(theta))
    (loss, gradient), (rough, downhill) = both(exact, theta, BATCH), both(half, theta, BATCH)
    assert rough.dtype == downhill.dtype == torch.float32 and not torch.equal(rough, loss)
    torch.testing.assert_close(rough, loss, rtol=0.02, atol=0)
    assert float(F.cosine_similarity(gradient, downhill).min()) > 0.98


def test_automatic_precision_asks_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(convolution, "has_bfloat16", lambda has=has: has)
        assert landscape("shallow", precision="auto").facts["precision"] == expected
        assert chosen_precision("bfloat16", CPU) == "bfloat16" and chosen_precision("float32", CPU) == "float32"
