"""``lossbars recover``: after a Snakemake that was killed, or a machine that was lost, make the folder fit to go on.

Nothing that is complete is lost: a result that cannot stand for itself is set aside, not deleted, and checkpoints and
Snakemake's own marks of unfinished jobs stay, so that the next run goes on where this one ended.
"""

import re
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from lossbars.cli import processes, slurm
from lossbars.cli.profile import Profile, read_profile
from lossbars.cli.why import left_by, started
from lossbars.workflow.plan import Plan
from lossbars.workflow.snakemake_private import NAMED_JOBS, LastRun, last_run, locked, unlock
from lossbars.workflow.validity import unfit

# what lossbars.workflow.files and lossbars.workflow.result_store are writing; among results only files of the kinds
# that are written there
HALF_WRITTEN = {
    Path("results"): re.compile(r"\..+\.(safetensors|parquet|json|md|html|svg|pdf)\.[a-z0-9_]{8}"),
    Path(".checkpoints"): re.compile(r"\..+\.[a-z0-9_]{8}"),
}
ASIDE = Path("results/.dropped")
PATIENCE = 180  # seconds that cancelled jobs have to end: SLURM gives them time to save their state


class RecoverError(RuntimeError, ValueError):
    """Nothing may be touched, or it did not work; the message says what to do."""


@dataclass
class Recovery:
    """One recovery of a folder; with ``dry`` it only says what it would do."""

    dry: bool
    lines: list[str] = field(default_factory=list)

    def say(self, done: str, would: str) -> None:
        """Report an action as done, or as what would be."""
        self.lines.append(f"would {would}" if self.dry else done)


def recover(plan: Plan, profile: str | None, lost_host: str | None, dry: bool) -> list[str]:
    """Do it, and say what was done and how to go on.

    Raises RecoverError where a Snakemake may still be at work, or where jobs do not end; SlurmError, ProfileError.
    """
    folder, last, cluster = Path.cwd(), last_run(), read_profile(profile) if profile else None
    refuse_while_alive(folder, last, lost_host)
    recovery = Recovery(dry)
    _stop_steps(recovery, folder)
    _cancel_jobs(recovery, folder, cluster)
    _unlock(recovery)
    _remove_half_written(recovery)
    _set_aside(recovery, plan)
    again = f", which its log gives without its quotes: {last.command}" if last.command else "."
    return [*(recovery.lines or ["There is nothing to recover."]), f"Go on with the command of the last run{again}"]


def refuse_while_alive(folder: Path, last: LastRun, lost_host: str | None) -> None:
    """Raises RecoverError while a Snakemake runs here, or may run on another machine."""
    if alive := processes.snakemakes(folder):
        raise RecoverError(f"{alive[0].short} still runs in this folder: wait for it, or stop it with Ctrl-C")
    here = socket.gethostname()
    if locked() and last.host not in ("", here, lost_host):
        raise RecoverError(
            f"the last run in this folder was started on {last.host}, and this is {here}: run lossbars recover there, "
            f"or, once that machine is gone for good, here with --lost-host {last.host}"
        )


def _stop_steps(recovery: Recovery, folder: Path) -> None:
    left = processes.orphans(folder)
    if not left:
        return
    recovery.say(f"stopped {len(left)} processes that the run had left", f"stop {len(left)} processes: {left[0].short}")
    if not recovery.dry and (still := processes.stop(left)):
        raise RecoverError(f"{still[0].short} does not end: end it by hand, then run this again")


def orphaned(folder: Path, profile: Profile | None) -> list[slurm.QueuedJob]:
    """SLURM's jobs of this folder that carry an executor's name for them. Raises SlurmError."""
    prefix = profile.prefix if profile else ""
    return [
        job
        for job in slurm.jobs_of(folder)
        if NAMED_JOBS.search(job.name) and (not prefix or job.name.startswith(f"{prefix}_"))
    ]


def _cancel_jobs(recovery: Recovery, folder: Path, profile: Profile | None) -> None:
    if not (profile.slurm if profile else slurm.available()):
        return
    try:
        queued = orphaned(folder, profile)
    except slurm.SlurmError as error:
        if profile:
            raise
        recovery.lines.append(f"did not look for jobs of SLURM: {error}")
        return
    if not queued:
        return
    numbers = list(dict.fromkeys(job.number for job in queued))
    named = ", ".join(numbers[:5]) + (", …" if len(numbers) > 5 else "")
    recovery.say(
        f"cancelled {len(numbers)} jobs of SLURM that the run had left ({named}); they have ended",
        f"cancel {len(numbers)} jobs of SLURM ({named})",
    )
    if not recovery.dry:
        slurm.cancel(numbers)
        _wait_for_end(folder, profile)


def _wait_for_end(folder: Path, profile: Profile | None) -> None:
    until = time.monotonic() + PATIENCE
    while left := orphaned(folder, profile):
        if time.monotonic() > until:
            raise RecoverError(
                f"job {left[0].number} of SLURM is still {left[0].state} after {PATIENCE} seconds. Wait until squeue "
                "shows it no more, or ask the administrator to look at its node; then run this again"
            )
        time.sleep(2)


def _unlock(recovery: Recovery) -> None:
    if not locked():
        return
    recovery.say("freed Snakemake's locks on the folder", "free Snakemake's locks on the folder")
    if not recovery.dry:
        unlock()


def _remove_half_written(recovery: Recovery) -> None:
    hidden = [(path, name) for folder, name in HALF_WRITTEN.items() for path in folder.rglob(".*")]
    left = sorted(path for path, name in hidden if name.fullmatch(path.name) and ASIDE not in path.parents)
    if not left:
        return
    recovery.say(f"removed {len(left)} half-written files", f"remove {len(left)} half-written files: {left[0]}")
    for path in left if not recovery.dry else ():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _set_aside(recovery: Recovery, plan: Plan) -> None:
    unusable = unfit(left_by(plan, started(plan)))
    if not unusable:
        return
    target = ASIDE / time.strftime("%Y-%m-%dT%H%M%S")
    first, reason = next(iter(unusable.items()))
    text = f"{len(unusable)} results that cannot be used ({first} is {reason}), into {target}"
    recovery.say(f"set aside {text}", f"set aside {text}")
    for name in unusable if not recovery.dry else ():
        place = target / Path(name).relative_to("results")
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(name).rename(place)
