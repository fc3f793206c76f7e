"""Networks matched to each other by permutations of their units, and what curves and barcodes make of it."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, direct_barcode, merged_barcode
from lossbars.experiments.networks.claims.recipes import modulo_permutations
from lossbars.experiments.networks.figures.modulo import modulo as modulo_figure
from lossbars.networks.cnn import CNN
from lossbars.networks.lenet import LeNet
from lossbars.networks.mlp import MLP
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.plots.tables import explain
from lossbars.symmetry.alignment import distances, matched
from lossbars.symmetry.permutations import Symmetry, find_symmetry
from lossbars.workflow.config import ConfigError
from lossbars.workflow.fingerprint import closure
from support.network_tables import results
from support.plans import check_config, tasks_by_path
from support.small_networks import CLASSES, SHAPE, Conv, Make, Norm, data, landscape
from support.unit_networks import Block, PreActivation, Residual, Tied, flat, inputs
from support.workflow import ADAM, TINY, TRAINED, Model, plan

# Matching ----------------------------------------------------------------------------------------

NETWORKS: dict[str, tuple[Make, Tensor]] = {
    "mlp": (lambda: MLP(SHAPE, CLASSES, 1, 16), inputs(*SHAPE)),
    "deep": (lambda: MLP(SHAPE, CLASSES, 6, 24), inputs(*SHAPE)),
    "lenet": (lambda: LeNet((1, 28, 28), 10), inputs(1, 28, 28)),
    "cnn": (lambda: CNN((3, 32, 32), 10, 3, 8, True), inputs(3, 32, 32)),
    "resnet-195k": (lambda: ResNet195k((3, 16, 16), 10), inputs(3, 16, 16)),
    "shortcuts": (lambda: Residual(Block, lambda x: x.mean((2, 3))), inputs(*SHAPE)),
    "preactivation": (lambda: Residual(PreActivation, lambda x: x.mean((2, 3))), inputs(*SHAPE)),
}


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(make: Make, x: Tensor, seed: int = 0) -> tuple[Tensor, Symmetry]:
    """θ of a random network, and its symmetry."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make()
    theta = flat(module)
    return theta + 0.02 * torch.randn(theta.shape, generator=random(seed)), find_symmetry(module, x)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hidden_permutation_is_found_to_the_bit(name: str) -> None:
    theta, symmetry = network(*NETWORKS[name])
    hidden = symmetry.permuted(theta, symmetry.random(random(1)))
    assert not torch.equal(hidden, theta)
    assert torch.equal(matched(theta, hidden, symmetry, random(2)), theta)


@pytest.mark.parametrize("make", [lambda: MLP(SHAPE, CLASSES, 3, 8), Conv, Norm, Tied])
def test_networks_come_nearer_and_never_go_apart(make: Make) -> None:
    theta, symmetry = network(make, inputs(*SHAPE))
    other, _ = network(make, inputs(*SHAPE), seed=1)
    found = matched(theta, other, symmetry, random(0))
    before, after = distances(theta, other, found).tolist()
    assert after < before == pytest.approx(float((theta - other).norm()))
    assert torch.equal(found.sort().values, other.sort().values)
    again = matched(theta, found, symmetry, random(1))
    assert distances(theta, found, again)[1] <= after
    for seed in range(5):  # a start that nothing can better: itself
        assert torch.equal(matched(other, other, symmetry, random(seed)), other)


def test_one_layer_is_matched_as_well_as_can_be() -> None:
    """Against all orders of four units."""
    theta, symmetry = network(lambda: MLP(SHAPE, CLASSES, 1, 4), inputs(*SHAPE))
    other, _ = network(lambda: MLP(SHAPE, CLASSES, 1, 4), inputs(*SHAPE), seed=1)
    (group,) = symmetry.groups
    orders = torch.cartesian_prod(*[torch.arange(4)] * 4)
    every = [group.permuted(other, order) for order in orders if len(set(order.tolist())) == 4]
    best = max(every, key=lambda one: float(one.double() @ theta.double()))
    assert len(every) == math.factorial(4)
    assert torch.equal(matched(theta, other, symmetry, random(0)), best)


def test_the_generator_decides() -> None:
    theta, symmetry = network(lambda: MLP(SHAPE, CLASSES, 4, 12), inputs(*SHAPE))
    other, _ = network(lambda: MLP(SHAPE, CLASSES, 4, 12), inputs(*SHAPE), seed=1)
    found = [matched(theta, other, symmetry, random(seed)) for seed in (3, 3, 4, 5, 6)]
    assert torch.equal(found[0], found[1])
    assert any(not torch.equal(found[0], one) for one in found[2:])  # coordinate ascent ends in several places


@pytest.mark.parametrize("make", [lambda: MLP(SHAPE, CLASSES, 2, 8), Conv, Norm])
def test_the_loss_of_record_stays(make: Make) -> None:
    of = landscape(make, data(40))
    theta = of.init(2, random(0))
    symmetry = find_symmetry(of.module, of.train.x[:4])
    found = matched(theta[0], theta[1], symmetry, random(1))
    assert not torch.equal(found, theta[1])
    torch.testing.assert_close(of.loss(found[None]), of.loss(theta[1:]), rtol=1e-5, atol=1e-6)


# Configuration -----------------------------------------------------------------------------------

ALIGNED: dict[str, Any] = TINY["curves"] | {"align": "weights", "epochs": 2}
FLOW: dict[str, Any] = ADAM | {"epochs": 2, "family": {"kind": "path", "points": 4}, "grid": {"between": 1}}
CHANGES: dict[str, Any] = {
    "seeds": 4,
    "seeds_per_job": 4,
    "curves": TINY["curves"] | {"epochs": 2},
    "more_curves": {"aligned": ALIGNED, "flow": FLOW | {"align": "weights"}},
    "models": {"mlp": {"network": {"kind": "mlp", "depth": 2, "width": 8}}},
    "figures": ["barcodes", "modulo"],
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"curves": ALIGNED}, "curves: the first must not be aligned"),
        ({"more_curves": {}}, "figures: 'modulo' needs a model with more_curves that are aligned"),
        ({"more_curves": {"aligned": ALIGNED | {"align": "activations"}}}, "tiny.more_curves.aligned.align: "),
    ],
)
def test_what_cannot_be_run_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        plan(**(CHANGES | changes))
    assert said in str(raised.value)


def test_functions_have_no_units() -> None:
    curves, camel = ADAM | {"epochs": 1, "align": "weights"}, {"kind": "function", "name": "six_hump_camel"}
    chain = curves | {"family": {"kind": "chain"}}
    optimised = {"starts": 2, "minima": ADAM | {"epochs": 1}, "curves": chain}
    kinds: list[dict[str, Any]] = [
        {"kind": "functions", "cloud": {"points": 10}, "optimised": optimised},
        {"kind": "saddles", "sizes": [1], "optimisers": {"chain": chain}},
    ]
    for one in kinds:
        with pytest.raises(ConfigError, match=r"align: a function has no units to permute"):
            check_config(mine={"title": "t", "models": {"camel": {"landscape": camel}}} | one)


def test_aligned_recipes_say_so_and_embeddings_do_not_read_them() -> None:
    deep = {"network": {"kind": "mlp", "depth": 2, "width": 9}}
    path = ADAM | {"epochs": 1}
    embedding = {"small": "mlp", "large": "deep", "descent": TINY["minima"], "path": path}
    made = plan(**CHANGES | {"models": CHANGES["models"] | {"deep": deep}, "embeddings": {"wider": embedding}})
    model = made.experiments["tiny"].models["mlp"]
    assert model.aligned == ["curves-aligned", "curves-flow"]
    assert model.recipe_labels["curves-aligned"] == "chain, 1 bend, aligned"
    (embedded,) = (task for task in made.tasks("tiny") if task.rule == "embedding")
    assert {file.task.kind for file in embedded.reads()} == {"dataset", "barcode", "minima", "curves"}


def test_another_alignment_makes_its_curves_anew_and_no_others() -> None:
    before, after = (
        tasks_by_path(plan(**CHANGES | {"figures": [], "more_curves": {"aligned": ALIGNED | {"align": align}}}), "tiny")
        for align in ("none", "weights")
    )
    trained = [task for task in after.values() if task.rule in TRAINED]
    assert {task.kind for task in trained if task.key != before[task.path].key} == {"curves-aligned"}


def test_code_that_aligns_is_run_by_aligned_curves_alone() -> None:
    run = {task.kind: closure(task.module, task.extra_modules)[0] for task in plan(**CHANGES).tasks("tiny")}
    aligning = {f"lossbars.symmetry.{name}" for name in ("alignment", "permutations", "trace", "unit_groups")}
    assert aligning <= run["curves-flow"] and aligning <= run["curves-aligned"]
    assert not any(aligning & run[kind] for kind in ("minima", "curves", "triangles"))


# The steps ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model with a plain recipe, an aligned one and an aligned flow, up to its barcode."""
    model = Model(tmp_path_factory.mktemp("align"), plan(**CHANGES))
    model.train()
    model.barcode()
    return model


def test_the_second_end_is_a_permuted_copy_that_is_nearer(made: Model) -> None:
    theta = made.tensors("minima")["theta"]
    assert made.facts("curves")["align"] == "none" and "distances" not in made.tensors("curves")
    found = {}
    for kind in ("curves-aligned", "curves-flow"):
        assert made.facts(kind)["align"] == "weights"
        found[kind] = tensors = made.tensors(kind)
        for (a, b), nodes, (before, after) in zip(
            tensors["pairs"].tolist(), tensors["nodes"], tensors["distances"], strict=True
        ):
            assert torch.equal(nodes[0], theta[a])
            assert torch.equal(nodes[-1].sort().values, theta[b].sort().values) and not torch.equal(nodes[-1], theta[b])
            assert after < before == pytest.approx(float((theta[a] - theta[b]).double().norm()))
            assert after == pytest.approx(float((theta[a] - nodes[-1]).double().norm()))
    ends = [tensors["nodes"][:, -1] for tensors in found.values()]
    assert torch.equal(*ends)  # all recipes of a model match a pair alike


def test_losses_at_both_ends_are_those_of_the_minima(made: Model) -> None:
    losses = made.table("minima").set_index("seed").objective
    for kind in ("curves-aligned", "curves-flow"):
        table = made.table(kind)
        assert set(table.kind) == {"curve", "segment"}
        for (a, b, _), rows in table.groupby(["a", "b", "kind"]):
            along = rows.set_index("t").objective
            assert along[0.0] == losses[a] and along[1.0] == losses[b]


def test_the_complex_modulo_permutations_has_the_lowest_of_all_curves(made: Model) -> None:
    plain, modulo = made.records("complex")
    assert (plain["variant"], modulo["variant"]) == ("", "-modulo-permutations")
    tops = {}
    for kind in ("curves", "curves-aligned", "curves-flow"):
        table = made.table(kind)
        tops[kind] = table[table.kind == "curve"].groupby(["a", "b"]).objective.max()
    values = [{tuple(s["vertices"]): s for s in record["simplices"]} for record in (plain, modulo)]
    assert {len(s) for s in values[0]} == {1, 2, 3} and {len(s) for s in values[1]} == {1, 2}
    for pair in tops["curves"].index:
        best = min(tops, key=lambda kind: tops[kind][pair])
        assert values[0][pair]["by"] == "curves" and values[1][pair]["by"] == best
        assert values[1][pair]["value"] == pytest.approx(tops[best][pair], rel=1e-4)
        assert values[1][pair]["value"] <= values[0][pair]["value"]


def test_barcodes_modulo_permutations_stand_beside_the_plain_ones(made: Model) -> None:
    records = made.records("barcode")
    names = ["direct", "merged", "direct-modulo-permutations", "merged-modulo-permutations"]
    assert [record["convention"] for record in records] == names
    assert all(explain(name) for name in names)
    (_, modulo) = made.records("complex")
    complex_ = FilteredComplex.of({tuple(s["vertices"]): s["value"] for s in modulo["simplices"]})
    by = {tuple(s["vertices"]): s["by"] for s in modulo["simplices"]}
    for record, expected in zip(records[2:], (direct_barcode(complex_), merged_barcode(complex_)), strict=True):
        bars = [(bar["born_at"][0], bar["death"]) for bar in record["bars"]]
        assert bars == [(b.born_at[0], b.death if b.dies_at else None) for b in expected.bars]
        assert record["to_score"]["sqrt2"] == expected.to_score("sqrt2")
        assert all(bar["dies_on"] == by[tuple(bar["dies_at"])] for bar in record["bars"] if bar["dies_at"])
    deaths = [{bar["born_at"][0]: bar["death"] or math.inf for bar in r["bars"] if bar["dim"] == 0} for r in records]
    assert all(deaths[i + 2][p] <= deaths[i][p] for i in (0, 1) for p in range(4))


def test_a_network_without_units_to_permute_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(16, 3))\n"
    )
    network = {"network": f"{tmp_path / 'net.py'}:Net"}
    model = Model(tmp_path, plan(**CHANGES | {"models": {"mlp": network}, "triangles": None}))
    model.run(*model.of("minima"))
    with pytest.raises(ValueError, match="align: this network has no units"):
        model.run(*model.of("curves-aligned"))


# Figure and claim --------------------------------------------------------------------------------


def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Bars, plain and aligned curves: bars of length 4 and 1, segments up to 8 and 6, and up to 2 and 4."""
    ends = {"direct": 5.0, "merged": 3.0, "direct-modulo-permutations": 2.0, "merged-modulo-permutations": 1.5}
    rows = [
        ("m", name, 0, 1.0, death, seed, "" if math.isinf(death) else "0+1")
        for name, top in ends.items()
        for seed, death in (("0", math.inf), ("1", top))
    ]
    bars = pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])
    curves = []
    for by, factor in (("curves", (8.0, 6.0)), ("curves-aligned", (2.0, 4.0))):
        for b, top in zip((1, 2), factor, strict=True):
            for kind, height in (("segment", top), ("curve", 1.0)):
                curves += [("m", by, 0, b, kind, t, loss) for t, loss in ((0.0, 1.0), (0.5, height), (1.0, 1.0))]
    every = pd.DataFrame(curves, columns=["model", "by", "a", "b", "kind", "t", "objective"])
    return bars, every[every.by == "curves"], every[every.by != "curves"]


def test_the_claim_sets_both_barcodes_and_both_segments_side_by_side() -> None:
    bars, plain, aligned = tables()
    models = {"m": {"label": "Net"}}
    found = modulo_permutations(results(models, bars=bars, curves=plain, aligned=aligned))
    assert found.obtained == (
        "Net: TO-score (direct) 2.83 → 0.707, TO-score (merged) 1.41 → 0.354, straight segments up to 7.00 → 3.00"
    )
    unmeasured = modulo_permutations(results(models, bars=bars[:4], curves=plain))
    assert (unmeasured.obtained, unmeasured.verdict) == ("—", "not measured")


def test_the_figure_draws_both_on_one_axis() -> None:
    bars, plain, aligned = tables()
    others = [table.assign(model="n") for table in (bars[:4], plain)]  # nothing aligned: not drawn
    both = pd.concat([bars, others[0]]), pd.concat([plain, others[1]])
    upper, lower = modulo_figure(*both, aligned, {"n": "Other", "m": "Net"}, "title").axes
    lines = {str(line.get_gid()): line for axes in (upper, lower) for line in axes.lines}
    assert [list(lines[f"deaths-m-{side}"].get_ydata()) for side in ("plain", "modulo")] == [[5.0], [2.0]]
    assert [list(lines[f"segments-m-{side}"].get_ydata()) for side in ("plain", "modulo")] == [[8.0, 6.0], [2.0, 4.0]]
    assert [list(lines[f"mean-m-{side}"].get_ydata()) for side in ("plain", "modulo")] == [[7.0], [3.0]]
    assert list(lines["pair-m-0+2"].get_ydata()) == [6.0, 4.0]
    assert not any("-n" in gid for gid in lines)
    assert [text.get_text().split("\n")[0] for text in lower.get_xticklabels()] == ["Net"]
