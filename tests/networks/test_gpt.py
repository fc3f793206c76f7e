"""The GPT: its parameters, what each token may see, its loss on text, dropout, and a barcode from text in miniature."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lossbars.datasets.dataset import Split, windows
from lossbars.datasets.specs import Size
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.gpt import GPT
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.specs import GPTSpec, MLPSpec
from lossbars.optimise.connect import connect
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Curves, Minima
from lossbars.simplices import Bezier
from lossbars.simplices.simplex import Simplices
from lossbars.workflow.artefacts import read_records, read_tensors
from support.plans import make_plan, read_table_of, run_tasks
from support.small_landscapes import Interrupted, Memory
from support.small_networks import CPU, loaded

SMALL: dict[str, Any] = {"layers": 2, "heads": 2, "width": 16}
CONSTANT = {"schedule": {"kind": "constant", "lr": 3.0e-3}}


def small(context: int = 16, **settings: Any) -> GPT:
    return GPT(context, 256, **(SMALL | settings))


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(256, shape, generator=Generator().manual_seed(seed), dtype=torch.uint8)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# The module --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outputs", "parameters"), [(65, 10_788_929), (256, 10_935_808)])
def test_it_has_the_parameters_of_the_code_that_the_paper_cites(outputs: int, parameters: int) -> None:
    assert count(GPT(256, outputs)) == parameters


@pytest.mark.parametrize("changed", [0, 7, 15])
def test_no_token_sees_a_later_one(changed: int) -> None:
    module, x = small().eval(), tokens(3, 16)
    torch.nn.init.normal_(module.linear.weight)
    other = x.clone()
    other[:, changed] += 1
    before, after = module(x), module(other)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert ((before - after)[:, changed:].abs().amax(-1) > 1e-4).all()  # and every later one is seen
    torch.testing.assert_close(module(x[:, :5]), before[:, :5])  # a shorter text is the beginning of a longer


def test_an_attending_layer_is_its_formula() -> None:
    module = small(layers=1).eval()
    block, x = module.blocks[0], torch.randn(2, 5, 16)
    normed = F.layer_norm(x, (16,))
    q, k, v = (normed @ weight.T for weight in block.attend.weight.split(16))
    later = torch.ones(5, 5).triu(1).bool()
    heads = []
    for h in (slice(0, 8), slice(8, 16)):
        scores = (q[..., h] @ k[..., h].transpose(1, 2) / math.sqrt(8)).masked_fill(later, -torch.inf)
        heads.append(scores.softmax(-1) @ v[..., h])
    y = x + torch.cat(heads, -1) @ block.project.weight.T
    fed = F.layer_norm(y, (16,)) @ block.widen.weight.T
    torch.testing.assert_close(block(x), y + fed.clamp(min=0) @ block.narrow.weight.T)  # new biases are zero


def test_initial_weights_are_small_and_the_loss_is_that_of_a_guess() -> None:
    torch.manual_seed(0)
    module = GPT(64, 256, layers=2, heads=2, width=64).eval()
    for name, parameter in module.named_parameters():
        p = parameter.detach()
        if "norm" in name:
            assert torch.equal(p, torch.full_like(p, float(name.endswith("weight")))), name
        elif name.endswith("bias"):
            assert not p.any(), name
        else:
            assert abs(float(p.std()) - 0.02) < 1e-3 and abs(float(p.mean())) < 1e-3, name
    loss = F.cross_entropy(module(tokens(8, 64)).flatten(0, 1), tokens(8, 64, seed=1).flatten().long())
    assert abs(loss.item() - math.log(256)) < 0.1


def test_dropout_is_of_training_alone() -> None:
    module, x = small(dropout=0.5), tokens(2, 16)
    assert torch.equal(module.eval()(x), module(x))
    assert not torch.equal(module.train()(x), module(x))
    without = small(dropout=0.0).train()
    assert torch.equal(without(x), without(x))


def test_dropout_is_of_attention_of_its_projection_and_of_the_feed_forward() -> None:
    block, x = small(layers=1, heads=1, dropout=0.5).train().blocks[0], torch.randn(500, 3, 16)
    nn.init.zeros_(block.narrow.weight)
    first = (block(x) - x)[:, 0] != 0  # the first token attends to itself alone, or to nothing
    attends = first.any(1)
    assert abs(float(attends.float().mean()) - 0.5) < 0.1
    assert abs(float(first[attends].float().mean()) - 0.5) < 0.05
    nn.init.normal_(block.narrow.weight)
    nn.init.zeros_(block.project.weight)
    assert abs(float((block(x) != x).float().mean()) - 0.5) < 0.02


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_costs_are_counted_as_the_network_is(dropout: float) -> None:
    for context, layers, heads, width in ((64, 2, 2, 32), (256, 2, 2, 64), (128, 3, 4, 32)):
        sizes = {"layers": layers, "heads": heads, "width": width}
        made = GPT(context, 256, **sizes, dropout=dropout)
        spec = {"gpt": {"network": {"kind": "gpt", "dropout": dropout} | sizes}}
        experiment = CONFIG | {"models": {"gpt": CONFIG["models"]["gpt"] | spec["gpt"]}}
        model = make_plan(mini=experiment).experiments["mini"].models["gpt"]
        counted = model.network.size(Size(9, 9, context, 256, text=True))
        assert counted.parameters == count(made)
        kept = _kept(made.train(), tokens(2, context)) / 2
        assert 0.85 * kept < counted.kept < 1.15 * kept, (context, sizes, dropout)


def _kept(module: nn.Module, x: Tensor) -> float:
    """Numbers that a forward pass leaves for the backward pass."""
    seen, own = {}, {p.data_ptr() for p in module.parameters()}

    def pack(t: Tensor) -> Tensor:
        seen[t.untyped_storage().data_ptr()] = t.untyped_storage()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        F.cross_entropy(module(x).flatten(0, 1), x.flatten().long())
    return sum(storage.nbytes() for place, storage in seen.items() if place not in own) / 4


def test_networks_and_data_must_fit() -> None:
    with pytest.raises(ValueError, match="gpt reads text, the data is none"):
        network_maker(GPTSpec(kind="gpt"), DataShape((1, 28, 28), 10))
    with pytest.raises(ValueError, match="mlp cannot read text: use gpt"):
        network_maker(MLPSpec(kind="mlp", depth=1), DataShape((256,), 256, tokens=True))
    made = network_maker(GPTSpec(kind="gpt", **SMALL), DataShape((32,), 256, tokens=True))()
    assert isinstance(made, GPT) and made.places.weight.shape == (32, 16)


# As a landscape ----------------------------------------------------------------------------------

TEXT = torch.tensor(list(b"the cat sat on the mat; the dog sat on the log. " * 30), dtype=torch.uint8)


def landscape(batch_size: int = 8, context: int = 16, **settings: Any) -> NetworkLandscape:
    return NetworkLandscape(lambda: small(context, **settings), Split(*windows(TEXT, context)), batch_size, CPU)


def test_the_loss_is_the_mean_over_tokens_in_nats() -> None:
    of = landscape()
    theta = of.init(2, Generator().manual_seed(0))
    theta = theta + 0.1 * torch.randn(theta.shape, generator=Generator().manual_seed(1))
    x, y = windows(TEXT, 16)
    loss, accuracy = of.evaluate(theta, of.train)
    for i in range(2):
        output = loaded(small, theta[i], torch.float32).eval()(x).flatten(0, 1)
        expected = F.cross_entropy(output.double(), y.flatten().long())
        torch.testing.assert_close(loss[i], expected, rtol=1e-6, atol=0)
        assert float(accuracy[i]) == pytest.approx(float((output.argmax(1) == y.flatten()).double().mean()), abs=1e-3)
    assert torch.equal(of.loss(theta), loss)
    whole, gradient = of.value_and_gradient(theta[:1], None)
    module = loaded(small, theta[0], torch.float64).eval()
    mean = F.cross_entropy(module(x).flatten(0, 1), y.flatten().long())
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(mean, list(module.parameters()))])
    torch.testing.assert_close(whole[0], mean.detach(), rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient[0].double(), expected, rtol=1e-3, atol=1e-6)


def test_few_windows_at_a_time_give_the_loss_of_all() -> None:
    of = landscape()
    theta = of.init(1, Generator().manual_seed(0))
    assert of.record.samples_at_once == 2**14 // 16
    whole = of.loss(theta)
    of.record.at_once = 7
    torch.testing.assert_close(of.loss(theta), whole, rtol=1e-6, atol=0)


@pytest.mark.parametrize("own_batches", [False, True])
def test_a_batch_is_of_its_own_windows_and_tokens(own_batches: bool) -> None:
    of = landscape(dropout=0.0)
    theta = of.init(2, Generator().manual_seed(0))
    generators = [Generator().manual_seed(s) for s in ((1, 2) if own_batches else (1,))]
    batch = next(of.batches(generators))
    x, y = windows(TEXT, 16)
    losses, gradients = of.value_and_gradient(theta, batch)
    for i in range(2):
        index = batch.index[i] if own_batches else batch.index
        module = loaded(small, theta[i], torch.float64).eval()
        loss = F.cross_entropy(module(x[index]).flatten(0, 1), y[index].flatten().long())
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(module.parameters()))])
        torch.testing.assert_close(losses[i].double(), loss.detach(), rtol=1e-5, atol=0)
        torch.testing.assert_close(gradients[i].double(), expected, rtol=1e-3, atol=1e-6)


class LastAlone(nn.Module):
    """Says what comes after a window, and nothing of the tokens inside."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 256)

    def forward(self, x: Tensor) -> Tensor:
        return self.embed(x[:, -1].long())


def test_outputs_of_another_shape_are_refused() -> None:
    of = NetworkLandscape(LastAlone, Split(*windows(TEXT, 16)), 8, CPU)
    with pytest.raises(ValueError, match=r"gives outputs of shape \(256,\) for targets of shape \(16, 'tokens'\)"):
        of.loss(of.init(1, Generator()))


def test_training_learns_more_than_frequencies() -> None:
    of = landscape(batch_size=4)
    start = of.init(1, Generator().manual_seed(0))
    recipe = Minima(optimiser="adamw", epochs=12, weight_decay=0.01, **CONSTANT)
    end = minimise(of, start, recipe, [Generator().manual_seed(1)])
    shares = TEXT.bincount() / len(TEXT)
    entropy = -float((shares * shares.clamp(min=1e-9).log()).sum())
    assert float(of.loss(start)) > entropy + 2 and float(of.loss(end)) < entropy - 1


def test_the_same_bits_twice_and_after_an_interruption_with_dropout() -> None:
    of = landscape(dropout=0.2)
    start = of.init(2, Generator().manual_seed(0))
    recipe = Minima(optimiser="adamw", epochs=2, weight_decay=0.01, **CONSTANT)

    def descend(memory: Memory | None = None) -> Tensor:
        return minimise(of, start, recipe, [Generator().manual_seed(s) for s in (1, 2)], checkpoint=memory)

    end = descend()
    torch.rand(7)  # the global generator has no say
    assert torch.equal(descend(), end)
    alone = minimise(of, start[1:], recipe, [Generator().manual_seed(2)])
    torch.testing.assert_close(alone[0], end[1], rtol=1e-4, atol=1e-6)
    memory = Memory(saves=3, every=5)
    with pytest.raises(Interrupted):
        descend(memory)
    assert memory.places[-1] == (1, 15 - of.steps_per_epoch)
    memory.saves = None
    assert torch.equal(descend(memory), end)
    record = of.loss(end)
    assert torch.equal(of.loss(end), record)  # without dropout


def test_adamw_pulls_at_control_points_and_not_at_the_curve() -> None:
    """With a gradient of zero a bend shrinks by 1 − lr λ in each step; Adam's penalty at θ(t) is another thing."""
    of = landscape(batch_size=40, dropout=0.0)
    steps, rate, decay = 2 * of.steps_per_epoch, 3.0e-3, 0.5
    corners = of.init(2, Generator().manual_seed(0)).unsqueeze(0)
    start = Simplices(Bezier(1), Bezier(1).start(corners))
    unread = of.unflatten(torch.arange(of.dim).double())["tokens.weight"][
        200
    ].long()  # of a byte that the text does not have
    made = Curves(optimiser="adamw", epochs=2, weight_decay=decay, family={"kind": "bezier"}, **CONSTANT)
    end = connect(of, start, made, Generator().manual_seed(1), [Generator().manual_seed(2)])
    bend = start.nodes[0, 1, unread]
    torch.testing.assert_close(end.nodes[0, 1, unread], bend * (1 - rate * decay) ** steps, rtol=1e-5, atol=1e-9)
    assert torch.equal(end.nodes[0, [0, 2]], start.nodes[0, [0, 2]])


# From text to barcode ----------------------------------------------------------------------------

ADAMW = {"optimiser": "adamw", "weight_decay": 0.01, "batch_size": 8, "epochs": 2} | CONSTANT
CONFIG: dict[str, Any] = {
    "title": "GPT in miniature",
    "data": {"kind": "text", "path": "made", "context": 16},
    "device": "cpu",
    "seeds": 2,
    "models": {
        "gpt": {
            "network": {"kind": "gpt"} | SMALL,
            "minima": ADAMW,
            "curves": ADAMW | {"family": {"kind": "bezier"}, "grid": {"points": 5, "refinements": 1}},
        }
    },
}


def test_from_text_to_barcode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOSSBARS_DATA_ROOT", ".")
    Path("made").mkdir()
    for name, text in (("a", "the cat sat on the mat; "), ("b", "Über allen Gipfeln ist Ruh’. ")):
        Path(f"made/{name}.txt").write_text(text * 60)
    rules = ("dataset", "minima", "curves", "complex", "barcode")
    tasks = [task for task in make_plan(mini=CONFIG).tasks("mini") if task.rule in rules]
    run_tasks(tasks)
    of_rule = {rule: [task for task in tasks if task.rule == rule] for rule in rules}
    losses = [read_table_of(task).iloc[0] for task in of_rule["minima"]]
    for row in losses:
        assert (
            0 < row.objective < math.log(256) and row.objective == row.data_loss
        )  # AdamW's decay is no part of the loss
        assert 0 < row.test_accuracy < 100 and row.gradient_norm > 0
    (curve,) = of_rule["curves"]
    along = read_table_of(curve)
    top = float(along[along.kind == "curve"].objective.max())
    births, deaths = sorted(float(row.objective) for row in losses), [top, None]
    records = read_records(Path(of_rule["barcode"][0].path))
    (direct,) = [one for one in records if one["convention"] == "direct"]
    bars = sorted(((bar["birth"], bar["death"]) for bar in direct["bars"] if bar["dim"] == 0), reverse=True)
    assert [birth for birth, _ in bars] == pytest.approx(births[::-1]) and bars[1][1] is deaths[1]
    assert bars[0][1] == pytest.approx(max(top, births[1]))
    nodes = read_tensors(Path(curve.outputs["tensors"]))[0]["nodes"]
    thetas = [read_tensors(Path(task.outputs["tensors"]))[0]["theta"] for task in of_rule["minima"]]
    assert torch.equal(nodes[0, [0, 2]], torch.cat(thetas))
