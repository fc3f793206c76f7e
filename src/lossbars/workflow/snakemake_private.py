"""All that lossbars relies on of Snakemake beyond its documented interface, each with the reason. Loads no Snakemake.

Tried with Snakemake 9.27 and its executor plugin for SLURM 2.8; ``pyproject.toml`` says which versions are let in. The
rules, the Snakefile and the command line use these functions and nothing else that is undocumented. ``workflow`` is the
object of that name in a Snakefile; only its ``basedir`` is used elsewhere.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

# While a run is planned -----------------------------------------------------------------------------


def targets_of(workflow: Any) -> list[str]:
    """The targets on the command line; none where it names none.

    The documents are on the experiments that are asked for, so their rules must know the targets; Snakemake tells rules
    what they are asked for only file by file.
    """
    return list(workflow.dag_settings.targets or [])


def directs_run(workflow: Any) -> bool:
    """Whether this process directs the run, and is not one that runs a single job of it.

    Every job has a Snakemake of its own, which reads the Snakefile once more; warnings are to be said once.
    """
    return bool(workflow.is_main_process)


def make_again(workflow: Any, paths: Iterable[str]) -> None:
    """Make these files in this run, though they are there.

    Snakemake looks at times and at what it recorded itself, not into files: it does not see one that was cut off. The
    option ``--forcerun`` takes paths only when Snakemake starts; that it knows incomplete files itself goes this way.
    """
    workflow.dag.forcefiles.update(paths)


def planned_files(workflow: Any) -> frozenset[str] | None:
    """The files that a dry run would make; None of a real run, and of one that was not planned to its end.

    For the table at the end of a dry run: Snakemake calls no handler (``onstart``, ``onsuccess``) of a dry run. It
    makes its scheduler once the plan stands.
    """
    if not workflow.dryrun or workflow.scheduler is None:
        return None
    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    return frozenset(str(path) for job in jobs for path in job.output)


# What a run leaves in its folder --------------------------------------------------------------------

LOGS, LOCKS = Path(".snakemake/log"), Path(".snakemake/locks")
LOOKS = {"-n", "--dry-run", "--dryrun", "--summary", "--detailed-summary", "--lint", "--unlock"}  # run nothing
HEAD = 30  # lines of a log among which it says where and by which command it was written


@dataclass(frozen=True)
class LastRun:
    """What Snakemake's newest log says of the run that wrote it; empty where there is none."""

    host: str = ""
    command: str = ""  # as logged: without the quotes that it may have had


def last_run() -> LastRun:
    """The last run in this folder that was more than a look.

    Nothing else records on which machine a run was started, and its locks may only be freed where it is dead.
    """
    for log in sorted(LOGS.glob("*.snakemake.log"), key=lambda path: path.stat().st_mtime, reverse=True):
        with log.open(errors="replace") as file:
            head = [line.strip() for _, line in zip(range(HEAD), file, strict=False)]
        said = dict(line.split(": ", 1) for line in head if ": " in line)
        words = said.get("Command", "").split()[1:]
        if "Host" in said and not LOOKS & set(words):
            return LastRun(said["Host"], " ".join(["snakemake", *words]))
    return LastRun()


def locked() -> bool:
    """Whether Snakemake holds this folder for a run. It offers no way to ask without starting a run."""
    return LOCKS.is_dir() and any(LOCKS.iterdir())


def unlock() -> None:
    """Free the folder: all that ``snakemake --unlock`` does, which needs a configuration that can be read."""
    shutil.rmtree(LOCKS)


# Its processes and jobs -----------------------------------------------------------------------------

OF_ONE_JOB = ("remote", "subprocess")  # modes of the snakemakes that run a job of another
# What the executor for SLURM calls the jobs of a run: its options put a name before this, never instead.
NAMED_JOBS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_snakemake(command: Sequence[str]) -> bool:
    """Whether a command line is a Snakemake's, however it was started."""
    names = [Path(word).name for word in command[:3]]
    module = "-m" in command[:3] and command[command.index("-m") + 1 :][:1] == ["snakemake"]
    return module or "snakemake" in names[:2] or any(word.endswith("snakemake/__main__.py") for word in command[:3])


def runs_one_job(command: Sequence[str]) -> bool:
    """Whether the command line of a Snakemake is one that another Snakemake made, to run a single job of its own."""
    modes = [after for word, after in pairwise(command) if word == "--mode"]
    return any(mode in OF_ONE_JOB for mode in modes)
