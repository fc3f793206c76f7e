"""Faults of what runs: jobs and their processes, Snakemake, SLURM's daemons, the node."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from support.faults.scene import Injection, Scene, in_the_middle, ran
from support.faults.small import Run
from support.slurm import cluster

# Jobs and processes ------------------------------------------------------------------------------


def scancel(*how: str) -> Injection:
    return in_the_middle(lambda scene: ran("scancel", *how, scene.job()))


def kill_tree(scene: Scene) -> None:
    """All processes of the struck job, its keeper included, as if the node's memory were gone."""
    number = scene.job()
    for process in psutil.process_iter():
        try:
            mine = f"slurmstepd: [{number}." in " ".join(process.cmdline())
            tree = [process, *process.children(recursive=True)] if mine else []
        except psutil.NoSuchProcess:
            continue
        for one in tree:
            one.kill()


def requeue(scene: Scene) -> None:
    ran("scontrol", "requeue", scene.job())


def preempt(scene: Scene) -> None:
    """Work that goes first takes the whole node for some seconds."""
    scene.job()
    ran("sbatch", "--partition=urgent", "--exclusive", "--time=1", "--output=/dev/null", "--wrap=sleep 5")


def time_limit(scene: Scene) -> None:
    """The step is held up, and its job's time ends: SLURM wakes it with SIGTERM ahead of that."""
    scene.step().suspend()
    ran("scontrol", "update", f"JobId={scene.job()}", "TimeLimit=1")


# Snakemake ---------------------------------------------------------------------------------------


def snakemake(how: signal.Signals) -> Injection:
    return lambda scene: scene.run.stop(how)


def recover(scene: Scene) -> None:
    """What the documentation says to do after Snakemake was killed."""
    scene.run.wait()
    command = [sys.executable, "-m", "lossbars", "recover", "--profile", "slurm", "--configfile", "small.yaml"]
    done = subprocess.run(command, cwd=scene.run.folder, capture_output=True, text=True, check=False)
    (scene.run.folder / "recover.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise RuntimeError(f"lossbars recover: {done.stderr.strip()}")


def recover_later(scene: Scene) -> None:
    """The orphan ends by itself, and leaves results of which Snakemake knows nothing."""
    scene.run.wait()
    end = time.monotonic() + 240
    while cluster.output("squeue", "--noheader") and time.monotonic() < end:
        time.sleep(1)
    recover(scene)


def kill_in_local_rule(scene: Scene) -> None:
    """Snakemake dies while it draws a figure itself."""
    scene.run.start()

    def drawing() -> bool:
        return any("lossbars.workflow.figure_step" in process.cmdline() for process in _children(scene.run))

    scene.run.until(drawing, "a figure being drawn")
    scene.told.append("while a figure is drawn")
    scene.strikes()
    scene.run.stop(signal.SIGKILL)
    recover(scene)


def _children(run: Run) -> Iterator[psutil.Process]:
    assert run.process
    try:
        for process in psutil.Process(run.process.pid).children(recursive=True):
            try:
                process.cmdline()
            except psutil.NoSuchProcess:
                continue
            yield process
    except psutil.NoSuchProcess:
        return


# SLURM -------------------------------------------------------------------------------------------


def daemon(name: str, how: signal.Signals, seconds: float) -> Injection:
    def harm(scene: Scene) -> None:
        scene.told.append(f"{name} away for {seconds:g} s")
        cluster.down(name, how)
        time.sleep(seconds)
        cluster.up(name)

    return harm


def node_lost(scene: Scene) -> None:
    """slurmd and every process of the job are gone; the node comes back after SLURM has noticed."""
    cluster.down("slurmd", signal.SIGKILL)
    kill_tree(scene)
    cluster.wait_for(lambda: "down" in cluster.node_state(), "SLURM calls the node down", 120)
    scene.told.append("node down, then back")
    cluster.up("slurmd")
