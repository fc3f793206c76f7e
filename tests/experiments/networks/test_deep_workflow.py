"""The experiments on deep and wide networks in miniature: the networks and recipes of config.yaml on a few images."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lossbars.claims.claim import INCOMPARABLE
from lossbars.cli.configuration import read_configuration
from lossbars.experiments.kinds import KINDS
from lossbars.workflow import fingerprint
from lossbars.workflow.artefacts import read_records, read_table, read_tensors
from lossbars.workflow.plan import Plan
from support.paths import CHECKOUT
from support.plans import run_tasks

IMAGES = """
import torch

def load():
    random = torch.Generator().manual_seed(0)
    x = torch.randint(256, (6, 3, 8, 8), dtype=torch.uint8, generator=random)
    return x[:4], torch.arange(4), x[4:], torch.arange(2)
"""
TEXT = "".join(f"{i} and {i} is {2 * i}; " for i in range(120))
SMALL = {"data": "made.py:load", "device": "cpu", "seeds": 2, "seeds_per_job": 2, "robustness": {"sizes": [2]}}
THREE = {"seeds": 3, "seeds_per_job": 3}  # for triangles
TRAINED_ALONE = {"curvature": None, "descents": None}  # these rules are tested on small networks
GRID = {"points": 2, "refinements": 0}
SETTINGS = ["scale={epochs: 0.001}", "data_root=."]  # one epoch
RESULTS = "results/scale=epochs-0.001"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where config.yaml, a few images and a text are."""
    monkeypatch.chdir(tmp_path)
    fingerprint._tree.cache_clear()  # another folder has other files of these names
    monkeypatch.setenv("LOSSBARS_DATA_ROOT", ".")
    Path("config.yaml").write_text((CHECKOUT / "config.yaml").read_text())
    Path("made.py").write_text(IMAGES)
    Path("oscar").mkdir()
    Path("oscar/en.txt").write_text(TEXT)
    return tmp_path


def ran(folder: Path, name: str, changes: dict[str, Any]) -> Path:
    """Run an experiment, figures and claims too; the folder of its results."""
    over = Path("over.yaml")
    over.write_text(yaml.safe_dump({"experiments": {name: SMALL | changes}}))
    plan = Plan(read_configuration([over], SETTINGS), KINDS)
    run_tasks(plan.tasks(name))
    return folder / RESULTS / name


def same_ends(folder: Path, seeds: int = 2) -> None:
    """Curves begin and end at the losses of record of their minima, to the bit."""
    block = f"0-{seeds - 1}"
    minima = read_table(folder / "minima" / f"{block}.parquet").set_index("seed")["objective"]
    curves = read_table(folder / "curves" / f"{block}+{block}.parquet")
    assert len(curves.groupby(["a", "b"])) == seeds * (seeds - 1) / 2
    for (a, b, kind), profile in curves.sort_values("t").groupby(["a", "b", "kind"]):
        assert profile["objective"].iloc[0] == minima[a] and profile["objective"].iloc[-1] == minima[b]
        assert len(profile) == (3 if kind == "curve" else 2)  # the bend of the chain is measured too


def test_networks_with_and_without_shortcuts(folder: Path) -> None:
    """All eight: figure 7 and table 8 of Loss barcode."""
    results = ran(folder, "shortcuts-cifar10", {"curves": {"grid": GRID}} | TRAINED_ALONE)
    models = [f"{net}{kind}" for net in ("resnet-20", "resnet-56", "resnet-110", "wrn-56-2") for kind in ("", "-ns")]
    for model in models:
        same_ends(results / model)
        facts = read_tensors(results / model / "minima" / "0-1.safetensors")[1]
        assert (facts["precision"], facts["micro_batch"], facts["layout"]) == ("float32", "4", "channels-last")
    bars = read_table(results / "barcodes.parquet")
    assert set(bars["model"]) == set(models)
    claims = read_table(results / "claims.parquet").set_index("id")
    assert claims.loc["test-accuracy-resnet-110-ns", "published"] == "82.60000 ± 1.09044"
    assert claims.loc["test-accuracy-resnet-110-ns", "verdict"] == INCOMPARABLE
    assert (folder / RESULTS / "figures" / "shortcuts-cifar10-complexity.svg").is_file()


def test_the_wide_network(folder: Path) -> None:
    """WideResNet16×10 with its triangles: figures 6, 7 and table 3 of Topological obstructions."""
    changes = THREE | TRAINED_ALONE | {"samples": 2, "curves": {"grid": GRID}, "triangles": {"grid": GRID}}
    model = ran(folder, "wrn-cifar100", changes) / "wrn-16-10"
    same_ends(model, 3)
    tensors, _ = read_tensors(model / "triangles" / "0-2+0-2+0-2.safetensors")
    assert tensors["nodes"].shape[1:] == (7, 17_179_940 - 98 * 641)  # two classes here, a hundred there
    (merged,) = [one for one in read_records(model / "barcode.json") if one["convention"] == "merged"]
    assert {bar["dim"] for bar in merged["bars"]} <= {0, 1}
    assert (folder / RESULTS / "figures" / "wrn-cifar100-one-saddles.svg").is_file()


def test_the_gpt(folder: Path) -> None:
    """10.9 million parameters on two kilobytes of text: figures 8 and 9 of Loss barcode."""
    text = {"kind": "text", "path": "oscar", "context": 64, "tokens": 2000, "test": 0.2, "vocabulary": "bytes"}
    results = ran(folder, "gpt-oscar", TRAINED_ALONE | {"data": text, "curves": {"grid": GRID}})
    same_ends(results / "gpt")
    minima = read_table(results / "gpt" / "minima" / "0-1.parquet")
    assert minima["objective"].between(2.5, 5.6).all()  # below log 256, nats per byte
    assert len(read_tensors(results / "gpt" / "minima" / "0-1.safetensors")[0]["theta"][0]) == 10_935_808 - 192 * 384
    assert {"two-levels", "barriers"} <= set(read_table(results / "claims.parquet")["id"])
