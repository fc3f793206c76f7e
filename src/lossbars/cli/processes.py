"""Processes of this machine that work on a folder: snakemakes, and steps that a snakemake left behind."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lossbars.workflow.snakemake_private import is_snakemake, runs_one_job

STEP = re.compile(r"lossbars\.workflow\.run\b")  # the command line of every step


@dataclass(frozen=True)
class Working:
    """One process."""

    number: int
    command: list[str]
    process: psutil.Process

    @property
    def short(self) -> str:
        """For a person."""
        text = " ".join(self.command)
        return f"process {self.number} ({text if len(text) <= 100 else text[:97] + '...'})"


def snakemakes(folder: Path) -> list[Working]:
    """Snakemakes that direct a run in this folder on this machine."""
    return [one for one in _working(folder) if is_snakemake(one.command) and not runs_one_job(one.command)]


def orphans(folder: Path) -> list[Working]:
    """Steps of this folder, and what is around them, that a local run left behind; not those of SLURM."""
    local = [process for process in _working(folder) if "SLURM_JOB_ID" not in _environment(process.process)]
    return [
        process
        for process in local
        if any(map(STEP.search, process.command)) or (is_snakemake(process.command) and runs_one_job(process.command))
    ]


def stop(working: Sequence[Working], seconds: float = 60) -> list[Working]:
    """Ask processes to stop, so that they save their state, then end those that do not; returns what is left."""
    for one in working:
        _tell(one.process, "terminate")
    _, left = psutil.wait_procs([one.process for one in working], timeout=seconds)
    for process in left:
        _tell(process, "kill")
    _, left = psutil.wait_procs(left, timeout=10)
    return [one for one in working if one.process in left]


def _tell(process: psutil.Process, what: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, what)()


def _working(folder: Path) -> Iterator[Working]:
    ancestors = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            if process.pid not in ancestors and Path(process.cwd()) == folder.resolve():
                yield Working(process.pid, process.cmdline(), process)
        except (psutil.Error, OSError):  # it ended, or is another user's
            continue


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}
