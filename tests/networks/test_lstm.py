"""The LSTM: its parameters, its recurrence, its gradients as a landscape, on bytes and on words."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lossbars.datasets.dataset import Split, windows
from lossbars.datasets.specs import Size
from lossbars.landscapes.network.evaluation import EVALUATED_TOKENS, OUTPUT_NUMBERS
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.lstm import LSTM
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.specs import LSTMSpec
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Minima
from lossbars.symmetry.permutations import find_symmetry
from support.plans import make_plan
from support.small_landscapes import Interrupted, Memory
from support.small_networks import CPU, loaded
from support.workflow import TINY

WORDS = 30
KINDS = {"bytes": (torch.uint8, 256), "words": (torch.int16, WORDS), "many words": (torch.int32, WORDS)}
PLAIN = {"kind": "lstm"}


def small(outputs: int = WORDS, **settings: Any) -> LSTM:
    return LSTM(outputs, **({"layers": 2, "width": 6} | settings))


def text(kind: str = "words", length: int = 401) -> Tensor:
    """Words that follow each other by a rule."""
    return (torch.arange(length) ** 2 // 3 % WORDS).to(KINDS[kind][0])


def landscape(kind: str = "words", context: int = 8, batch_size: int = 5, **settings: Any) -> NetworkLandscape:
    outputs = KINDS[kind][1]
    return NetworkLandscape(lambda: small(outputs, **settings), Split(*windows(text(kind), context)), batch_size, CPU)


def starts(of: NetworkLandscape, n: int = 2) -> Tensor:
    theta = of.init(n, Generator().manual_seed(0))
    return theta + 0.3 * torch.randn(theta.shape, generator=Generator().manual_seed(1))


# The module --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "layers", "width", "count"),
    [(10_000, 2, 200, 4_653_200), (256, 2, 200, 745_856), (30, 1, 6, 726), (30, 3, 6, 1398)],
)
def test_parameters(outputs: int, layers: int, width: int, count: int) -> None:
    spec = LSTMSpec(kind="lstm", layers=layers, width=width)
    made = network_maker(spec, DataShape((20,), outputs, tokens=True))()
    assert isinstance(made, LSTM) and sum(p.numel() for p in made.parameters()) == count
    assert count == 2 * outputs * width + outputs + layers * (8 * width**2 + 8 * width)


def test_all_begin_uniform_but_biases_of_gates() -> None:
    torch.manual_seed(0)
    for name, parameter in small(200, width=50).named_parameters():
        p = parameter.detach()
        if "bias_" in name:
            assert not p.any(), name
            continue
        assert 0.095 < float(p.max()) <= 0.1 and -0.1 <= float(p.min()) < -0.095, name
        assert float(p.square().mean().sqrt()) == pytest.approx(0.1 / math.sqrt(3), rel=0.1), name


def test_it_is_its_formula() -> None:
    """i, f, o = σ(·), g = tanh(·); c = f c + i g, h = o tanh c (Zaremba et al. 2014, section 3.1), from zeros."""
    module, x = small().double(), text()[:16].view(2, 8)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    y = module.tokens.weight[x.long()]
    for layer in module.recurrent:
        h, c, seen = torch.zeros(2, 6).double(), torch.zeros(2, 6).double(), []
        for t in range(8):
            gates = y[:, t] @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
            i, f, g, o = gates.split(6, 1)  # torch's order
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            seen.append(h)
        y = torch.stack(seen, 1)
    torch.testing.assert_close(module(x), y @ module.linear.weight.T + module.linear.bias)


def test_no_token_sees_a_later_one_nor_another_window() -> None:
    module, x = small().eval(), text()[:24].view(3, 8)
    other = x.clone()
    other[1, 5] += 1
    before, after = module(x), module(other)
    changed = (before - after).abs().amax(-1) > 0
    assert changed[1].tolist() == [False] * 5 + [True] * 3 and not changed[[0, 2]].any()


def test_dropout_is_of_training_and_not_from_step_to_step() -> None:
    module, x = small(dropout=0.5, layers=1), text()[:16].view(2, 8)
    assert torch.equal(module.eval()(x), module(x))
    assert not torch.equal(module.train()(x), module(x))
    without = small(dropout=0.0).train()
    assert torch.equal(without(x), without(x))
    wide = small(dropout=0.5, layers=1, width=400).train()
    seen = list[Tensor]()
    wide.linear.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    wide.recurrent[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    wide(x)
    for given in seen:  # what goes into the LSTM, and what comes out: each number is dropped by itself
        assert float((given == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert ((seen[1] == 0).float().mean((0, 1)) < 1).float().mean() > 0.99  # a unit that is dropped once is not lost


# As a landscape ----------------------------------------------------------------------------------


def autograd(theta: Tensor, x: Tensor, y: Tensor, outputs: int) -> tuple[Tensor, Tensor]:
    """Loss and gradient of a module of its own in float64."""
    module: nn.Module = loaded(lambda: small(outputs), theta)
    loss = F.cross_entropy(module(x).flatten(0, 1), y.flatten().long())
    return loss.detach(), torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(module.parameters()))])


@pytest.mark.parametrize("kind", KINDS)
def test_loss_of_record_and_gradient_are_those_of_a_plain_module(kind: str) -> None:
    of = landscape(kind)
    assert of.stacking == "loop" and of.chain is None and not of.random and of.layout == "contiguous"
    theta, (x, y) = starts(of), windows(text(kind), 8)
    losses, accuracy = of.evaluate(theta, of.train)
    found, gradients = of.value_and_gradient(theta, None)
    assert torch.equal(of.loss(theta), losses) and torch.equal(losses, of.evaluate(theta, of.train)[0])
    for i in range(2):
        loss, gradient = autograd(theta[i], x, y, KINDS[kind][1])
        torch.testing.assert_close(losses[i], loss, rtol=1e-6, atol=0)
        torch.testing.assert_close(found[i], loss, rtol=1e-6, atol=0)
        torch.testing.assert_close(gradients[i].double(), gradient, rtol=1e-3, atol=1e-7)
        output = loaded(lambda: small(KINDS[kind][1]), theta[i], torch.float32)(x)
        assert float(accuracy[i]) == pytest.approx(float((output.argmax(-1) == y).double().mean()), abs=5e-3)
    exact = of.value_and_gradient(theta.double(), None)[1]
    torch.testing.assert_close(exact[1], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("own_batches", [False, True])
def test_gradient_of_a_batch(own_batches: bool) -> None:
    of = landscape()
    theta, (x, y) = starts(of), windows(text(), 8)
    batch = next(of.batches([Generator().manual_seed(s) for s in ((1, 2) if own_batches else (1,))]))
    losses, gradients = of.value_and_gradient(theta, batch)
    for i in range(2):
        index = batch.index[i] if own_batches else batch.index
        loss, gradient = autograd(theta[i], x[index], y[index], WORDS)
        torch.testing.assert_close(losses[i].double(), loss, rtol=1e-5, atol=0)
        torch.testing.assert_close(gradients[i].double(), gradient, rtol=1e-3, atol=1e-7)


def test_words_with_many_outputs_are_measured_few_at_a_time() -> None:
    assert landscape("bytes").record.samples_at_once == EVALUATED_TOKENS // 8
    many = 3 * OUTPUT_NUMBERS // EVALUATED_TOKENS
    of = NetworkLandscape(lambda: small(many, layers=1, width=1), Split(*windows(text(), 8)), 5, CPU)
    assert of.record.samples_at_once == OUTPUT_NUMBERS // (8 * many) < EVALUATED_TOKENS // 8
    assert of.rows_at_once == 1


def test_the_same_bits_twice_and_after_an_interruption_with_dropout_and_clipping() -> None:
    of = landscape(dropout=0.3)
    assert of.random
    start = of.init(2, Generator().manual_seed(0))
    schedule = {"kind": "steps", "lr": 1.0, "at": [1.0], "factor": 0.5}
    recipe = Minima(optimiser="sgd", momentum=0.0, epochs=2, schedule=schedule, clip=0.05)

    def descend(memory: Memory | None = None) -> Tensor:
        return minimise(of, start, recipe, [Generator().manual_seed(s) for s in (1, 2)], checkpoint=memory)

    end = descend()
    torch.rand(7)  # the global generator has no say
    assert torch.equal(descend(), end)
    assert torch.equal(minimise(of, start[1:], recipe, [Generator().manual_seed(2)])[0], end[1])
    memory = Memory(saves=2, every=7)
    with pytest.raises(Interrupted):
        descend(memory)
    memory.saves = None
    assert torch.equal(descend(memory), end)
    assert torch.equal(of.loss(end), of.loss(end))  # without dropout


def test_training_learns_what_follows() -> None:
    of = landscape(width=16)
    start = of.init(1, Generator().manual_seed(0))
    schedule = {"kind": "constant", "lr": 1.0}
    recipe = Minima(optimiser="sgd", momentum=0.9, epochs=60, schedule=schedule, clip=1.0)
    end = minimise(of, start, recipe, [Generator().manual_seed(1)])
    assert float(of.loss(start)) == pytest.approx(math.log(WORDS), abs=0.1) and float(of.loss(end)) < 1
    assert float(of.evaluate(end, of.train)[1]) > 0.7


def test_no_units_are_taken_to_be_free() -> None:
    """Gates of a unit are a stride apart: a symmetry that is not looked for."""
    assert find_symmetry(small().eval(), windows(text(), 8)[0][:3]).groups == ()


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_costs_are_counted_as_the_network_is(dropout: float) -> None:
    for context, outputs, layers, width in ((20, 1000, 2, 100), (40, 100, 1, 100), (20, 300, 3, 64)):
        made = LSTM(outputs, layers, width, dropout)
        spec = PLAIN | {"layers": layers, "width": width, "dropout": dropout}
        plan = make_plan(words=TINY | {"data": "ptb", "models": {"lstm": {"network": spec}}})
        model = plan.experiments["words"].models["lstm"]
        counted = model.network.size(Size(9, 9, context, outputs, text=True))
        assert counted.parameters == sum(p.numel() for p in made.parameters())
        linear = [m.weight.numel() for m in made.modules() if isinstance(m, nn.Linear)]
        weights = sum(p.numel() for m in made.recurrent for p in m.parameters() if p.dim() == 2)
        assert counted.products == context * (sum(linear) + weights)
        kept = _kept(made.train(), torch.zeros(2, context, dtype=torch.int16)) / 2
        assert 0.85 * kept < counted.kept < 1.15 * kept, (context, outputs, layers, width)


def _kept(module: nn.Module, x: Tensor) -> float:
    """Numbers that a forward pass leaves for the backward pass."""
    seen, parameters = {}, {p.data_ptr() for p in module.parameters()}

    def pack(t: Tensor) -> Tensor:
        seen[t.untyped_storage().data_ptr()] = t.untyped_storage()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        F.cross_entropy(module(x).flatten(0, 1), x.flatten().long())
    return sum(storage.nbytes() for place, storage in seen.items() if place not in parameters) / 4
