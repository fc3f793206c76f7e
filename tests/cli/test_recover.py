"""`lossbars recover`: what it cleans up, what it leaves, and when it refuses.

tests/support/slurm/ has it on a real cluster.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lossbars.cli import slurm
from lossbars.cli.main import main
from lossbars.cli.recover import ASIDE, RecoverError, recover
from lossbars.workflow.snakemake_private import LOCKS, LOGS
from support.finished import finish, plans, write
from support.slurm_stand_in import StandIn

RUN = "lossbars_0a1b2c3d-1111-2222-3333-444455556666"
PROFILE = "executor: slurm\nslurm-jobname-prefix: lossbars\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All results are there; the machine's own SLURM, if it has one, is not looked at."""
    monkeypatch.setattr(slurm, "available", lambda: False)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    finish(plans())
    Path("slurm").mkdir()
    Path("slurm/profile.yaml").write_text(PROFILE)
    return checkout


@pytest.fixture
def cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setattr(slurm, "available", lambda: True)
    return StandIn(folder.parent / "slurm", monkeypatch)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossbars.cli.recover.PATIENCE", 0)


def logged(host: str, command: str, name: str = "2026-11-21T160000.000000") -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    text = f"SNAKEMAKE\n=========\n  Host: {host}\n  User: me\n  Command: /venv/bin/snakemake {command}\n"
    (LOGS / f"{name}.snakemake.log").write_text(text)


def lock() -> None:
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.input.lock").write_text("results/x\n")


def all_files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


@pytest.fixture
def process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this folder that calls itself a snakemake."""
    script = folder.parent / "snakemake"
    script.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen([sys.executable, str(script), "-j", "2"], stdout=subprocess.PIPE) as running:
        assert running.stdout and running.stdout.readline()
        yield running
        running.kill()


def test_a_whole_folder_is_left_as_it_is():
    before = all_files()
    assert recover(plans(), None, None, dry=False)[0] == "There is nothing to recover."
    assert all_files() == before


def test_it_refuses_while_a_snakemake_is_alive(process, capsys):
    lock()
    before = all_files()
    with pytest.raises(SystemExit) as stop:
        main(["recover"])
    assert f"process {process.pid} " in str(stop.value) and "still runs in this folder" in str(stop.value)
    assert all_files() == before and process.poll() is None and not capsys.readouterr().out


def test_a_snakemake_of_another_folder_is_no_obstacle(process, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert process.poll() is None
    assert recover(plans(), None, None, dry=False)[0] == "There is nothing to recover."


def test_it_refuses_where_the_run_was_started_on_another_machine():
    lock()
    logged("login2", "--profile slurm tiny")
    with pytest.raises(RecoverError, match=r"was started on login2.*--lost-host login2"):
        recover(plans(), None, None, dry=False)
    with pytest.raises(RecoverError, match="login2"):
        recover(plans(), None, "login3", dry=False)
    assert LOCKS.is_dir()
    lines = recover(plans(), None, "login2", dry=False)
    assert lines == [
        "freed Snakemake's locks on the folder",
        "Go on with the command of the last run, which its log gives without its quotes: "
        "snakemake --profile slurm tiny",
    ]
    assert not LOCKS.exists()


def test_the_last_run_is_not_a_look_at_the_plan():
    logged(socket.gethostname(), "--cores 2 tiny", "2026-11-21T1")
    time.sleep(0.01)
    logged("elsewhere", "-n tiny", "2026-11-21T2")
    lock()
    assert "snakemake --cores 2 tiny" in recover(plans(), None, None, dry=False)[-1]


def test_steps_that_were_left_are_asked_to_stop(folder):
    code = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: (open('saved', 'w'), sys.exit(143)))\n"
        "print('up', flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, "lossbars.workflow.run", "lossbars.experiments.escape.steps.runs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as step:
        assert step.stdout and step.stdout.readline()
        lines = recover(plans(), None, None, dry=True)
        assert lines[0].startswith("would stop 1 processes: process") and step.poll() is None
        assert recover(plans(), None, None, dry=False)[0] == "stopped 1 processes that the run had left"
        assert step.poll() is not None and (folder / "saved").exists()


def test_a_step_that_slurm_runs_on_this_machine_is_slurms():
    command = [
        sys.executable,
        "-c",
        "print('up', flush=True); import time; time.sleep(60)",
        "lossbars.workflow.run",
    ]
    environment = os.environ | {"SLURM_JOB_ID": "7"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as step:
        assert step.stdout and step.stdout.readline()
        recover(plans(), None, None, dry=False)
        assert step.poll() is None
        step.kill()


def test_half_written_files_go_and_checkpoints_stay():
    kept = [Path(".checkpoints/tiny-mlp-minima-0-0123-4567.safetensors"), Path("results/.code/0123.json")]
    kept.append(Path("results/.editor.settings"))
    gone = [Path("results/tiny/mlp/minima/.0.safetensors.abc_12x9"), Path(".checkpoints/.tiny.safetensors.abcdefgh")]
    folder = Path(".checkpoints/finished/.tiny-mlp.abcdefgh")
    for path in (*kept, *gone, folder / "result.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert recover(plans(), None, None, dry=True)[0].startswith("would remove 3 half-written files: .checkpoints/.tiny")
    assert all(path.exists() for path in gone)
    assert recover(plans(), None, None, dry=False)[0] == "removed 3 half-written files"
    assert all(path.exists() for path in kept) and not any(path.exists() for path in (*gone, folder))


def test_results_that_cannot_stand_are_set_aside_and_no_others():
    made = plans()
    artefacts = finish(made)
    cut, other = "results/tiny/mlp/minima/0.safetensors", "results/tiny/mlp/curves/0+1.parquet"
    content = Path(cut).read_bytes()[:-3]
    Path(cut).write_bytes(content)
    write(other, replace(artefacts[other].job, code="0000"))
    before = all_files()
    assert recover(plans(), None, None, dry=True)[0].startswith(f"would set aside 2 results that cannot be used ({cut}")
    assert all_files() == before
    recover(plans(), None, None, dry=False)
    (aside,) = ASIDE.iterdir()
    moved = {str(aside / Path(path).relative_to("results")) for path in (cut, other)}
    assert all_files() == before - {cut, other} | moved
    assert (aside / "tiny/mlp/minima/0.safetensors").read_bytes() == content
    assert recover(plans(), None, None, dry=False)[0] == "There is nothing to recover."


def test_results_of_experiments_that_the_configuration_does_not_have_stay():
    other = Path("results/mine/net/minima/0.safetensors")
    other.parent.mkdir(parents=True)
    other.write_text("no artefact at all")
    recover(plans(), None, None, dry=False)
    assert other.exists()


# Jobs of SLURM -----------------------------------------------------------------------------------


def test_jobs_of_this_folder_are_cancelled_and_no_others(folder, cluster):
    link = folder.parent / "link"
    link.symlink_to(folder)
    cluster.queue(
        f"11|{RUN}|RUNNING|{folder}",
        f"12|{RUN}|PENDING|{link}",  # the same folder by another name
        f"13|{RUN}|RUNNING|{folder.parent / 'another'}",
        f"14|by-hand|RUNNING|{folder}",
        f"15|other_{RUN.partition('_')[2]}|RUNNING|{folder}",
    )
    assert recover(plans(), "slurm", None, dry=True)[0] == "would cancel 2 jobs of SLURM (11, 12)"
    assert cluster.queued() == ["11", "12", "13", "14", "15"]
    assert recover(plans(), "slurm", None, dry=False)[0].startswith("cancelled 2 jobs of SLURM that the run had left")
    assert cluster.queued() == ["13", "14", "15"]


def test_without_a_profile_any_executors_jobs_of_this_folder_are_cancelled(folder, cluster):
    cluster.queue(f"14|by-hand|RUNNING|{folder}", f"15|other_{RUN.partition('_')[2]}|RUNNING|{folder}")
    recover(plans(), None, None, dry=False)
    assert cluster.queued() == ["14"]


def test_jobs_that_do_not_end_stop_it_before_anything_is_unlocked(folder, cluster, monkeypatch):
    lock()
    cluster.queue(f"11|{RUN}|COMPLETING|{folder}")
    monkeypatch.setattr(slurm, "cancel", lambda _: None)
    with pytest.raises(RecoverError, match="job 11 of SLURM is still COMPLETING"):
        recover(plans(), "slurm", None, dry=False)
    assert LOCKS.is_dir()


@pytest.mark.usefixtures("cluster")
def test_a_cluster_that_does_not_answer_is_an_error_where_the_profile_needs_it(monkeypatch):
    lock()

    def silent(*_: str) -> str:
        raise slurm.SlurmError("squeue failed: Unable to contact slurm controller")

    monkeypatch.setattr(slurm, "ask", silent)
    with pytest.raises(slurm.SlurmError, match="Unable to contact"):
        recover(plans(), "slurm", None, dry=False)
    assert LOCKS.is_dir()
    first, second, _ = recover(plans(), None, None, dry=False)
    assert first.startswith("did not look for jobs of SLURM: squeue failed") and second.startswith("freed")
