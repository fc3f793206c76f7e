"""Embeddings from the configuration to claims and figure."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lossbars.claims.claim import FAILS, HOLDS, UNMEASURED
from lossbars.documents.budget import asked, budget_text
from lossbars.documents.plan import experiment_tasks, targets
from lossbars.experiments.networks.claims.results import Results
from lossbars.experiments.networks.embeddings import claims as embedding_findings
from lossbars.experiments.networks.embeddings.figure import embeddings as draw
from lossbars.experiments.networks.embeddings.step import read_curves
from lossbars.workflow.artefacts import ArtefactError, read_table
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from lossbars.workflow.work import Work
from support.network_tables import results as results_of
from support.plans import make_plan
from support.workflow import ADAM, TINY, Model, plan

SMALL = {"label": "one layer", "network": {"kind": "mlp", "depth": 1, "width": 8}}
DEEP = {"label": "two layers", "network": {"kind": "mlp", "depth": 2, "width": 9}}
DEEPER = {
    "small": "mlp",
    "large": "deep",
    "label": "a layer more",
    "descent": ADAM | {"epochs": 4, "schedule": {"kind": "constant", "lr": 1.0e-3}},
    "fluctuation": 1.0e-3,
    "snapshots": 3,
    "path": ADAM | {"epochs": 3, "schedule": {"kind": "constant", "lr": 1.0e-3}, "points": 2},
}
MODELS = {"mlp": SMALL, "deep": DEEP}
BEZIER = TINY["curves"] | {"family": {"kind": "bezier", "bends": 2}, "epochs": 2}
FLOW = ADAM | {"epochs": 1, "family": {"kind": "path", "points": 4}}


def planned(**changes: Any) -> Plan:
    return plan(**{"models": MODELS, "embeddings": {"deeper": DEEPER}, "figures": ["embeddings"]} | changes)


def task(one: Plan) -> Task:
    (found,) = (task for task in one.tasks("tiny") if task.rule == "embedding")
    return found


def run_step(made: Model, **given: Any) -> pd.DataFrame:
    (made.folder / task(made.plan).path).unlink(missing_ok=True)
    made.run(task(made.plan), **given)
    return read_table(made.folder / task(made.plan).path, task(made.plan).key)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The small model and its barcode."""
    one = Model(tmp_path_factory.mktemp("embedding"), planned())
    one.train()
    one.barcode()
    return one


@pytest.fixture(scope="module")
def table(made: Model) -> pd.DataFrame:
    return run_step(made)


# The step ----------------------------------------------------------------------------------------


def test_rows_are_the_bars_of_the_small_model(made: Model, table: pd.DataFrame) -> None:
    (direct,) = (r for r in made.records("barcode") if r["convention"] == "direct")
    bars = {b["born_at"][0]: b for b in direct["bars"] if b["dim"] == 0 and b["death"] is not None}
    assert list(table["a"]) == list(bars) and len(bars) == 2
    losses = pd.concat([read_table(path) for path in made.paths("minima", "parquet")]).set_index("seed")["objective"]
    for row in table.itertuples():
        assert sorted((row.a, row.b)) == bars[row.a]["dies_at"]
        assert row.penalty == bars[row.a]["death"]
        assert (row.birth_a, row.birth_b) == (losses[row.a], losses[row.b])
        assert row.birth_b <= row.birth_a
    assert set(table["by"]) == {"curves"}


def test_losses_are_preserved_and_bounds_are_what_they_are_called(table: pd.DataFrame) -> None:
    for side in "ab":
        np.testing.assert_allclose(table[f"start_{side}"], table[f"birth_{side}"], rtol=1e-6)
        assert (table[f"end_{side}"] < table[f"start_{side}"]).all()
        assert (table[f"highest_{side}"] >= table[f"start_{side}"] * (1 - 1e-6)).all()
    np.testing.assert_allclose(table["curve"], table["penalty"], rtol=0.02)  # on another grid
    parts = table[["curve", "highest_a", "highest_b"]].max(axis=1)
    np.testing.assert_array_equal(table["before"], parts)
    assert (table["after"] >= table[["end_a", "end_b"]].max(axis=1) * (1 - 1e-6)).all()
    assert (table["after"] < table["before"]).all()
    assert set(table["ones"]) == {8} and (table["shift"] == 0).all()


def test_weight_decay_shifts_the_embedded_minima_by_half_of_it_times_the_ones(tmp_path: Path) -> None:
    """Barannikov et al. 2022, §3.5: the weights of 1 that an embedding adds are part of ‖θ‖²."""
    minima = ADAM | {"epochs": 4, "weight_decay": 0.02}
    one = Model(tmp_path, planned(minima=minima, polish={"passes": 40}, seeds_per_job=3, triangles=None))
    one.train()
    one.barcode()
    table = run_step(one)
    assert one.tensors("minima")["theta"].dtype == torch.float64
    assert set(table["ones"]) == {8} and (table["shift"] == 0.02 / 2 * 8).all()
    for side in "ab":
        np.testing.assert_allclose(table[f"start_{side}"], table[f"birth_{side}"] + table["shift"], rtol=1e-6)
        assert (table[f"end_{side}"] < table[f"start_{side}"]).all(), "the descent is on the objective"
    found = embedding_findings.preserved(results(table))
    assert found.verdict == HOLDS and "‖θ‖² grows by 8" in found.obtained
    assert embedding_findings.preserved(results(table.assign(shift=0.0))).verdict == FAILS
    np.testing.assert_allclose(table["curve"], table["penalty"] + table["shift"], rtol=0.02)  # on another grid


def test_embeddings_measured_on_the_data_loss_have_no_shift(tmp_path: Path) -> None:
    minima = ADAM | {"epochs": 4, "weight_decay": 0.02}
    changes: dict[str, Any] = {"minima": minima, "objective": "data_loss", "seeds_per_job": 3, "triangles": None}
    one = Model(tmp_path, planned(**changes))
    one.train()
    one.barcode()
    table = run_step(one)
    assert (table["shift"] == 0).all() and set(table["ones"]) == {8}
    for side in "ab":
        np.testing.assert_allclose(table[f"start_{side}"], table[f"birth_{side}"], rtol=1e-6)


def test_the_same_again_from_the_store_and_anew(
    made: Model, table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, from_the_store in (({}, True), ({"checkpoints": tmp_path / "none"}, False)):
        pd.testing.assert_frame_equal(run_step(made, **given), table)
        assert ("taken, as made before" in capsys.readouterr().err) == from_the_store
    left = {path.name for folder in (made.checkpoints, tmp_path / "none") for path in folder.iterdir()}
    assert left == {"finished"}, "neither of its two states"


def test_curves_of_another_recipe_are_refused(made: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.folder)
    other = planned(curves=TINY["curves"] | {"epochs": 7})
    with pytest.raises(ArtefactError, match="made by another recipe"):
        read_curves(Work.of(task(other)))


def test_bezier_curves_and_paths_become_chains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Model(tmp_path, planned(curves=BEZIER, more_curves={"flow": FLOW}, seeds_per_job=3, triangles=None))
    one.train()
    monkeypatch.chdir(tmp_path)
    found = read_curves(Work.of(task(one.plan)))
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert sorted(found) == [(kind, *pair) for kind in ("curves", "curves-flow") for pair in pairs]
    chain = found["curves", 0, 2]
    assert len(chain) == 61 and len(found["curves-flow", 0, 2]) == 4
    steps = (chain[1:] - chain[:-1]).norm(dim=1)
    assert steps.max() < 0.05 * steps.sum()


# The plan ----------------------------------------------------------------------------------------


def test_what_a_run_leaves_and_reads() -> None:
    one = planned()
    own = task(one)
    assert own.path == "results/tiny/embeddings/deeper.parquet" and own.path in targets(one, "tiny")
    assert str(own.log) == "results/tiny/embeddings/logs/deeper.log"
    minima = {f"results/tiny/mlp/minima/{seed}.safetensors" for seed in range(3)}
    curves = {f"results/tiny/mlp/curves/{pair}.safetensors" for pair in ("0+1", "0+2", "1+2")}
    read = {file.path for file in own.reads()}
    assert read == {"results/datasets/digits.safetensors", "results/tiny/mlp/barcode.json"} | minima | curves
    assert own.path in {file.path for file in one.claims("tiny").reads()}


def test_every_recipe_for_curves_is_read() -> None:
    aligned = TINY["curves"] | {"align": "weights"}
    one = planned(more_curves={"bezier": BEZIER, "aligned": aligned, "flow": FLOW})
    assert set(task(one).inputs) == {"data", "barcode", "minima", "curves"}
    kinds = {file.task.kind for file in task(one).inputs["curves"]}
    assert kinds == {"curves", "curves-bezier", "curves-flow"}  # aligned ones join other points
    assert one.request(task(one)).runtime > 0


def test_the_task_depends_on_the_small_model_and_the_large_network_alone() -> None:
    def key(**changes: Any) -> str:
        return task(planned(**changes)).key

    deep = MODELS | {"deep": DEEP | {"minima": {"epochs": 9}, "label": "another label"}}
    assert key(models=deep) == key(embeddings={"deeper": DEEPER | {"label": "another"}}) == key()
    wide = MODELS | {"deep": DEEP | {"network": DEEP["network"] | {"width": 12}}}
    small = MODELS | {"mlp": SMALL | {"minima": {"epochs": 9}}}
    snapshots = {"deeper": DEEPER | {"snapshots": 4}}
    assert len({key(), key(models=wide), key(models=small), key(embeddings=snapshots)}) == 4


def test_a_scale_shrinks_the_descents() -> None:
    scaled = make_plan(0.5, tiny=TINY | {"models": MODELS, "embeddings": {"deeper": DEEPER}})
    embedding = task(scaled).settings.embedding  # type: ignore[attr-defined]
    assert (embedding.descent.epochs, embedding.path.epochs) == (2, 2)


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_its_job_is_in_the_budget_and_in_the_usage(device: str) -> None:
    one = planned(device=device)
    (own,) = (job for job in asked(one, "tiny") if job.task.rule == "embedding")
    assert own.request.gpu == (device == "auto") and own.request.runtime >= 20  # two descents, ten minutes each
    assert "tiny" in budget_text(one, ["tiny"])
    (usage,) = (task for task in experiment_tasks(one, "tiny") if task.rule == "usage")
    (used,) = (job for job in usage.settings.jobs if job.rule == "embedding")  # type: ignore[attr-defined]
    assert (used.mem_mb, used.runtime) == (own.request.mem_mb, own.request.runtime)


def network(**changes: Any) -> dict[str, Any]:
    return {"models": MODELS | {"deep": {"network": DEEP["network"] | changes}}}


CNN = {"kind": "cnn", "depth": 1, "channels": 4, "batch_norm": True}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such model": ({"embeddings": {"deeper": DEEPER | {"large": "dep"}}}, "deeper: no model 'dep': there are mlp"),
    "itself": (
        {"embeddings": {"deeper": DEEPER | {"large": "mlp"}}},
        "the large network is not larger: depth 1, width 8",
    ),
    "narrower": (network(width=7), "not larger: depth 1, width 8, against depth 2, width 7"),
    "another activation": (network(activation="tanh"), "activation: the networks must have the same"),
    "another kind": (
        {"models": MODELS | {"deep": {"network": {"kind": "lenet"}}}},
        "kind 'mlp' into one of kind 'lenet'",
    ),
    "deeper tanh": (
        {"models": {k: {"network": own["network"] | {"activation": "tanh"}} for k, own in MODELS.items()}},
        "after ReLU alone",
    ),
    "deeper with BatchNorm": (
        {"models": {"mlp": {"network": CNN}, "deep": {"network": CNN | {"depth": 2}}}},
        "without BatchNorm",
    ),
    "lenet": (
        {"models": {"mlp": {"network": {"kind": "lenet"}}, "deep": {"network": {"kind": "lenet"}}}},
        "not larger",
    ),
    "no embeddings": ({"embeddings": {}}, "'embeddings' needs the experiment's embeddings"),
    "unknown key": ({"embeddings": {"deeper": DEEPER | {"fluctuations": 1.0}}}, "did you mean 'fluctuation'"),
    "its name": ({"embeddings": {"Deeper": DEEPER}}, "lower-case letters"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_the_configuration_is_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(**changes)


# Claims and figure -------------------------------------------------------------------------------


def results(table: pd.DataFrame) -> Results:
    embeddings = table.assign(model="deeper") if len(table) else table
    return results_of(MODELS, changes={"embeddings": {"deeper": DEEPER}}, embeddings=embeddings)


def rows(**changes: Any) -> pd.DataFrame:
    """Two bars, of minima 1 and 2; losses that a claim can be read off."""
    columns = {
        "a": [1, 2],
        "b": [0, 0],
        "birth_a": [0.2, 0.3],
        "birth_b": [0.1, 0.1],
        "start_a": [0.2, 0.3],
        "start_b": [0.1, 0.1],
        "end_a": [0.02, 0.03],
        "end_b": [0.01, 0.01],
        "highest_a": [0.2, 0.35],
        "highest_b": [0.1, 0.1],
        "penalty": [0.5, 0.7],
        "curve": [0.5, 0.7],
        "before": [0.5, 0.7],
        "after": [0.4, 0.8],
        "ones": [8, 8],
        "shift": [0.0, 0.0],
    }
    return pd.DataFrame(columns | changes)


def test_claims_of_preserved_losses() -> None:
    found = embedding_findings.preserved(results(rows()))
    assert found.verdict == HOLDS
    assert found.obtained == "a layer more: 0.0 at most (n = 3 minima), ‖θ‖² grows by 8"
    found = embedding_findings.preserved(results(rows(start_b=[0.1, 0.1 + 1e-4])))
    assert found.verdict == FAILS and "0.00010 at most" in found.obtained
    assert embedding_findings.preserved(results(pd.DataFrame())).verdict == UNMEASURED


def test_claims_of_lower_saddles() -> None:
    found = embedding_findings.lower(results(rows()))
    assert found.verdict == HOLDS
    assert "lower for 1 of 2; penalties 0.6000" in found.obtained  # the other stays: its optimised path is no better
    assert "fall from 0.200 to 0.0200 on average, on the way the loss rises by 0.050 at most" in found.detail
    assert embedding_findings.lower(results(rows(before=[0.5, 0.71]))).verdict == FAILS
    shifted = rows(penalty=[0.4, 0.6], curve=[0.4, 0.6], shift=[0.1, 0.1], before=[0.5, 0.71])
    assert embedding_findings.lower(results(shifted)).verdict == FAILS
    assert embedding_findings.lower(results(shifted.assign(shift=0.12))).verdict == HOLDS
    finer = rows(before=[0.5, 0.71], curve=[0.5, 0.71])  # what a finer grid sees was there before
    assert embedding_findings.lower(results(finer)).verdict == HOLDS
    assert embedding_findings.lower(results(pd.DataFrame())).verdict == UNMEASURED


def test_the_figure_has_a_dot_for_each_minimum_and_a_diagonal(table: pd.DataFrame) -> None:
    figure = draw(table.assign(model="deeper"), {"deeper": "a layer more"}, "Embeddings")
    (axes,) = figure.axes
    lines = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    for name in ("before", "after"):
        np.testing.assert_array_equal(lines[name].get_xydata(), table[["penalty", name]].to_numpy())
    assert axes.get_xlim() == axes.get_ylim()
    assert "n = 2 minima" in axes.get_title(loc="left")
    with pytest.raises(ValueError, match="no row for model 'wider'"):
        draw(table.assign(model="deeper"), {"wider": "wider"}, "Embeddings")
