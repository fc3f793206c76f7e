"""The same configuration gives the same barcode: in other folders, after other work, in blocks of other sizes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lossbars.workflow.artefacts import read_table
from support.paths import CHECKOUT
from support.workflow import ADAM, TINY, Model, command_line, plan

SEEDS = 4
NETWORKS = {
    "mlp": {"kind": "mlp", "depth": 2, "width": 8},
    "sigmoid": {"kind": "mlp", "depth": 1, "width": 5, "activation": "sigmoid"},
}
NORMED = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3))
"""
SGD = {"optimiser": "sgd", "weight_decay": 1.0e-3, "schedule": {"kind": "constant", "lr": 0.05}}


def test_training_is_deterministic_without_torchs_compiler() -> None:
    """Loading the compiler would take two seconds of each job."""
    code = (
        "import sys, torch; from types import SimpleNamespace; from lossbars.workflow.training_step import use; "
        "use(SimpleNamespace(threads=1, device='cpu')); "
        "print(torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(), "
        "'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True False\n"


def made(folder: Path, network: Any, size: int, sides: str = "trained", **descents: Any) -> Model:
    """A model with its barcode, in blocks of ``size`` seeds."""
    recipes = {kind: TINY[kind] | {"epochs": 2, "batch_size": 20} | descents for kind in ("minima", "curves")}
    recipes["triangles"] = TINY["triangles"] | {"batch_size": 20, "sides": sides} | descents
    model = Model(folder, plan(seeds=SEEDS, seeds_per_job=size, models={"mlp": {"network": network}}, **recipes))
    model.train()
    model.barcode()
    return model


def network(name: str, folder: Path) -> Any:
    """One of NETWORKS, or the user's own net with BatchNorm."""
    if name in NETWORKS:
        return NETWORKS[name]
    (folder / "net.py").write_text(NORMED)
    return f"{folder / 'net.py'}:Net"


def tensors(model: Model, kind: str, values: str, keys: str) -> dict[Any, torch.Tensor]:
    """Seed, pair or triple → θ or control points, of all blocks."""
    found: dict[Any, torch.Tensor] = {}
    for task in model.of(kind):
        block = model.tensors(kind, task.part)
        names = [tuple(k) if isinstance(k, list) else k for k in block[keys].tolist()]
        found |= dict(zip(names, block[values], strict=True))
    return found


def everything(model: Model) -> dict[str, dict[Any, torch.Tensor]]:
    return {
        "minima": tensors(model, "minima", "theta", "seeds"),
        "curves": tensors(model, "curves", "nodes", "pairs"),
        "triangles": tensors(model, "triangles", "nodes", "triples"),
    }


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """What the records say, by the place that it stands in; where they come from apart."""
    if not isinstance(value, dict | list):
        return {place: value}
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for key, one in inner if key != "provenance" for k, v in leaves(one, f"{place}/{key}").items()}


def barcode(model: Model) -> dict[str, Any]:
    return leaves(json.loads(model.path("barcode", suffix="json").read_text()))


def losses(model: Model) -> dict[str, float]:
    return {place: value for place, value in barcode(model).items() if isinstance(value, float)}


def assert_same_bits(one: Model, other: Model) -> None:
    for kind, found in everything(one).items():
        others = everything(other)[kind]
        assert found.keys() == others.keys()
        assert all(torch.equal(tensor, others[key]) for key, tensor in found.items()), kind
    assert barcode(one) == barcode(other)


@pytest.mark.parametrize("name", [*NETWORKS, "normed"])
def test_the_same_bits_in_another_folder_whatever_ran_before(tmp_path, name):
    net = network(name, tmp_path)
    first = made(tmp_path / "one", net, size=2)
    torch.manual_seed(99)
    torch.rand(1000)
    made(tmp_path / "between", NETWORKS["mlp"] | {"width": 3}, size=1)
    second = made(tmp_path / "another" / "folder", net, size=2)
    assert_same_bits(first, second)
    one, other = (model.path("barcode", suffix="json") for model in (first, second))
    assert one.read_bytes() == other.read_bytes()
    for kind in ("minima", "curves", "triangles"):
        for one, other in zip(first.paths(kind, "parquet"), second.paths(kind, "parquet"), strict=True):
            assert read_table(one).equals(read_table(other))


def test_the_same_bits_in_another_process(tmp_path):
    here, there = (Model(tmp_path / name, plan(seeds_per_job=2)) for name in ("here", "there"))
    task = here.task("minima", "0-1")
    here.run(task)
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lossbars.workflow.run", *command_line(task)]
    done = subprocess.run(command, cwd=there.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, other = (model.tensors("minima", "0-1")["theta"] for model in (here, there))
    assert torch.equal(one, other)


@pytest.mark.parametrize("size", [3, SEEDS])
@pytest.mark.parametrize(
    ("name", "sides", "descents"),
    [("mlp", "trained", ADAM), ("mlp", "fixed", SGD), ("sigmoid", "trained", SGD), ("normed", "trained", ADAM)],
)
def test_the_same_barcode_in_blocks_of_another_size(tmp_path, name, sides, descents, size):
    """Stacked networks are what each is alone, up to rounding; a loop over them, to the bit."""
    net = network(name, tmp_path)
    alone, stacked = (made(tmp_path / str(n), net, n, sides, **descents | {"batch_size": 20}) for n in (1, size))
    assert losses(alone) == pytest.approx(losses(stacked), rel=1e-6)
    assert barcode(alone) == barcode(stacked) | losses(alone), "bars are born and die at the same minima and curves"
    for kind, found in everything(alone).items():
        others = everything(stacked)[kind]
        for key, tensor in found.items():
            torch.testing.assert_close(tensor, others[key], rtol=1e-4, atol=1e-6)
    if name == "normed":
        assert_same_bits(alone, stacked)


def test_another_seed_is_another_minimum(tmp_path):
    """The tests above would pass if nothing were random."""
    model = made(tmp_path, NETWORKS["mlp"], size=2)
    for found in everything(model).values():
        rows = torch.stack(list(found.values())).flatten(1)
        assert len(rows.unique(dim=0)) == len(rows) > 1
