"""A run that is killed goes on from its checkpoint and ends with the bits of a run that nothing disturbed."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from lossbars.experiments.networks.steps import curves, minima, triangles
from lossbars.optimise import descent
from lossbars.workflow.artefacts import read_table, read_tensors
from lossbars.workflow.checkpoints import CheckpointFile
from support.paths import CHECKOUT
from support.workflow import ADAM, TINY, Model, command_line, plan

STEPS: dict[str, Callable[..., None]] = {
    "minima": minima.minima,
    "curves": curves.curves,
    "triangles": triangles.triangles,
}
STEPS_MODULE = {"minima": minima, "curves": curves}
BLOCKS = {"minima": ("0-1",), "curves": ("0-1", "2"), "triangles": ("0-1", "0-1", "2")}
EPOCHS, STEPS_PER_EPOCH = 4, 3
EVERY_STEP = {"checkpoint_seconds": 0.0}

SGD = {
    "optimiser": "sgd",
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 1.0e-3,
    "schedule": {"kind": "cyclical", "lr_max": 0.1, "lr_min": 1.0e-3},
}
NOISY_NETWORK = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(12, 3)
        )
"""

# Runs a step and kills its own process, unasked and with no time to tidy up, when the descent wants its rate for the
# n-th step, or in the middle of writing the n-th checkpoint.
KILLED = """
import os, runpy, signal, sys

from lossbars.optimise import descent
from lossbars.workflow import files

what, left, module = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1)
place = {"step": (descent, "learning_rate"), "write": (files.os, "replace")}[what]
real = getattr(*place)


def counted(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)


setattr(*place, counted)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Cut(BaseException):
    """Ends a step in this process where a signal would."""


@pytest.fixture
def steps_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Steps of all descents that were done, and the step at which to cut the run (0: none)."""
    count = [0, 0]
    real = descent.learning_rate

    def counted(*arguments: Any) -> float:
        if count[0] + 1 == count[1]:
            raise Cut
        count[0] += 1
        return real(*arguments)

    monkeypatch.setattr(descent, "learning_rate", counted)
    return count


def model(folder: Path, **changes: Any) -> Model:
    """A model whose descents have all the same number of steps; minima and curves are there already."""
    budget = {"epochs": EPOCHS, "batch_size": 20}
    own = {kind: TINY[kind] | budget | changes.pop(kind, {}) for kind in STEPS}
    return Model(folder, plan(seeds_per_job=2, **own, **changes))


def prepared(made: Model, kind: str) -> dict[str, Any]:
    """Arguments of the step, its inputs made."""
    if kind in ("curves", "triangles"):
        for block in made.blocks:
            minima.minima(**made.minima(block))
    return getattr(made, kind)(*BLOCKS[kind])


def outputs(arguments: dict[str, Any]) -> tuple[dict[str, torch.Tensor], Any]:
    """Tensors and table that a step wrote."""
    return read_tensors(arguments["out"])[0], read_table(arguments.get("metrics") or arguments["table"])


def assert_same_bits(one: dict[str, Any], other: dict[str, Any]) -> None:
    (tensors, table), (others, other_table) = outputs(one), outputs(other)
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name
    assert table.equals(other_table)


def checkpoints(made: Model) -> list[Path]:
    return sorted(made.common["checkpoints"].glob("*.safetensors"))


def assert_nothing_left(made: Model) -> None:
    """Neither a checkpoint nor a half-written file; only the results, under a second name."""
    assert [path.name for path in made.common["checkpoints"].iterdir()] == ["finished"]
    assert not list(made.folder.glob("*/.*"))


def command(kind: str, arguments: dict[str, Any]) -> list[str]:
    return [f"lossbars.experiments.networks.steps.{kind}", *command_line(arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def kill(kind: str, arguments: dict[str, Any], what: str, at: int) -> None:
    """Run the step in a process of its own, which is killed."""
    line = [sys.executable, "-c", KILLED, what, str(at), *command(kind, arguments | EVERY_STEP)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("kind", ["minima", "curves"])
def test_killed_in_the_middle_of_an_epoch(tmp_path, kind, steps_done):
    there = model(tmp_path / "undisturbed")
    undisturbed = prepared(there, kind)
    STEPS[kind](**undisturbed)

    made = model(tmp_path / "killed")
    arguments = prepared(made, kind)
    kill(kind, arguments, "step", 2 * STEPS_PER_EPOCH + 2)  # in the third epoch, after its first step
    assert not arguments["out"].parent.exists()
    (checkpoint,) = checkpoints(made)
    state = read_tensors(checkpoint, arguments["job"].key)[0]
    assert (int(state["epoch"]), int(state["step"])) == (2, 1)

    steps_done[0] = 0
    STEPS[kind](**arguments)
    assert steps_done[0] == (EPOCHS - 2) * STEPS_PER_EPOCH - 1, "only what was left is done"
    assert_same_bits(arguments, undisturbed)
    assert_nothing_left(made)


def test_killed_while_a_checkpoint_is_written(tmp_path, steps_done):
    """The checkpoint before is still whole."""
    made, there = model(tmp_path / "killed"), model(tmp_path / "undisturbed")
    kill("minima", made.minima("0"), "write", 2)
    (checkpoint,) = checkpoints(made)
    assert int(read_tensors(checkpoint)[0]["step"]) == 1
    assert len(list(checkpoint.parent.iterdir())) == 2, "the one that was being written"
    minima.minima(**made.minima("0"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - 1
    assert_nothing_left(made)
    minima.minima(**there.minima("0"))
    assert_same_bits(made.minima("0"), there.minima("0"))


@pytest.mark.parametrize("at", [1, 4, 5, 6, 7, EPOCHS * STEPS_PER_EPOCH])
@pytest.mark.parametrize(
    ("kind", "descents"),
    [("minima", SGD), ("curves", SGD), ("triangles", SGD), ("triangles", ADAM | {"points": 3, "tilt": 2.0})],
    ids=["minima-sgd", "curves-sgd", "triangles-sgd", "triangles-adam-tilted"],
)
def test_cut_at_any_step(tmp_path, kind, descents, at, steps_done):
    changes = {kind: descents | {"epochs": EPOCHS, "batch_size": 20}}
    there, made = model(tmp_path / "undisturbed", **changes), model(tmp_path / "cut", **changes)
    undisturbed, arguments = prepared(there, kind), prepared(made, kind)
    STEPS[kind](**undisturbed)
    steps_done[:] = 0, at
    with pytest.raises(Cut):
        STEPS[kind](**arguments, **EVERY_STEP)
    steps_done[:] = 0, 0
    STEPS[kind](**arguments)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - (at - 1)
    assert_same_bits(arguments, undisturbed)


def test_a_network_with_batchnorm_and_dropout(tmp_path, steps_done):
    """The noise of a training is part of its state, BatchNorm's statistics are not."""
    (tmp_path / "net.py").write_text(NOISY_NETWORK)
    models = {"mlp": {"network": f"{tmp_path / 'net.py'}:Net"}}
    there, made = model(tmp_path / "undisturbed", models=models), model(tmp_path / "cut", models=models)
    minima.minima(**there.minima("0-1"))
    steps_done[:] = 0, 8
    with pytest.raises(Cut):
        minima.minima(**made.minima("0-1"), **EVERY_STEP)
    steps_done[:] = 0, 0
    minima.minima(**made.minima("0-1"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - 7
    assert_same_bits(made.minima("0-1"), there.minima("0-1"))


def test_cut_between_two_outputs(tmp_path, monkeypatch):
    """The table is there, the tensors are not: the next run makes both anew."""
    made, there = model(tmp_path / "cut"), model(tmp_path / "undisturbed")

    def cut(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(minima, "write_tensors", cut)
        with pytest.raises(Cut):
            minima.minima(**made.minima("0"))
    assert [path.name for path in (made.folder / "minima").iterdir()] == ["0.parquet"]
    minima.minima(**made.minima("0"))
    minima.minima(**there.minima("0"))
    assert_same_bits(made.minima("0"), there.minima("0"))


def cut_in_the_third_epoch(made: Model, steps_done: list[int]) -> Path:
    """A training cut in its third epoch; its checkpoint."""
    steps_done[:] = 0, 2 * STEPS_PER_EPOCH + 2
    with pytest.raises(Cut):
        minima.minima(**made.minima("0"), **EVERY_STEP)
    steps_done[:] = 0, 0
    (checkpoint,) = checkpoints(made)
    return checkpoint


def flipped(content: bytes) -> bytes:
    """One bit of the tensors is another."""
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: content[:0], flipped])
def test_a_damaged_checkpoint_is_not_used(tmp_path, steps_done, damage):
    made, there = model(tmp_path / "cut"), model(tmp_path / "undisturbed")
    checkpoint = cut_in_the_third_epoch(made, steps_done)
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    minima.minima(**made.minima("0"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH, "it starts afresh"
    assert not checkpoints(made)
    minima.minima(**there.minima("0"))
    assert_same_bits(made.minima("0"), there.minima("0"))


@pytest.mark.parametrize("renamed", [False, True], ids=["under its own name", "under the name of the new one"])
def test_a_checkpoint_of_another_recipe_is_not_used(tmp_path, steps_done, renamed):
    rate = {"minima": {"schedule": {"kind": "constant", "lr": 0.05}}}
    before, there = model(tmp_path / "same"), model(tmp_path / "undisturbed", **rate)
    old = cut_in_the_third_epoch(before, steps_done)
    after = model(tmp_path / "same", **rate)
    assert after.job("minima").key != before.job("minima").key
    if renamed:
        inputs = [after.data]
        old.rename(CheckpointFile(after.common["checkpoints"], after.job("minima"), "0", inputs).path)
    minima.minima(**after.minima("0"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH
    minima.minima(**there.minima("0"))
    assert_same_bits(after.minima("0"), there.minima("0"))


def test_a_checkpoint_of_other_seeds_is_not_used(tmp_path, steps_done):
    made = model(tmp_path)
    kept = cut_in_the_third_epoch(made, steps_done)
    minima.minima(**made.minima("1"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH
    assert checkpoints(made) == [kept], "nor is it removed"


def test_no_checkpoint_before_its_time(tmp_path, steps_done):
    made = model(tmp_path)
    steps_done[1] = EPOCHS * STEPS_PER_EPOCH
    with pytest.raises(Cut):
        minima.minima(**made.minima("0"), checkpoint_seconds=1.0e6)
    assert not checkpoints(made)


# What a scheduler and a keyboard do --------------------------------------------------------------

LONG = 20_000  # epochs that no test waits for


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["minima", "curves"])
def test_asked_to_stop(tmp_path, kind, number, monkeypatch):
    """In the shell of the rules, as a scheduler does it: to the whole group of processes at once."""
    made = model(tmp_path, **{kind: {"epochs": LONG}})
    arguments = prepared(made, kind)
    line = shlex.join([sys.executable, "-m", *command(kind, arguments)])
    script = f"set -euo pipefail; trap '' TERM; {line} 2>&1 | tee --ignore-interrupts {tmp_path}/log"
    shell = subprocess.Popen(
        ["bash", "-c", script], env=environment(), start_new_session=True, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: "epoch" in (tmp_path / "log").read_text())
    os.killpg(shell.pid, number)
    assert shell.wait(20) != 0
    assert f"lossbars.experiments.networks.steps.{kind}: stopped in epoch" in (tmp_path / "log").read_text()
    (checkpoint,) = checkpoints(made)
    state = read_tensors(checkpoint, arguments["job"].key)[0]
    epoch, step = int(state["epoch"]), int(state["step"])
    assert 0 < epoch < LONG

    lines = list[str]()
    monkeypatch.setattr(STEPS_MODULE[kind], "reporter", lambda *_: lines.append)
    monkeypatch.setattr(descent, "_epoch", lambda *_: pytest.fail("enough") if lines else None)
    with pytest.raises(pytest.fail.Exception, match="enough"):
        STEPS[kind](**arguments)
    assert lines == [f"goes on in epoch {epoch + 1}, after step {step}"]


def test_asked_to_stop_while_it_measures(tmp_path):
    """The training is done and need not be done again."""
    made, there = model(tmp_path / "stopped"), model(tmp_path / "undisturbed")
    arguments, undisturbed = prepared(made, "curves"), prepared(there, "curves")
    code = "from lossbars.experiments.networks.steps import curves; import os, signal\n"
    code += "def profiles(*_): os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "curves.profiles = profiles\ncurves.run(curves.curves)"
    line = [sys.executable, "-c", code, *command_line(arguments)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 143 and done.stderr.endswith("stopped by SIGTERM; run it again\n"), done.stderr
    (checkpoint,) = checkpoints(made)
    assert int(read_tensors(checkpoint)[0]["epoch"]) == EPOCHS
    curves.curves(**arguments)
    curves.curves(**undisturbed)
    assert_same_bits(arguments, undisturbed)


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError):
            if there():
                return
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.05)
