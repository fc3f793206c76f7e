"""Certified saddles between the minima of a small tanh network: step, barcodes, tables, claims, stops, refusals."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from lossbars.datasets.dataset import Split
from lossbars.experiments.networks.figures.certified import certified
from lossbars.hessian.derivatives import hessian
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.networks.make import DataShape, network_maker
from lossbars.optimise.stopping import Stopped
from lossbars.workflow.artefacts import read_table, read_tensors, write_tensors
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.config import ConfigError
from support.network_tables import claim_rows, results
from support.plans import check_config
from support.workflow import ADAM, TINY, Model, plan

DECAY = 1e-2
TANH = {"kind": "mlp", "depth": 1, "width": 2, "activation": "tanh"}
DESCENT = ADAM | {"schedule": {"kind": "constant", "lr": 0.05}, "batch_size": 24}
CHANGES: dict[str, Any] = {
    "samples": None,
    "seeds_per_job": 3,
    "minima": DESCENT | {"epochs": 150, "weight_decay": DECAY},
    "curves": DESCENT | {"epochs": 40, "family": {"kind": "chain", "bends": 3}, "grid": {"points": 41}},
    "polish": {"passes": 200},
    "descents": {"passes": 20},
    "certificates": {"lowering": 1, "rounds": 5, "passes": 96},
    "triangles": None,
    "robustness": None,
    "figures": [],
    "models": {"mlp": {"label": "tanh", "network": TANH}},
}


class Sine(Model):
    """The model, whose data are a sine at 24 places."""

    def __init__(self, folder: Path, plan: Any) -> None:
        super().__init__(folder, plan)
        self.x = torch.linspace(-2, 2, 24).view(-1, 1, 1, 1)
        self.y = torch.sin(2 * self.x).flatten(1)
        parts = {"train_x": self.x, "train_y": self.y, "test_x": self.x.clone(), "test_y": self.y.clone()}
        write_tensors(self.data, parts, self.tasks[0].job)

    def function(self) -> Any:
        """The objective in float64, written out here, and its data as one batch."""
        maker = network_maker(self.plan.experiments["tiny"].models["mlp"].network, DataShape((1, 1, 1), 1, False))
        data = Split(self.x.double(), self.y.double())
        net = NetworkLandscape(lambda: maker().double(), data, 24, torch.device("cpu"))
        return objective(net, DECAY), [Batch(torch.arange(24))]

    def output(self, name: str) -> Path:
        """A file of the rule."""
        return self.folder / self.task("certificates").outputs[name]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Sine:
    """All of it, up to the barcodes."""
    made = Sine(tmp_path_factory.mktemp("certificates"), plan(**CHANGES))
    made.train()
    made.run(*made.of("descents", "certificates"))
    made.barcode()
    return made


def saddles_of(model: Sine) -> pd.DataFrame:
    return read_table(model.output("saddles"))


def minima_of(model: Sine) -> pd.DataFrame:
    return read_table(model.output("table"))


def test_every_finite_bar_dies_at_a_saddle_of_index_one(model: Sine) -> None:
    by_name = {record["convention"]: record["bars"] for record in model.records("barcode")}
    assert list(by_name)[-2:] == ["merged-certified", "merged-closed-certified"]
    saddles, function = saddles_of(model), model.function()
    joins = read_table(model.output("joins"))
    places = read_tensors(model.output("tensors"))[0]["saddles"]
    for name, barcode in (("merged-certified", "given"), ("merged-closed-certified", "closed")):
        finite = [bar for bar in by_name[name] if bar["death"] is not None]
        assert finite and all(bar["dies_on"] == "saddle" and bar["death_residue"] == 0 for bar in finite)
        for bar in finite:
            a, b = bar["dies_at"]
            (number,) = joins.loc[(joins["barcode"] == barcode) & (joins["a"] == a) & (joins["b"] == b), "saddle"]
            place = places[number][None]
            value, gradient = function[0].value_and_gradient(place, None)
            assert bar["death"] == pytest.approx(float(value), rel=1e-12) == saddles["objective"][number]
            assert float(gradient.norm()) < 1e-9
            assert int((torch.linalg.eigvalsh(hessian(function[0], place, function[1])) < 0).sum()) == 1


def test_minima_say_who_found_them_and_are_minima(model: Sine) -> None:
    minima, saddles, (function, batches) = minima_of(model), saddles_of(model), model.function()
    theta = read_tensors(model.output("tensors"))[0]["theta"]
    found = minima[minima["found_by"] >= 0]
    assert list(minima["seed"][minima["given"]]) == [0, 1, 2] and len(found)
    assert list(minima["seed"]) == sorted(set(minima["seed"]))
    for row in found.itertuples():
        saddle = saddles.iloc[row.found_by]
        assert row.seed in (saddle["a"], saddle["b"]) and saddle["found_by"] in row.found_on
        assert row.stopped == "descent" and row.certified
    _, gradient = function.value_and_gradient(theta, None)
    least = torch.linalg.eigvalsh(hessian(function, theta, batches))[:, 0]
    assert float(gradient.norm(dim=1).max()) < 1e-9 and bool((least > 0).all())
    assert minima["least_eigenvalue"].to_numpy() == pytest.approx(least.numpy(), rel=1e-6)


def test_found_minima_are_stations_of_the_given_barcode_and_members_of_the_closed_one(model: Sine) -> None:
    born = {record["convention"]: {bar["born_at"][0] for bar in record["bars"]} for record in model.records("barcode")}
    minima = minima_of(model)
    apart = set(minima["seed"][minima["given"] & (minima["same_as"] < 0)])
    assert born["merged-certified"] == apart
    assert born["merged-closed-certified"] > apart
    assert born["merged-closed-certified"] <= set(minima["seed"])


def test_given_barcodes_by_curves_are_as_without_certificates(model: Sine, tmp_path: Path) -> None:
    without = Sine(tmp_path, plan(**CHANGES | {"certificates": None, "descents": None}))
    without.train()
    without.barcode()
    plain = {record["convention"]: record["bars"] for record in model.records("barcode")}
    assert [record["bars"] for record in without.records("barcode")] == [plain["direct"], plain["merged"]]


def test_tables_claims_and_figure_of_the_experiment(model: Sine) -> None:
    gathers = {Path(task.path).stem: task for task in model.tasks if task.rule == "gather"}
    model.run(gathers["barcodes"], gathers["certified"], gathers["minima"])
    tables = {name: read_table(model.folder / task.path) for name, task in gathers.items()}
    bars, rows = tables["barcodes"], tables["certified"]
    wanted = bars[bars["convention"].str.endswith("-certified") & (bars["death"] < float("inf"))]
    assert rows["death"].tolist() == wanted["death"].tolist() and (rows["index"] == 1).all()
    assert (rows["gradient_norm"] <= 1e-8 * rows["gradient_scale"]).all() and rows["found_by"].str.len().all()
    minima = tables["minima"]
    new = minima[minima["found_on"].str.startswith("saddle")]
    assert len(new) == (minima_of(model)["found_by"] >= 0).sum() and (new["is"] == "minimum").all()
    assert (new["nearest"] > 1e-3).all() and new["bar"].notna().all()
    certified(bars, {"mlp": "tanh"}, "Saddles")
    asked = {"certificates": {}, "network": TANH, "minima": {"weight_decay": DECAY}, "curves": {"weight_decay": DECAY}}
    found = claim_rows(results({"mlp": asked}, bars=bars)).set_index("id")
    assert found.loc["certified", "verdict"] == "holds" and "2/2 given" in found.loc["certified", "obtained"]
    assert found.loc["certified-below-curves", "verdict"] == "holds"


def test_a_stopped_job_goes_on_to_the_same_bits(model: Sine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = [model.output(name) for name in ("tensors", "table", "saddles", "joins")]
    before = [path.read_bytes() for path in paths]
    stops, asked = 0, 0

    def due(self: CheckpointFile) -> bool:
        nonlocal asked
        asked += 1
        self.stopping |= asked % 6 == 0
        return self.stopping

    monkeypatch.setattr(CheckpointFile, "due", due)
    for path in paths:
        path.unlink()
    while not paths[0].is_file():
        try:
            model.run(*model.of("certificates"), checkpoints=tmp_path)
        except Stopped:
            stops += 1
            assert list(tmp_path.glob("*.safetensors"))
    assert stops >= 3 and [path.read_bytes() for path in paths] == before


def test_a_search_asks_for_one_core_and_more_time_for_more_minima() -> None:
    few, many = (plan(**CHANGES | {"seeds": seeds, "seeds_per_job": seeds}) for seeds in (3, 40))
    requests = [
        made.request(task) for made in (few, many) for task in made.tasks("tiny") if task.rule == "certificates"
    ]
    assert requests[0].gpu == requests[1].gpu == 0 and 10 <= requests[0].runtime < requests[1].runtime < 600


# What is refused ---------------------------------------------------------------------------------

SMALL = {"mlp": {"network": TANH}}
REFUSED = {
    "ReLU": ({"models": {"mlp": {"network": TANH | {"activation": "relu"}}}}, r"kinks \(ReLU, max pool\)"),
    "a network of ReLU": ({"models": {"mlp": {"network": {"kind": "lenet"}}}}, r"kinks \(ReLU, max pool\)"),
    "no decay": ({"minima": DESCENT | {"epochs": 1}}, "λ > 0: state minima.weight_decay"),
    "AdamW": ({"minima": DESCENT | {"epochs": 1, "optimiser": "adamw", "weight_decay": 0.1}}, "not with adamw"),
    "the data loss": ({"objective": "data_loss"}, "leave objective at regularised"),
    "figure": ({"certificates": None, "figures": ["certified"]}, "needs certificates of every model"),
    "a name": ({"certificates": {"round": 3}}, "round"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(tiny=TINY | CHANGES | changes)


CUSTOM = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, kind):
        middle = {"relu": [nn.ReLU()], "norm": [nn.BatchNorm1d(2), nn.Tanh()], "drop": [nn.Tanh(), nn.Dropout(0.5)]}
        super().__init__(nn.Flatten(), nn.Linear(1, 2), *middle[kind], nn.Linear(2, 1))
"""


@pytest.mark.parametrize(
    ("kind", "message"), [("relu", "relu is not known"), ("norm", "BatchNorm's statistics"), ("drop", "random numbers")]
)
def test_a_network_of_the_users_own_is_looked_at_when_it_runs(
    kind: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(CUSTOM)
    monkeypatch.chdir(tmp_path)
    network = {"kind": "custom", "source": "net.py:Net", "arguments": {"kind": kind}}
    short = {"minima": CHANGES["minima"] | {"epochs": 1}, "curves": CHANGES["curves"] | {"epochs": 1}, "polish": None}
    made = Sine(tmp_path, plan(**CHANGES | short | {"descents": None, "models": {"mlp": {"network": network}}}))
    made.train()
    with pytest.raises(ValueError, match=message):
        made.run(*made.of("certificates"))


# Claims on made-up bars --------------------------------------------------------------------------


def bars(curves: list[float], saddles: list[float], by: list[str]) -> pd.DataFrame:
    rows = [("mlp", "merged", 0, 0.0, death, str(i), f"0+{i}", "curves") for i, death in enumerate(curves, 1)]
    for end in ("merged-certified", "merged-closed-certified"):
        several = enumerate(zip(saddles, by, strict=True), 1)
        rows += [("mlp", end, 0, 0.0, death, str(i), f"0+{i}", on) for i, (death, on) in several]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at", "dies_on"])


@pytest.mark.parametrize(
    ("curves", "saddles", "by", "verdicts"),
    [
        ([1.0, 2.0], [1.9, 0.9], ["saddle"] * 2, ("holds", "holds")),
        ([1.0, 2.0], [1.9, 1.5], ["saddle", "curve"], ("does not hold", "does not hold")),
        ([1.0, 2.0], [2.001, 0.9], ["saddle"] * 2, ("holds", "holds")),  # the measured places miss the maximum
        ([1.0, 2.0], [2.1], ["saddle"], ("holds", "does not hold")),
    ],
)
def test_claims_are_judged_by_the_bars(
    curves: list[float], saddles: list[float], by: list[str], verdicts: tuple[str, str]
) -> None:
    asked = {"certificates": {}, "network": TANH, "minima": {"weight_decay": DECAY}, "curves": {"weight_decay": DECAY}}
    rows = claim_rows(results({"mlp": asked}, bars=bars(curves, saddles, by))).set_index("id")
    assert (rows.loc["certified", "verdict"], rows.loc["certified-below-curves", "verdict"]) == verdicts


def test_claims_are_not_asked_where_no_certificates_are() -> None:
    rows = claim_rows(results({"mlp": {}}, bars=bars([1.0], [1.0], ["saddle"])))
    assert not rows["id"].str.startswith("certified").any()
