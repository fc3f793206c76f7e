"""Networks on their objective: polished minima, curves that begin and end at them, residues, and one weight decay."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.networks.mlp import MLP
from lossbars.plots.bars import unresolved
from lossbars.recipes import Curves, Polish, Settle
from lossbars.workflow.artefacts import read_table, read_tensors
from lossbars.workflow.config import ConfigError
from support.workflow import ADAM, TINY, Model, plan

DECAY = 0.02
CHAIN = TINY["curves"]
FLOW = ADAM | {"epochs": 2, "family": {"kind": "path", "points": 4}, "grid": {"between": 1, "refinements": 0}}
STRING = ADAM | {"epochs": 4, "halvings": 2, "family": {"kind": "string", "rounds": 2, "most": 6}}
SETTLE = {"passes": 480, "places": 6}
CHANGES: dict[str, Any] = {
    "models": {"mlp": {"label": "tanh", "network": {"kind": "mlp", "depth": 1, "width": 6, "activation": "tanh"}}},
    "seeds_per_job": 3,
    "minima": ADAM | {"epochs": 10, "weight_decay": DECAY},
    "polish": {"passes": 2000},
    "curves": CHAIN,
    "more_curves": {
        "settled": CHAIN | {"settle": SETTLE},
        "bezier": CHAIN | {"family": {"kind": "bezier", "bends": 2}, "settle": SETTLE},
        "flow": FLOW,
        "dss": STRING,
    },
}
SETTLED = ("curves-settled", "curves-bezier")
EVERY = ("curves", "curves-flow", "curves-dss", *SETTLED)


def trained(folder: Path, **changes: Any) -> Model:
    """A model with its minima and curves."""
    model = Model(folder, plan(**(CHANGES | changes)))
    model.run(*(task for task in model.tasks if task.rule in ("minima", "curves")))
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Polished minima with all kinds of curves between them, triangles, and the barcode."""
    model = Model(tmp_path_factory.mktemp("objective"), plan(**CHANGES))
    model.train()
    model.barcode()
    return model


@pytest.fixture(scope="module")
def unpolished(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The same minima, left as they were trained."""
    model = Model(tmp_path_factory.mktemp("unpolished"), plan(**(CHANGES | {"polish": None})))
    model.run(*model.of("minima"))
    return model


def by_hand(model: Model, theta: Tensor, decay: float = DECAY) -> tuple[float, float, float]:
    """Data loss, objective and norm of its gradient of one network, of plain PyTorch in float64."""
    module = MLP((1, 4, 4), 3, depth=1, width=6, activation="tanh").double()
    nn.utils.vector_to_parameters(theta.double(), module.parameters())
    data, _ = read_tensors(model.data)
    data_loss = F.cross_entropy(module(data["train_x"].double()), data["train_y"])
    value = data_loss + decay / 2 * nn.utils.parameters_to_vector(module.parameters()).square().sum()
    gradients = torch.autograd.grad(value, tuple(module.parameters()))
    norm = nn.utils.parameters_to_vector(gradients).norm()
    return float(data_loss.detach()), float(value.detach()), float(norm)


# Minima ------------------------------------------------------------------------------------------


def test_polished_minima_are_minima_of_data_loss_plus_the_term(made: Model, unpolished: Model) -> None:
    theta, table = made.tensors("minima")["theta"], made.table("minima")
    assert theta.dtype == torch.float64
    for place, row in zip(theta, table.itertuples(), strict=True):
        data_loss, value, norm = by_hand(made, place)
        assert row.data_loss == pytest.approx(data_loss, rel=1e-13)
        assert row.objective == pytest.approx(value, rel=1e-13)
        assert row.objective == row.data_loss + DECAY / 2 * float(place.square().sum())
        assert row.gradient_norm == pytest.approx(norm, abs=1e-12) and norm <= 1e-8
        assert 0 <= row.residue < 0.5 and row.stopped == "gradient" and 1 < row.polish_passes < 2000
    before = unpolished.table("minima")
    assert (table["objective"] < before["objective"] - 1e-3).all()
    assert (before["gradient_norm"] > 1e-3).all()


def test_a_polish_begins_where_the_training_ended(made: Model, unpolished: Model, tmp_path: Path) -> None:
    """One pass is the evaluation of the start: nothing moves."""
    one = trained(tmp_path, polish={"passes": 1}, curves=CHAIN, more_curves={}, triangles=None)
    before = unpolished.tensors("minima")["theta"]
    assert before.dtype == torch.float32
    assert torch.equal(one.tensors("minima")["theta"], before.double())
    row = one.table("minima").iloc[0]
    assert (row["stopped"], row["polish_passes"], row["residue"]) == ("budget", 1, 0.0)
    assert bool((made.tensors("minima")["theta"] != before.double()).any())


def test_minima_left_as_trained_say_so(unpolished: Model) -> None:
    table = unpolished.table("minima")
    assert (table["stopped"] == "unpolished").all()
    assert (table["polish_passes"] == 0).all() and table["residue"].isna().all()
    for place, row in zip(unpolished.tensors("minima")["theta"], table.itertuples(), strict=True):
        assert row.objective == pytest.approx(by_hand(unpolished, place)[1], rel=1e-6)


def test_a_small_budget_leaves_a_residue(tmp_path: Path) -> None:
    model = Model(tmp_path, plan(**(CHANGES | {"polish": {"passes": 12, "preconditioner": "none"}})))
    model.run(*model.of("minima"))
    table = model.table("minima")
    assert (table["stopped"] == "budget").all() and (table["polish_passes"] == 12).all()
    assert (table["residue"] > 0).all()


def test_a_polish_in_float32(tmp_path: Path, made: Model) -> None:
    model = Model(tmp_path, plan(**(CHANGES | {"polish": {"passes": 2000, "precision": "float32"}})))
    model.run(*model.of("minima"))
    assert model.tensors("minima")["theta"].dtype == torch.float32
    table = model.table("minima")
    assert (table["gradient_norm"] < 1e-3).all()
    np.testing.assert_allclose(table["objective"], made.table("minima")["objective"], rtol=1e-4)


def test_adamws_minima_are_not_polished_and_have_no_term(tmp_path: Path) -> None:
    adamw = {"minima": CHANGES["minima"] | {"optimiser": "adamw"}, "more_curves": {}, "triangles": None}
    model, plain = trained(tmp_path / "polish", **adamw), trained(tmp_path / "none", **adamw, polish=None)
    table = model.table("minima")
    assert (table["stopped"] == "unpolished").all() and table["residue"].isna().all()
    assert torch.equal(model.tensors("minima")["theta"], plain.tensors("minima")["theta"])
    for one in (table, model.table("curves")):
        assert (one["objective"] == one["data_loss"]).all()
    config = model.plan.experiments["tiny"].models["mlp"]
    assert not config.has_objective and config.polish_of() is None and config.polish is not None
    assert config.curves.weight_decay == 0.0, "adamw's decay is no part of a function that curves could have"


# Curves and triangles ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
def test_curves_begin_and_end_at_their_minima_to_the_bit(made: Model, kind: str) -> None:
    theta, losses = made.tensors("minima")["theta"], made.table("minima").set_index("seed")
    tensors, table = made.tensors(kind), made.table(kind)
    lengths = tensors.get("lengths", torch.full((3,), tensors["nodes"].shape[1]))
    assert tensors["nodes"].dtype == torch.float64
    for (a, b), nodes, count in zip(tensors["pairs"].tolist(), tensors["nodes"], lengths.tolist(), strict=True):
        assert torch.equal(nodes[0], theta[a]) and torch.equal(nodes[count - 1], theta[b])
    kinds = {"curve", "segment"} if kind == "curves" else {"curve"}
    assert set(table["kind"]) == kinds
    for (a, b, _), rows in table.sort_values("t").groupby(["a", "b", "kind"]):
        for column in ("objective", "data_loss"):
            ends = rows[column].iloc[[0, -1]].tolist()
            assert ends == losses.loc[[a, b], column].tolist(), (a, b, column)
        assert rows["t"].iloc[0] == 0 and rows["t"].iloc[-1] == 1


def test_both_losses_along_a_curve_are_those_by_hand(made: Model) -> None:
    tensors, table = made.tensors("curves"), made.table("curves")
    curve = table[table["kind"] == "curve"].set_index(["a", "b", "t"])
    for (a, b), nodes in zip(tensors["pairs"].tolist(), tensors["nodes"], strict=True):
        row = curve.loc[(a, b, 0.5)]  # the one bend of the chain
        data_loss, value, _ = by_hand(made, nodes[1])
        assert row["data_loss"] == pytest.approx(data_loss, rel=1e-12)
        assert row["objective"] == pytest.approx(value, rel=1e-12)


def tops(model: Model, kind: str) -> pd.Series:
    table = model.table(kind)
    return table[table["kind"] == "curve"].groupby(["a", "b"])["objective"].max()


def test_settled_curves_are_lower_and_have_a_residue(made: Model) -> None:
    raw, settled = tops(made, "curves"), tops(made, "curves-settled")
    assert (settled <= raw).all() and (settled < raw).any()
    for kind in EVERY:
        table = made.table(kind)
        if kind in SETTLED:
            assert (table["residue"] >= 0).all()
            assert not table.groupby(["a", "b"])["residue"].agg(np.ptp).any(), "one number for each curve"
            passes = made.tensors(kind)["passes"]
            assert passes.shape == (3,) and int(passes.min()) > 0 and int(passes.max()) <= SETTLE["passes"]
        else:
            assert table["residue"].isna().all()
    straight = made.table("curves").query("kind == 'segment'")
    assert straight["residue"].isna().all()


def test_triangles_have_minima_at_their_corners(made: Model) -> None:
    theta, table = made.tensors("minima")["theta"], made.table("triangles")
    nodes = made.tensors("triangles")["nodes"]
    assert nodes.dtype == torch.float64
    assert all(torch.equal(nodes[0, i], theta[i]) for i in range(3))
    losses = made.table("minima").set_index("seed")["objective"]
    for seed, corner in zip(range(3), ("t3", "t2", "t1"), strict=True):
        (row,) = table[table[corner] == 1].drop_duplicates().itertuples()
        assert row.objective == losses[seed]
    assert table["residue"].isna().all() and (table["objective"] > table["data_loss"]).all()


# The data loss alone -----------------------------------------------------------------------------


def test_the_barcode_of_the_data_loss_is_asked_for(made: Model, tmp_path: Path) -> None:
    changes = {"objective": "data_loss", "more_curves": {"settled": CHAIN | {"settle": SETTLE}}}
    model = trained(tmp_path, **changes, triangles=None)
    assert torch.equal(model.tensors("minima")["theta"], made.tensors("minima")["theta"]), "the same minima"
    table = model.table("minima")
    assert table["data_loss"].tolist() == made.table("minima")["data_loss"].tolist()
    for kind in ("minima", "curves", "curves-settled"):
        one = model.table(kind)
        assert (one["objective"] == one["data_loss"]).all()
    assert (table["gradient_norm"] > 1e-3).all(), "they are no minima of the data loss"
    nodes = model.tensors("curves")["nodes"]
    assert torch.equal(nodes, made.tensors("curves")["nodes"]), "trained alike, with the term"


def test_without_weight_decay_the_two_are_one(tmp_path: Path) -> None:
    minima = {name: value for name, value in CHANGES["minima"].items() if name != "weight_decay"}
    model = trained(tmp_path, minima=minima, polish={"passes": 60}, more_curves={}, triangles=None)
    for kind in ("minima", "curves"):
        table = model.table(kind)
        assert (table["objective"] == table["data_loss"]).all()


# One weight decay --------------------------------------------------------------------------------


def config(**changes: Any) -> Any:
    return plan(**(CHANGES | changes)).experiments["tiny"]


DEEP = {
    "models": CHANGES["models"] | {"deep": {"network": {"kind": "mlp", "depth": 1, "width": 9, "activation": "tanh"}}}
}
WIDER = {"small": "mlp", "large": "deep", "descent": ADAM | {"epochs": 1}, "path": ADAM | {"epochs": 1}}


def test_curves_triangles_and_embeddings_take_the_decay_of_the_minima() -> None:
    one = config(**DEEP, embeddings={"wider": WIDER})
    model = one.models["mlp"]
    assert {kind: recipe.weight_decay for kind, recipe in model.kinds.items()} == dict.fromkeys(model.kinds, DECAY)
    assert len(model.kinds) == 7
    embedding = one.embeddings["wider"]
    assert embedding.descent.weight_decay == embedding.path.weight_decay == DECAY
    assert one.weight_decay("mlp") == DECAY
    with_groups = config(groups={"a": {}, "b": {"minima": {"epochs": 3}}})
    assert [group.minima.weight_decay for group in with_groups.models["mlp"].groups.values()] == [DECAY, DECAY]


@pytest.mark.parametrize("objective", ["regularised", "data_loss"])
def test_a_decay_that_is_stated_stays(objective: str) -> None:
    same = config(curves=CHAIN | {"weight_decay": DECAY}, objective=objective)
    assert same.models["mlp"].curves.weight_decay == DECAY
    free = config(curves=CHAIN | {"weight_decay": 0.5}, objective="data_loss")
    assert free.models["mlp"].curves.weight_decay == 0.5 and free.weight_decay("mlp") == 0.0


OTHER = {"weight_decay": 0.5}
DIFFERING: dict[str, tuple[dict[str, Any], str]] = {
    "curves": ({"curves": CHAIN | OTHER}, "models.mlp: curves has weight decay 0.5, the minima 0.02: leave it out"),
    "none": ({"curves": CHAIN | {"weight_decay": 0}}, "models.mlp: curves has weight decay 0, the minima 0.02"),
    "more curves": ({"more_curves": {"flow": FLOW | OTHER}}, "models.mlp: curves-flow has weight decay 0.5"),
    "adamw": (
        {"curves": CHAIN | OTHER | {"optimiser": "adamw"}},
        "models.mlp: curves has weight decay 0, the minima 0.02",
    ),
    "triangles": ({"triangles": TINY["triangles"] | OTHER}, "models.mlp: triangles has weight decay 0.5"),
    "groups": (
        {"groups": {"a": {}, "b": {"minima": OTHER}}},
        r"models.mlp.groups: weight decays differ \(0.02, 0.5\), so these are not minima of one objective",
    ),
    "descent": (
        DEEP | {"embeddings": {"wider": WIDER | {"descent": WIDER["descent"] | OTHER}}},
        "models.mlp: the descent of embedding wider has weight decay 0.5",
    ),
    "path": (
        DEEP | {"embeddings": {"wider": WIDER | {"path": WIDER["path"] | OTHER}}},
        "models.mlp: the path of embedding wider has weight decay 0.5",
    ),
}


@pytest.mark.parametrize(("changes", "message"), DIFFERING.values(), ids=DIFFERING)
def test_differing_decays_are_refused_unless_the_data_loss_is_measured(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        config(**changes)
    assert "objective: data_loss" in str(raised.value), "what to do about it"
    assert config(**changes, objective="data_loss").weight_decay("mlp") == 0.0


def test_groups_of_different_decays_are_each_polished_on_their_own_objective(tmp_path: Path) -> None:
    groups = {"a": {}, "b": {"minima": {"weight_decay": 0.1}}}
    changes = {"groups": groups, "objective": "data_loss", "seeds": 2, "seeds_per_job": 2}
    model = trained(tmp_path, **changes, more_curves={}, triangles=None, robustness=None)
    for part, decay in (("0-1", DECAY), ("1000-1001", 0.1)):
        table = model.table("minima", part)
        assert (table["objective"] == table["data_loss"]).all() and (table["stopped"] == "gradient").all()
        for place, row in zip(model.tensors("minima", part)["theta"], table.itertuples(), strict=True):
            data_loss, _, norm = by_hand(model, place, decay)
            assert norm <= 1e-8 and row.data_loss == pytest.approx(data_loss, rel=1e-13)


def test_the_objective_is_part_of_what_results_depend_on() -> None:
    keys = [{task.kind: task.key for task in plan(**(CHANGES | one)).tasks("tiny")} for one in (
        {}, {"objective": "data_loss"}, {"polish": {"passes": 1999}}, {"polish": None}
    )]  # fmt: skip
    for kind in ("minima", "curves", "triangles", "complex"):
        assert len({key[kind] for key in keys}) == 4
    settled = {"more_curves": CHANGES["more_curves"] | {"settled": CHAIN | {"settle": SETTLE | {"tilt": 6.0}}}}
    after = {task.kind: task.key for task in plan(**(CHANGES | settled)).tasks("tiny")}
    changed = {kind for kind in ("minima", *EVERY, "triangles") if after[kind] != keys[0][kind]}
    assert changed == {"curves-settled"}


def test_budgets_shrink_with_the_scale() -> None:
    scaled = config().models["mlp"].scaled(0.1)
    assert isinstance(scaled.polish, Polish) and scaled.polish.passes == 200
    curves = scaled.kinds["curves-settled"]
    assert isinstance(curves, Curves) and isinstance(curves.settle, Settle) and curves.settle.passes == 48
    assert config(polish=None).models["mlp"].scaled(0.1).polish is None


# Residues ----------------------------------------------------------------------------------------


def test_residues_reach_the_complex_and_the_bars(made: Model) -> None:
    """Each simplex has that of the curve that counts, each bar those of the simplices at its ends."""
    born = made.table("minima").set_index("seed")["residue"]
    heights = {kind: tops(made, kind) for kind in EVERY}
    residues = {
        kind: made.table(kind).query("kind == 'curve'").groupby(["a", "b"])["residue"].first() for kind in EVERY
    }
    (complex_,) = made.records("complex")
    known: dict[tuple[int, ...], float | None] = {}
    for simplex in complex_["simplices"]:
        vertices = tuple(simplex["vertices"])
        known[vertices] = simplex["residue"]
        if len(vertices) == 1:
            assert simplex["residue"] == born[vertices[0]]
        elif len(vertices) == 2:
            best = min(EVERY, key=lambda kind: heights[kind][vertices])
            expected = residues[best][vertices]
            assert simplex["by"] == best
            assert simplex["residue"] == (None if math.isnan(expected) else expected)
        else:
            assert simplex["residue"] is None
    for record in made.records("barcode"):
        for bar in record["bars"]:
            assert bar["birth_residue"] == known[tuple(bar["born_at"])]
            assert bar["death_residue"] == (known[tuple(bar["dies_at"])] if bar["dies_at"] else None)
    assert sum(value is not None for value in known.values()) >= 4, "curves too"


def test_the_table_of_bars_has_the_residues_of_the_records(made: Model) -> None:
    (gathered,) = (task for task in made.tasks if task.rule == "gather" and task.path.endswith("/barcodes.parquet"))
    made.run(gathered)
    table = read_table(made.folder / gathered.path, gathered.key)
    written = [bar for record in made.records("barcode") for bar in record["bars"]]
    for column in ("birth_residue", "death_residue"):
        expected = [math.nan if bar[column] is None else bar[column] for bar in written]
        np.testing.assert_array_equal(table[column], expected)
    direct = table[(table["convention"] == "direct") & (table["dim"] == 0)]
    ends = direct["birth_residue"] + direct["death_residue"].where(np.isfinite(direct["death"]), 0.0)
    length = direct["death"] - direct["birth"]
    by_rule = ~(ends <= 0.1 * length)
    assert unresolved(direct).tolist() == by_rule.tolist()
