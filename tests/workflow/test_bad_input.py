"""Bad input ends in a message that names the thing and the place, and leaves nothing half-written."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from matplotlib.figure import Figure
from safetensors import safe_open
from safetensors.torch import save_file
from torchvision.datasets import MNIST

from lossbars.datasets.dataset import DataError
from lossbars.datasets.mnist import UNPACKED_MD5
from lossbars.experiments.kinds import KINDS
from lossbars.optimise.descent import Diverged
from lossbars.plots.style import save
from lossbars.workflow import artefacts, files
from lossbars.workflow.artefacts import (
    ArtefactError,
    read_records,
    read_table,
    read_tensors,
    write_records,
    write_table,
)
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.config import ConfigError
from lossbars.workflow.data_sets import dataset_task
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from lossbars.workflow.run import execute_task
from support.paths import CHECKOUT
from support.plans import copied
from support.workflow import TINY, Checkout, Model, plan

JOB = Job("minima", "tiny", "mlp", {"epochs": 1}, "code")
OTHER = Job("minima", "tiny", "mlp", {"epochs": 2}, "code")


# config.yaml -------------------------------------------------------------------------------------


def changed(place: str, value: Any) -> dict[str, Any]:
    """The configuration of ``tiny`` with one value put at a place, keys joined by dots."""
    raw = {"experiments": {"tiny": copied(TINY)}}
    *path, key = place.split(".")
    inner: Any = raw
    for part in path:
        inner = inner.setdefault(part, {})
    inner[key] = value
    return raw


def refusal(raw: dict[str, Any]) -> list[str]:
    """What is said against a configuration, a line a mistake."""
    with pytest.raises(ConfigError) as error:
        Plan(raw, KINDS)
    head, *lines = str(error.value).splitlines()
    assert head == "the configuration cannot be run:"
    return [line.strip() for line in lines]


T = "experiments.tiny"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (f"{T}.minima.epoch", 3, f"{T}.minima.epoch: unknown key; did you mean 'epochs'?"),
        (f"{T}.seed", 3, f"{T}.seed: unknown key; did you mean 'seeds'?"),
        ("data-root", "x", "data-root: unknown key; did you mean 'data_root'?"),
        (f"{T}.models.mlp.network.qqq", 1, f"{T}.models.mlp.network.qqq: unknown key"),
        (f"{T}.minima.epochs", -3, f"{T}.minima.epochs: Input should be greater than 0 (it is -3)"),
        (f"{T}.minima.epochs", "ten", f"{T}.minima.epochs: Input should be a valid integer (it is 'ten')"),
        (f"{T}.minima.epochs", 1.5, f"{T}.minima.epochs: Input should be a valid integer (it is 1.5)"),
        (f"{T}.minima.epochs", True, f"{T}.minima.epochs: Input should be a valid integer (it is True)"),
        (f"{T}.curves.schedule.lr", 0, f"{T}.curves.schedule.lr: Input should be greater than 0 (it is 0)"),
        (f"{T}.curves.schedule.lr", "fast", f"{T}.curves.schedule.lr: Input should be a valid number (it is 'fast')"),
        (f"{T}.models.mlp.minima.epochs", -3, f"{T}.models.mlp.minima.epochs: Input should be greater than 0"),
        (f"{T}.seeds", 1, f"{T}.seeds: Input should be greater than or equal to 2 (it is 1)"),
        (f"{T}.seeds", 2, f"{T}: seeds: triangles need three minima, there are 2"),
        (f"{T}.seeds_per_job", 0, f"{T}.seeds_per_job: Input should be greater than 0 (it is 0)"),
        (f"{T}.device", "gpu", f"{T}.device: Input should be 'cpu', 'cuda' or 'auto' (it is 'gpu')"),
        (
            f"{T}.data",
            "minst",
            f"{T}.data: unknown data set 'minst': one of digits, mnist, fmnist, cifar10, cifar100, svhn, ptb, or ",
        ),
        (f"{T}.data", "no_such.py:load", f"{T}.data: data 'no_such.py:load': no such file: no_such.py"),
        (f"{T}.models.mlp.network.kind", "mpl", f"{T}.models.mlp.network: Input tag 'mpl' found using 'kind' does not"),
        (f"{T}.models.mlp.network", "no.py:Net", f"{T}.models.mlp.network: network 'no.py:Net': no such file: no.py"),
        (f"{T}.models.mlp.network", "no.py", f"{T}.models.mlp.network: network 'no.py': expected path/to/file.py:name"),
        (
            f"{T}.models.mlp.network.depth",
            -1,
            f"{T}.models.mlp.network.depth: Input should be greater than 0 (it is -1",
        ),
        (f"{T}.models", {}, f"{T}: models: at least one is needed"),
        (f"{T}.models.Big", TINY["models"]["mlp"], f"{T}: model key 'Big': lower-case letters, digits and '-'"),
        (
            f"{T}.models.again",
            TINY["models"]["mlp"],
            f"{T}: models: mlp and again have one label, 'one layer': give each its own",
        ),
        (
            f"{T}.models.mlp.groups",
            {"low": {"label": "rate"}, "high": {"label": "rate"}},
            f"{T}.models.mlp: groups: low and high have one label, 'rate': give each its own",
        ),
        (
            f"{T}.curves",
            TINY["minima"] | {"epochs": 5, "family": {"kind": "path", "insertion": {"every": 5}}},
            f"{T}: insertion.every: 5 is not below 5, the epochs: no point is ever put in",
        ),
        (
            f"{T}.curves",
            TINY["minima"] | {"epochs": 6, "family": {"kind": "path", "climb": 0.5, "insertion": {"every": 3}}},
            f"{T}: insertion.every: 3 is not below 3, the epochs before points climb: no point is ever put in",
        ),
        (f"{T}.figures", ["barcode"], f"{T}.figures.0: no figure 'barcode'; there are 'barcodes', 'to-score'"),
        (f"{T}.robustness.sizes", [4], f"{T}: robustness.sizes: a subset of 4 of 3 minima"),
        (f"{T}.curves.family.bends", 0, f"{T}.curves.family.bends: Input should be greater than 0 (it is 0)"),
        (f"{T}.curves.tilt", 5, f"{T}.curves: tilt weighs the points of one step against each other"),
        ("experiments.paper", TINY, "(top level): experiment key 'paper' is a name that the workflow itself uses"),
        ("experiments.no_good", TINY, "(top level): experiment key 'no_good': lower-case letters, digits and '-'"),
        ("scale", 2, "scale.epochs: Input should be less than or equal to 1 (it is 2.0)"),
        (
            "scale",
            "half",
            "scale: expected keys with values (epochs, seeds, samples, points, …), or one number for all of them (it",
        ),
        (
            f"{T}.descents",
            False,
            f"{T}.descents: expected keys with values (places, depth, passes, precision, …), or null for none (it is f",
        ),
        (f"{T}.models.mlp.polish", True, f"{T}.models.mlp.polish: expected keys with values (passes, precision, "),
        (
            f"{T}.robustness",
            False,
            f"{T}.robustness: expected keys with values (sizes, max_subsets), or null for none (it",
        ),
        (f"{T}.curves.settle", True, f"{T}.curves.settle: expected keys with values (passes, "),
        (f"{T}.minima", False, f"{T}.minima: expected keys with values (optimiser, "),
        (f"{T}.curves", False, f"{T}.curves: expected keys with values ("),
        (f"{T}.more_curves", {"x": False}, f"{T}.more_curves.x: expected keys with values ("),
        (f"{T}.curves.family", False, f"{T}.curves.family: expected keys with values (it is false)"),
        (f"{T}.models", False, f"{T}.models: expected keys with values (it is false)"),
        (f"{T}.figures", False, f"{T}.figures: expected a list of values, [] for none (it is false)"),
        (T, False, f"{T}: expected keys with values (it is false)"),
        ("scale.seeds", 0, "scale.seeds: Input should be greater than 0 (it is 0)"),
        ("data_root", 3, "data_root: Input should be a valid string (it is 3)"),
    ],
)
def test_a_mistake_in_the_configuration(place, value, message):
    lines = refusal(changed(place, value))
    assert any(line.startswith(message) for line in lines), lines


def test_every_mistake_is_named_once():
    raw = changed(f"{T}.minima.epochs", 0)
    raw["experiments"]["tiny"]["models"]["deep"] = {"network": {"kind": "mlp"}}
    raw["experiments"]["tiny"]["sample"] = 3
    assert refusal(raw) == [
        f"{T}.minima.epochs: Input should be greater than 0 (it is 0)",
        f"{T}.models.deep.network.depth: this key is missing",
        f"{T}.sample: unknown key; did you mean 'samples'?",
    ]


@pytest.mark.parametrize("part", ["minima", "curves", "models", "title"])
def test_a_missing_part(part):
    raw = changed(f"{T}.title", "t")
    del raw["experiments"]["tiny"][part]
    place = f"{T}.models.mlp" if part in ("minima", "curves") else T
    assert refusal(raw) == [f"{place}.{part}: this key is missing"]


# A user's own network ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Other: pass", "network '{0}:Net': {0} defines no 'Net'"),
        ("class Net: pass", "network '{0}:Net': not a subclass of torch.nn.Module"),
        (
            "import nothing_of_this_name\nclass Net: pass",
            "network '{0}:Net': {0} failed while it was imported: ModuleNotFoundError",
        ),
        ("class Net(", "network '{0}:Net': {0} is no Python: '(' was never closed"),
    ],
)
def test_a_network_that_is_none(tmp_path, text, message):
    path = tmp_path / "net.py"
    path.write_text("class Net: pass")
    model = Model(tmp_path / "run", plan(models={"mlp": {"network": f"{path}:Net"}}))
    path.write_text(text)
    with pytest.raises(ValueError) as error:  # noqa: PT011 (its text is what matters)
        model.run(model.task("minima", "0"))
    assert message.format(path) in str(error.value)
    assert not model.path("minima", "0").parent.exists()


def test_a_network_that_does_not_fit_the_data(tmp_path):
    model = Model(tmp_path, plan(models={"mlp": {"network": {"kind": "lenet"}}}))
    with pytest.raises(ValueError, match=r"LeNet takes images of 28 x 28 pixels, .* shape \(1, 4, 4\)"):
        model.run(model.task("minima", "0"))


# Data --------------------------------------------------------------------------------------------


def fake_mnist(root: Path, content: bytes) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in UNPACKED_MD5["MNIST"]:
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path | None], None]:
    """Runs the step of a data set below an empty folder, with a folder of files that are on disk."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LOSSBARS_CACHE", raising=False)

    def fetching(name: str, root: Path | None) -> None:
        monkeypatch.setenv("LOSSBARS_DATA_ROOT", str(root or ""))
        execute_task(dataset_task(plan(data=name), "tiny"))

    return fetching


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03\0\0", bytes(1000)], ids=["empty", "truncated", "corrupt"])
def test_a_damaged_data_file(tmp_path, fetch, content):
    raw = fake_mnist(tmp_path / "data", content)
    with pytest.raises(DataError) as error:
        fetch("mnist", tmp_path / "data")
    assert str(error.value).startswith(f"{raw / 'train-images-idx3-ubyte'} is damaged: its MD5 is ")
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("root", "looked"),
    [(None, "no data_root is set"), ("empty", "not all of its files are in {}/MNIST/raw")],
)
def test_no_network_and_no_files(tmp_path, fetch, monkeypatch, root, looked):
    def unreachable(*_: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(MNIST, "download", unreachable)
    folder = tmp_path / root if root else None
    with pytest.raises(DataError) as error:
        fetch("mnist", folder)
    text = str(error.value)
    assert text.startswith(f"MNIST: {looked.format(folder)}, and the download failed (<urlopen error no route to host>")
    assert "DATA_ROOT/MNIST/raw" in text
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "must return the tensors train_x, train_y, test_x, test_y, in this order or by name"),
        ("(x, y[:3], x, y)", "train set: 4 inputs and 3 targets"),
        (
            "(x.double(), y, x, y)",
            "train set: inputs are torch.float64, expected uint8 or float32, of words int16 or int32",
        ),
        ("(x, y, x / 0, y)", "test set: inputs have NaN or infinite numbers"),
        ("(x, y - 1, x, y)", "train set: a class has the number -1; classes count from 0"),
        ("(x, y, x[:, :1], y)", "training inputs have shape (2,), test inputs (1,)"),
    ],
)
def test_data_of_the_users_own_that_are_none(tmp_path, fetch, returned, message):
    path = tmp_path / "mine.py"
    path.write_text(
        f"import torch\n\n\ndef load():\n    x, y = torch.zeros(4, 2), torch.arange(4)\n    return {returned}"
    )
    with pytest.raises(DataError) as error:
        fetch(f"{path}:load", None)
    assert str(error.value) == f"data '{path}:load': {message}"


# Files -------------------------------------------------------------------------------------------


def write_some_tensors(path: Path, job: Job = JOB) -> None:
    artefacts.write_tensors(path, {"theta": torch.arange(6.0)}, job)


def write_some_table(path: Path, job: Job = JOB) -> None:
    write_table(path, pd.DataFrame({"loss": [0.25, 0.5]}), job)


def write_some_records(path: Path, job: Job = JOB) -> None:
    write_records(path, [{"bars": [{"birth": 0.25}]}], job)


FORMATS: dict[str, tuple[Callable[..., None], Callable[..., Any]]] = {
    "safetensors": (write_some_tensors, read_tensors),
    "parquet": (write_some_table, read_table),
    "json": (write_some_records, read_records),
}


def edit_tensors(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        head = file.metadata()
    save_file({"theta": torch.arange(6.0) + 1}, path, metadata=head)


def edit_table(path: Path) -> None:
    content = pq.read_table(path)
    new = pd.DataFrame({"loss": [0.25, 0.0]})
    pq.write_table(content.from_pandas(new).replace_schema_metadata(content.schema.metadata), path)


def edit_records(path: Path) -> None:
    path.write_text(path.read_text().replace("0.25", "0.125"))


@pytest.fixture(params=list(FORMATS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_file_edited_by_hand(tmp_path, kind):
    write, read = FORMATS[kind]
    path = tmp_path / f"0.{kind}"
    write(path)
    read(path, JOB.key)
    {"safetensors": edit_tensors, "parquet": edit_table, "json": edit_records}[kind](path)
    with pytest.raises(ArtefactError) as error:
        read(path, JOB.key)
    assert str(error.value) == f"{path} was changed after it was written: delete it and run again"


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_truncated_file(tmp_path, kind, share):
    write, read = FORMATS[kind]
    path = tmp_path / f"0.{kind}"
    write(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ArtefactError) as error:
        read(path, JOB.key)
    assert str(error.value).startswith(f"{path} is damaged (")
    assert str(error.value).endswith("): delete it and run again")


def test_a_file_of_another_recipe(tmp_path, kind):
    write, read = FORMATS[kind]
    path = tmp_path / f"0.{kind}"
    write(path, OTHER)
    with pytest.raises(ArtefactError) as error:
        read(path, JOB.key)
    text = f"{path} was made by another recipe or by other code (key {OTHER.key}, needed {JOB.key}): delete it and run"
    assert str(error.value).startswith(text)


def test_a_file_that_is_missing(tmp_path, kind):
    with pytest.raises(ArtefactError, match=f"0.{kind} is missing: run the rule that makes it"):
        FORMATS[kind][1](tmp_path / f"0.{kind}", JOB.key)


def test_a_folder_that_cannot_be_written_to(tmp_path, kind):
    """Root may write anywhere, so the folder is one that nobody can make: below a file."""
    (tmp_path / "results").write_text("a file")
    path = tmp_path / "results" / f"0.{kind}"
    with pytest.raises(ArtefactError) as error:
        FORMATS[kind][0](path)
    assert str(error.value).startswith(f"cannot write {path}: ")
    assert str(error.value).endswith(": check permissions and disk space")


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, kind, monkeypatch):
    write, read = FORMATS[kind]
    path = tmp_path / f"0.{kind}"
    write(path, OTHER)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ArtefactError, match=f"cannot write {path}: No space left on device: check permissions and"):
        write(path, JOB)
    monkeypatch.undo()
    read(path, OTHER.key)
    assert list(tmp_path.iterdir()) == [path]


# A process whose files may not be longer than 4 kB: writing fails for real, in the libraries' own code.
SMALL_FILES = """
import resource, sys
from pathlib import Path

import pandas as pd
import torch

from lossbars.workflow import artefacts
from lossbars.workflow.job import Job

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
job, folder, n = Job("minima", "tiny", "mlp", {}, "code"), Path(sys.argv[1]), 100_000
random = torch.rand(n, generator=torch.Generator().manual_seed(0))
for name, write in {
    "0.safetensors": lambda path: artefacts.write_tensors(path, {"theta": random}, job),
    "0.parquet": lambda path: artefacts.write_table(path, pd.DataFrame({"loss": random.numpy()}), job),
    "0.json": lambda path: artefacts.write_records(path, [{"values": random.tolist()}], job),
}.items():
    try:
        write(folder / name)
    except artefacts.ArtefactError as error:
        print(error)
"""


def test_a_disk_that_takes_no_more(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src")}
    command = [sys.executable, "-c", SMALL_FILES, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(FORMATS), done.stdout
    for line, kind in zip(done.stdout.splitlines(), FORMATS, strict=True):
        assert line.startswith(f"cannot write {tmp_path / '0'}.{kind}: ") and "File too large" in line
    assert not list(tmp_path.iterdir()), "nothing half-written"


def test_a_figure_that_cannot_be_written(tmp_path):
    (tmp_path / "figures").write_text("a file")
    with pytest.raises(OSError, match="figures"):
        save(Figure(), tmp_path / "figures" / "a.pdf", tmp_path / "figures" / "a.svg")
    with pytest.raises(OSError, match="figures"):
        save(Figure(), tmp_path / "a.pdf", tmp_path / "figures" / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]


# Trainings that diverge --------------------------------------------------------------------------

STEEP = {"optimiser": "sgd", "schedule": {"kind": "constant", "lr": 1.0e30}, "batch_size": 20}
AT_ONCE = STEEP | {"epochs": 1, "batch_size": 60}


@pytest.mark.parametrize("block", ["0", "0-2"])
def test_a_training_that_diverges(tmp_path, block):
    model = Model(tmp_path, plan(minima=STEEP | {"epochs": 3}, seeds_per_job=len(block_seeds(block))))
    with pytest.raises(Diverged) as error:
        model.run(model.task("minima", block))
    names = "seed 0" if block == "0" else "seed 0, seed 1, seed 2"
    assert str(error.value) == (
        f"the loss of {names} is no longer finite at step 2 of epoch 1 (step 2 in all), learning rate 1e+30: "
        "try a smaller learning rate"
    )
    assert not model.path("minima", block).parent.exists()


def test_a_training_that_diverges_in_its_last_step(tmp_path):
    """No loss of a batch shows it any more; the loss of record does."""
    model = Model(tmp_path, plan(minima=AT_ONCE))
    with pytest.raises(Diverged, match="the loss of seed 1 on all data is not finite after the training"):
        model.run(model.task("minima", "1"))
    assert not model.path("minima", "1").parent.exists()


@pytest.mark.parametrize(("recipe", "says"), [(STEEP | {"epochs": 2}, "step 2 of epoch 1"), (AT_ONCE, "not finite")])
def test_a_curve_that_diverges(tmp_path, recipe, says):
    model = Model(tmp_path, plan(curves=TINY["curves"] | recipe))
    model.run(model.task("minima", "0"), model.task("minima", "1"))
    with pytest.raises((Diverged, ValueError), match=says) as error:
        model.run(model.task("curves", "0+1"))
    assert "curve 0+1" in str(error.value) and "learning rate" in str(error.value)
    assert not model.path("curves", "0+1").parent.exists()


# The same, as a user sees it ---------------------------------------------------------------------


def stopped(checkout: Checkout, *options: str) -> str:
    """What a user reads when the run fails; results of what failed are not there."""
    done = checkout.snakemake("--cores", "1", *options, "--", "tiny")
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    return text


@pytest.fixture(scope="module")
def diverged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """A run whose training diverges, is tried again and diverges; what was said, with what jobs ask for."""
    steep = TINY | {"minima": STEEP | {"epochs": 2}, "seeds_per_job": 3}
    checkout = Checkout.fresh(tmp_path_factory.mktemp("diverged") / "checkout", tiny=steep)
    message = "MESSAGES[pattern.rule]"
    checkout.replace("rules/shared.smk", message, message + ' + ": {resources.mem_mb} MB, {resources.runtime} minutes"')
    return checkout, stopped(checkout, "--retries", "1")


@pytest.mark.workflow
def test_the_workflow_refuses_a_misspelt_key_before_it_starts(tmp_path):
    checkout = Checkout.fresh(tmp_path, tiny=changed(f"{T}.curves.epoch", 3)["experiments"]["tiny"])
    assert f"{T}.curves.epoch: unknown key; did you mean 'epochs'?" in stopped(checkout)
    assert not (tmp_path / "results").exists()


@pytest.mark.workflow
def test_the_workflow_says_where_a_training_diverged(diverged):
    checkout, text = diverged
    message = "the loss of seed 0, seed 1, seed 2 is no longer finite at step"
    assert message in text and "learning rate 1e+30" in text
    assert message in (checkout.folder / "results/tiny/mlp/logs/minima-0-2.log").read_text()
    assert set(checkout.files()) == {"results/datasets/digits.safetensors"}


@pytest.mark.workflow
def test_a_job_that_is_tried_again_asks_for_more(diverged):
    _, text = diverged
    asked = re.findall(r"minima.*: (\d+) MB, (\d+) minutes", text)
    request = plan(seeds_per_job=3, minima=STEEP | {"epochs": 2})
    (first,) = (request.request(task) for task in request.tasks("tiny") if task.kind == "minima")
    assert asked == [(str(n * first.mem_mb), str(n * first.runtime)) for n in (1, 2)]


@pytest.mark.workflow
def test_the_workflow_names_a_damaged_data_file(tmp_path):
    raw = fake_mnist(tmp_path / "data", b"not MNIST")
    checkout = Checkout.fresh(tmp_path / "checkout", tiny=TINY | {"data": "mnist"})
    checkout.edit("config.yaml", lambda text: text.replace("data_root: null", f"data_root: {tmp_path / 'data'}"))
    assert f"{raw / 'train-images-idx3-ubyte'} is damaged: its MD5 is " in stopped(checkout)
    assert not checkout.files()
