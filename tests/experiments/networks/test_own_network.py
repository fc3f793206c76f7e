"""A network and data of the user's own, from config to barcode: BatchNorm, convolutions, two files in a folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from lossbars.workflow import fingerprint
from lossbars.workflow.artefacts import read_table, read_tensors
from lossbars.workflow.plan import Plan
from support.plans import make_plan, run_tasks

NETWORK = '''
from torch import nn

class Net(nn.Module):
    """Convolution, BatchNorm, linear layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, channels, 3, bias=False), nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels * 4, {outputs})

    def forward(self, x):
        return self.fc(nn.functional.relu(self.norm(self.conv(x))).flatten(1))
'''
DATA = """
import torch

def load():
    g = torch.Generator().manual_seed(0)
    x = torch.rand(20, 1, 4, 4, generator=g)
    bright = x.mean((1, 2, 3)) > 0.5
    y = {targets}
    return x[:14], y[:14], x[14:], y[14:]
"""
KINDS = {"classes": ("bright.long()", 2), "regression": ("torch.stack([x.mean((1, 2, 3)), x.amax((1, 2, 3))], 1)", 2)}
DESCENT = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 0.05}, "batch_size": 4}
MINE: dict[str, Any] = {
    "title": "My network",
    "data": "my_data.py:load",
    "device": "cpu",
    "seeds": 3,
    "seeds_per_job": 2,
    "polish": None,
    "descents": None,
    "models": {
        "net": {
            "network": {"kind": "custom", "source": "my_net.py:Net", "arguments": {"channels": 3}},
            "minima": DESCENT | {"epochs": 3, "weight_decay": 0.01},
            "curves": DESCENT | {"epochs": 2, "family": {"kind": "bezier"}, "grid": {"points": 5, "refinements": 2}},
        }
    },
}
UP_TO_BARS = ("dataset", "minima", "curves", "complex", "barcode")  # rules


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A step sets what holds for its whole process; here the process goes on."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture(params=KINDS)
def plan(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of the experiment above, in a folder with the two files."""
    monkeypatch.chdir(tmp_path)
    fingerprint._tree.cache_clear()  # another folder has other files of these names
    targets, outputs = KINDS[request.param]
    Path("my_net.py").write_text(NETWORK.replace("{outputs}", str(outputs)))
    Path("my_data.py").write_text(DATA.replace("{targets}", targets))
    return make_plan(mine=MINE)


def run(plan: Plan) -> Path:
    """Every step of the model; the folder of its results."""
    run_tasks(task for task in plan.tasks("mine") if task.rule in UP_TO_BARS)
    return Path(plan.results) / "mine" / "net"


def tables(folder: Path, kind: str) -> pd.DataFrame:
    return pd.concat([read_table(path) for path in sorted((folder / kind).glob("*.parquet"))], ignore_index=True)


def test_from_config_to_barcode(plan: Plan) -> None:
    folder = run(plan)
    losses = tables(folder, "minima").set_index("seed").objective
    along = tables(folder, "curves")
    assert sorted(losses.index) == [0, 1, 2] and losses.nunique() == 3
    curve_values: dict[tuple[int, ...], float] = {}
    for (a, b, kind), rows in along.groupby(["a", "b", "kind"]):
        ends = rows.set_index("t").objective
        assert ends[0.0] == losses[a] and ends[1.0] == losses[b]  # exactly, whatever BatchNorm did in between
        assert len(rows) >= 5 and set(rows.t[rows.t % 0.25 == 0]) == {0, 0.25, 0.5, 0.75, 1}
        if kind == "curve":
            curve_values[a, b] = rows.objective.max()
    assert set(curve_values) == {(0, 1), (0, 2), (1, 2)}

    direct, merged = json.loads((folder / "barcode.json").read_text())
    assert (direct["convention"], merged["convention"]) == ("direct", "merged")
    lowest = losses.idxmin()
    for record in (direct, merged):
        assert (record["experiment"], record["model"]) == ("mine", "net")
        bars = {bar["born_at"][0]: bar for bar in record["bars"]}
        assert {seed: bar["birth"] for seed, bar in bars.items()} == losses.to_dict()
        assert [seed for seed, bar in bars.items() if bar["death"] is None] == [lowest]
        finite = [bar["death"] - bar["birth"] for bar in bars.values() if bar["death"] is not None]
        assert record["to_score"] == {"sqrt2": max(finite) / 2**0.5, "linf": max(finite) / 2}
    for bar in direct["bars"]:  # Algorithm 1, by hand
        (p,) = bar["born_at"]
        heights = [value for pair, value in curve_values.items() if p in pair and losses[sum(pair) - p] < losses[p]]
        assert bar["death"] == min(heights, default=None)
    assert [path.name for path in Path(".checkpoints").iterdir()] == ["finished"]


def test_minima_are_what_the_module_says(plan: Plan) -> None:
    """θ put into the user's own class by hand, statistics by one pass over the 14 samples."""
    folder = run(plan)
    namespace: dict[str, Any] = {}
    exec(Path("my_net.py").read_text(), namespace)
    data, _ = read_tensors(Path(plan.tasks("mine")[0].path))
    regression = data["train_y"].is_floating_point()
    criterion = nn.MSELoss() if regression else nn.CrossEntropyLoss()
    metrics = tables(folder, "minima").set_index("seed")
    for path in (folder / "minima").glob("*.safetensors"):
        content, facts = read_tensors(path)
        assert facts["stacking"] == "loop"
        for seed, theta in zip(content["seeds"].tolist(), content["theta"], strict=True):
            module = namespace["Net"](3)
            nn.utils.vector_to_parameters(theta, module.parameters())
            module.norm.momentum = 1.0
            with torch.no_grad():
                module.train()(data["train_x"])
                loss = criterion(module.eval()(data["train_x"]), data["train_y"])
                test_loss = criterion(module(data["test_x"]), data["test_y"])
            row = metrics.loc[seed]
            assert row.data_loss == pytest.approx(float(loss), rel=1e-5)
            assert row.test_loss == pytest.approx(float(test_loss), rel=1e-5)
            assert row.objective - row.data_loss == pytest.approx(
                0.005 * float(theta.double().square().sum()), rel=1e-12
            )
            assert pd.isna(row.train_accuracy) == regression


def test_a_changed_file_of_the_users_is_another_job(plan: Plan) -> None:
    def keys(plan: Plan) -> list[str]:
        of_rule = {task.rule: task.key for task in plan.tasks("mine")}
        return [of_rule[rule] for rule in UP_TO_BARS]

    before = keys(plan)
    assert before == keys(make_plan(mine=MINE))
    path = Path("my_net.py")
    path.write_text(path.read_text() + "\nCHANGED = 1\n")
    fingerprint._tree.cache_clear()  # as in a process of its own
    after = keys(make_plan(mine=MINE))
    assert after[0] == before[0] and all(one != other for one, other in zip(before[1:], after[1:], strict=True))
    Path("my_data.py").write_text(Path("my_data.py").read_text() + "\nCHANGED = 1\n")
    fingerprint._tree.cache_clear()
    assert all(one != other for one, other in zip(after, keys(make_plan(mine=MINE)), strict=True))
