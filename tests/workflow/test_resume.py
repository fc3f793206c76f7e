"""A run that is killed goes on from its checkpoint and ends with the bits of a run that nothing disturbed."""

import os
import re
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

from lossbars.optimise import descent
from lossbars.optimise.quasi_newton import QuasiNewton
from lossbars.optimise.stopping import Stopped
from lossbars.workflow.artefacts import read_tensors
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.tasks import Task
from lossbars.workflow.work import Work
from support.paths import CHECKOUT
from support.workflow import ADAM, TINY, TRAINED, Model, command_line, plan

PARTS = {"minima": "0-1", "curves": "0-1+2", "triangles": "0-1+0-1+2"}
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
from lossbars.optimise.quasi_newton import QuasiNewton
from lossbars.optimise.stopping import Stopped
from lossbars.workflow import files

what, left = sys.argv.pop(1), int(sys.argv.pop(1))
place = {"step": (descent, "learning_rate"), "write": (files.os, "replace")}[what]
real = getattr(*place)


def counted(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)


setattr(*place, counted)
runpy.run_module("lossbars.workflow.run", run_name="__main__", alter_sys=True)
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
    recipes = {kind: TINY[kind] | budget | changes.pop(kind, {}) for kind in TRAINED}
    return Model(folder, plan(seeds_per_job=2, **recipes, **changes))


def prepared(made: Model, kind: str) -> Task:
    """The task of one part, its inputs made."""
    if kind != "minima":
        made.run(*made.of("minima"))
    return made.task(kind, PARTS[kind])


def assert_same_bits(one: Model, other: Model, task: Task) -> None:
    tensors, others = (made.tensors(task.kind, task.part) for made in (one, other))
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name
    assert one.table(task.kind, task.part).equals(other.table(task.kind, task.part))


def checkpoints(made: Model) -> list[Path]:
    return sorted(made.checkpoints.glob("*.safetensors"))


def assert_nothing_left(made: Model) -> None:
    """Neither a checkpoint nor a half-written file; only the results, under a second name."""
    assert [path.name for path in made.checkpoints.iterdir()] == ["finished"]
    assert not list(made.folder.glob("results/**/.*"))


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | more


def kill(made: Model, task: Task, what: str, at: int) -> None:
    """Run the step in a process of its own, which is killed."""
    line = [sys.executable, "-c", KILLED, what, str(at), *command_line(task)]
    own = environment(LOSSBARS_CHECKPOINT_SECONDS="0")
    done = subprocess.run(line, cwd=made.folder, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("kind", ["minima", "curves"])
def test_killed_in_the_middle_of_an_epoch(tmp_path, kind, steps_done):
    there, made = model(tmp_path / "undisturbed"), model(tmp_path / "killed")
    there.run(prepared(there, kind))
    task = prepared(made, kind)
    kill(made, task, "step", 2 * STEPS_PER_EPOCH + 2)  # in the third epoch, after its first step
    assert not made.path(kind, task.part).parent.joinpath(f"{task.part}.parquet").exists()
    assert not made.path(kind, task.part).exists()
    (checkpoint,) = checkpoints(made)
    state = read_tensors(checkpoint, task.key)[0]
    assert (int(state["epoch"]), int(state["step"])) == (2, 1)

    steps_done[0] = 0
    made.run(task)
    assert steps_done[0] == (EPOCHS - 2) * STEPS_PER_EPOCH - 1, "only what was left is done"
    assert_same_bits(made, there, task)
    assert_nothing_left(made)


def test_killed_while_a_checkpoint_is_written(tmp_path, steps_done):
    """The checkpoint before is still whole."""
    made, there = model(tmp_path / "killed"), model(tmp_path / "undisturbed")
    task = made.task("minima", "0-1")
    kill(made, task, "write", 2)
    (checkpoint,) = checkpoints(made)
    assert int(read_tensors(checkpoint)[0]["step"]) == 1
    assert len(list(checkpoint.parent.iterdir())) == 2, "the one that was being written"
    made.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - 1
    assert_nothing_left(made)
    there.run(task)
    assert_same_bits(made, there, task)


@pytest.mark.parametrize("at", [1, 4, 5, 6, 7, EPOCHS * STEPS_PER_EPOCH])
@pytest.mark.parametrize(
    ("kind", "descents"),
    [("minima", SGD), ("curves", SGD), ("triangles", SGD), ("triangles", ADAM | {"points": 3, "tilt": 2.0})],
    ids=["minima-sgd", "curves-sgd", "triangles-sgd", "triangles-adam-tilted"],
)
def test_cut_at_any_step(tmp_path, kind, descents, at, steps_done):
    decay = {"minima": {"weight_decay": descents.get("weight_decay", 0.0)}}  # all have one objective
    changes = decay | {kind: descents | {"epochs": EPOCHS, "batch_size": 20}}
    there, made = model(tmp_path / "undisturbed", **changes), model(tmp_path / "cut", **changes)
    there.run(prepared(there, kind))
    task = prepared(made, kind)
    steps_done[:] = 0, at
    with pytest.raises(Cut):
        made.run(task, **EVERY_STEP)
    steps_done[:] = 0, 0
    made.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - (at - 1)
    assert_same_bits(made, there, task)


def test_a_network_with_batchnorm_and_dropout(tmp_path, steps_done):
    """The noise of a training is part of its state, BatchNorm's statistics are not."""
    (tmp_path / "net.py").write_text(NOISY_NETWORK)
    models = {"mlp": {"network": f"{tmp_path / 'net.py'}:Net"}}
    there, made = model(tmp_path / "undisturbed", models=models), model(tmp_path / "cut", models=models)
    task = made.task("minima", "0-1")
    there.run(task)
    steps_done[:] = 0, 8
    with pytest.raises(Cut):
        made.run(task, **EVERY_STEP)
    steps_done[:] = 0, 0
    made.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - 7
    assert_same_bits(made, there, task)


def test_cut_between_two_outputs(tmp_path, monkeypatch):
    """The table is there, the tensors are not: the next run makes both anew."""
    made, there = model(tmp_path / "cut"), model(tmp_path / "undisturbed")
    task = made.task("minima", "0-1")

    def cut(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(Work, "write_tensors", cut)
        with pytest.raises(Cut):
            made.run(task)
    assert [path.name for path in made.path("minima", "0-1").parent.iterdir()] == ["0-1.parquet"]
    made.run(task)
    there.run(task)
    assert_same_bits(made, there, task)


# Polish and settling --------------------------------------------------------------------------------

SMOOTH = {"mlp": {"network": {"kind": "mlp", "depth": 1, "width": 6, "activation": "tanh"}}}
POLISH = {"passes": 30}
FURTHER: dict[str, dict[str, Any]] = {
    "minima": {"polish": POLISH, "minima": {"weight_decay": 0.01}},
    "curves": {"minima": {"weight_decay": 0.01}, "curves": {"settle": {"passes": 240, "places": 6}}},
}  # ten steps of each of four rounds of the curves


@pytest.fixture
def passes_done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As ``steps_done``, of all quasi-Newton methods."""
    count = [0, 0]
    real = QuasiNewton.step

    def counted(self: QuasiNewton) -> None:
        if count[0] + 1 == count[1]:
            raise Cut
        count[0] += 1
        real(self)

    monkeypatch.setattr(QuasiNewton, "step", counted)
    return count


@pytest.mark.parametrize("kind", FURTHER)
@pytest.mark.parametrize("at", [1, 9, 10, 25])
def test_cut_in_a_polish_or_in_a_settling(tmp_path, kind, at, steps_done, passes_done):
    there, made = (model(tmp_path / name, models=SMOOTH, **FURTHER[kind]) for name in ("undisturbed", "cut"))
    task = prepared(there, kind)
    passes_done[:] = 0, 0
    there.run(task)
    whole = passes_done[0]
    prepared(made, kind)
    steps_done[:], passes_done[:] = (0, 0), (0, at)
    with pytest.raises(Cut):
        made.run(task, **EVERY_STEP)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH and passes_done[0] == at - 1
    steps_done[:], passes_done[:] = (0, 0), (0, 0)
    made.run(task)
    assert steps_done[0] == 0 and passes_done[0] == whole - (at - 1), "only what was left is done"
    assert_same_bits(made, there, task)
    assert_nothing_left(made)


@pytest.mark.parametrize("kind", FURTHER)
def test_cut_in_the_training_before_a_polish_or_a_settling(tmp_path, kind, steps_done, passes_done):
    there, made = (model(tmp_path / name, models=SMOOTH, **FURTHER[kind]) for name in ("undisturbed", "cut"))
    there.run(prepared(there, kind))
    task = prepared(made, kind)
    steps_done[:] = 0, 8
    with pytest.raises(Cut):
        made.run(task, **EVERY_STEP)
    steps_done[:], passes_done[:] = (0, 0), (0, 0)
    made.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH - 7 and passes_done[0] > 9
    assert_same_bits(made, there, task)
    assert_nothing_left(made)


@pytest.mark.parametrize("kind", FURTHER)
def test_asked_to_stop_in_a_polish_or_in_a_settling(tmp_path, kind, monkeypatch, steps_done):
    """As a scheduler asks: the process says where it stopped, and goes on from there."""
    there, made = (model(tmp_path / name, models=SMOOTH, **FURTHER[kind]) for name in ("undisturbed", "stopped"))
    there.run(prepared(there, kind))
    task = prepared(made, kind)
    real, left = QuasiNewton.step, [5]

    def step(self: QuasiNewton) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(QuasiNewton, "step", step)
        with pytest.raises(Stopped, match=r"stopped after pass \d+ of \d+; run it again to go on from there"):
            made.run(task)
    steps_done[0] = 0
    made.run(task)
    assert steps_done[0] == 0
    assert_same_bits(made, there, task)
    assert_nothing_left(made)


def cut_in_the_third_epoch(made: Model, steps_done: list[int]) -> Path:
    """A training cut in its third epoch; its checkpoint."""
    steps_done[:] = 0, 2 * STEPS_PER_EPOCH + 2
    with pytest.raises(Cut):
        made.run(made.task("minima", "0-1"), **EVERY_STEP)
    steps_done[:] = 0, 0
    (checkpoint,) = checkpoints(made)
    return checkpoint


def flipped(content: bytes) -> bytes:
    """One bit of the tensors is another."""
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: content[:0], flipped])
def test_a_damaged_checkpoint_is_not_used(tmp_path, steps_done, damage):
    made, there = model(tmp_path / "cut"), model(tmp_path / "undisturbed")
    task = made.task("minima", "0-1")
    checkpoint = cut_in_the_third_epoch(made, steps_done)
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    made.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH, "it starts afresh"
    assert not checkpoints(made)
    there.run(task)
    assert_same_bits(made, there, task)


@pytest.mark.parametrize("renamed", [False, True], ids=["under its own name", "under the name of the new one"])
def test_a_checkpoint_of_another_recipe_is_not_used(tmp_path, steps_done, renamed):
    rate = {"minima": {"schedule": {"kind": "constant", "lr": 0.05}}}
    before, there = model(tmp_path / "same"), model(tmp_path / "undisturbed", **rate)
    old = cut_in_the_third_epoch(before, steps_done)
    after = model(tmp_path / "same", **rate)
    task = after.task("minima", "0-1")
    assert task.key != before.task("minima", "0-1").key
    if renamed:
        old.rename(CheckpointFile(after.checkpoints, task.job, task.part, [after.data]).path)
    after.run(task)
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH
    there.run(task)
    assert_same_bits(after, there, task)


def test_a_checkpoint_of_other_seeds_is_not_used(tmp_path, steps_done):
    made = model(tmp_path)
    kept = cut_in_the_third_epoch(made, steps_done)
    made.run(made.task("minima", "2"))
    assert steps_done[0] == EPOCHS * STEPS_PER_EPOCH
    assert checkpoints(made) == [kept], "nor is it removed"


def test_no_checkpoint_before_its_time(tmp_path, steps_done):
    made = model(tmp_path)
    steps_done[1] = EPOCHS * STEPS_PER_EPOCH
    with pytest.raises(Cut):
        made.run(made.task("minima", "0-1"), checkpoint_seconds=1.0e6)
    assert not checkpoints(made)


# What a scheduler and a keyboard do --------------------------------------------------------------

LONG = 20_000  # epochs that no test waits for


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["minima", "curves"])
def test_asked_to_stop(tmp_path, kind, number, monkeypatch, capsys):
    """In the shell of the rules, as a scheduler does it: to the whole group of processes at once."""
    made = model(tmp_path, **{kind: {"epochs": LONG}})
    task = prepared(made, kind)
    line = shlex.join([sys.executable, "-m", "lossbars.workflow.run", *command_line(task)])
    script = f"set -euo pipefail; trap '' TERM; {line} 2>&1 | tee --ignore-interrupts {tmp_path}/log"
    shell = subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, env=environment(), start_new_session=True, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: "epoch" in (tmp_path / "log").read_text())
    os.killpg(shell.pid, number)
    assert shell.wait(20) != 0
    assert f"lossbars.experiments.networks.steps.{kind}: stopped in epoch" in (tmp_path / "log").read_text()
    (checkpoint,) = checkpoints(made)
    state = read_tensors(checkpoint, task.key)[0]
    epoch, step = int(state["epoch"]), int(state["step"])
    assert 0 < epoch < LONG

    monkeypatch.setattr(descent, "_epoch", lambda *_: pytest.fail("enough"))
    capsys.readouterr()
    with pytest.raises(pytest.fail.Exception, match="enough"):
        made.run(task)
    (said,) = re.findall(r"\] (.*)\n", capsys.readouterr().err)
    assert said == f"goes on in epoch {epoch + 1}, after step {step}"


def test_asked_to_stop_while_it_measures(tmp_path):
    """The training is done and need not be done again."""
    made, there = model(tmp_path / "stopped"), model(tmp_path / "undisturbed")
    task = prepared(made, "curves")
    there.run(prepared(there, "curves"))
    code = "import os, signal\nfrom lossbars.experiments.networks.steps import curves\n"
    code += "from lossbars.workflow import run\ndef profiles(*_): os.kill(os.getpid(), signal.SIGTERM)\n"
    code += "curves.profiles = profiles\nrun.main()"
    line = [sys.executable, "-c", code, *command_line(task)]
    done = subprocess.run(line, cwd=made.folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 143 and done.stderr.endswith("stopped by SIGTERM; run it again\n"), done.stderr
    (checkpoint,) = checkpoints(made)
    assert int(read_tensors(checkpoint)[0]["epoch"]) == EPOCHS
    made.run(task)
    assert_same_bits(made, there, task)


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError):
            if there():
                return
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.05)
