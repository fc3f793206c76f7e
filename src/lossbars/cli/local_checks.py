"""Checks of this machine and this folder."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

from lossbars.cli import processes
from lossbars.cli.data_checks import data_checks
from lossbars.cli.finding import Finding, fail, ok, warn
from lossbars.cli.network_checks import network_checks
from lossbars.cli.recover import ASIDE
from lossbars.documents.plan import all_tasks
from lossbars.workflow.checkpoints import stem
from lossbars.workflow.plan import Plan
from lossbars.workflow.snakemake_private import locked
from lossbars.workflow.tasks import unique

WRITTEN = ("results", ".checkpoints", ".snakemake")
FILES_PER_RESULT = 4  # the result; its log, benchmark and marks, of which several results of a job share some
RESERVE = 2  # times what the results need: checkpoints, and what is half-written, are as large again
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; [^\\\n]+)?", re.MULTILINE)  # name, version, for which machines


def local_checks(plan: Plan, experiments: Sequence[str], on_cluster: bool) -> Iterator[Finding]:
    """Everything that needs no cluster."""
    yield from _versions(Path("requirements.lock"))
    yield from _writable()
    yield _room(plan, experiments)
    yield from data_checks(plan, experiments)
    yield from network_checks(plan, experiments)
    if not on_cluster:
        yield from _gpu(plan, experiments)
    yield _at_work(Path.cwd())
    yield from _old_checkpoints(plan)
    yield from _set_aside()


def _versions(lock: Path) -> Iterator[Finding]:
    running = f"python {sys.version.partition(' ')[0]}, torch {metadata.version('torch')}"
    if not lock.is_file():
        yield warn(f"{running}; there is no {lock} to compare with", "take requirements.lock from the repository")
        return
    others = []
    for name, version, machines in LOCKED.findall(lock.read_text()):
        if machines and not Marker(machines.strip(" ;")).evaluate():
            continue
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:  # of another system, or of no use to a run
            continue
        if installed.partition("+")[0] != version.partition("+")[0]:
            others.append(f"{name} {installed} (lock: {version})")
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        yield warn(f"{running}; other than in {lock}: {', '.join(others[:3])}{more}", "make, which sets .venv up anew")
    else:
        yield ok(f"{running}; versions are those of {lock}")


def _writable() -> Iterator[Finding]:
    closed = [name for name in WRITTEN if not os.access(_there(Path(name)), os.W_OK | os.X_OK)]
    if closed:
        yield fail(f"no permission to write to {', '.join(closed)}", "change the owner or the mode of these folders")
    else:
        yield ok(f"{', '.join(WRITTEN)} can be written to")


def _there(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    path = path.absolute()
    return path if path.exists() else _there(path.parent)


def _room(plan: Plan, experiments: Sequence[str]) -> Finding:
    """Room on the disk for the results that are not there yet."""
    tasks = all_tasks(plan, experiments)
    missing = [(task, path) for task in tasks for path in task.outputs.values() if not Path(path).exists()]
    needed = sum(plan.result_bytes(task) for task in unique([task for task, _ in missing]))
    disk = os.statvfs(_there(Path("results")))
    free = disk.f_bavail * disk.f_frsize
    text = f"{len(missing)} results to make, about {_size(needed)}; {_size(free)} free"
    if free < RESERVE * needed:
        return fail(text, f"make room for {_size(RESERVE * needed)}, or let results be a link to a larger disk")
    if disk.f_files and disk.f_favail < FILES_PER_RESULT * len(missing):
        return fail(
            f"{text}, but only {disk.f_favail:,} more files", "make room, or let one job train more: seeds_per_job"
        )
    return ok(text)


def _size(count: int | float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def _gpu(plan: Plan, experiments: Sequence[str]) -> Iterator[Finding]:
    needing = [key for key in experiments if plan.experiments[key].device == "cuda"]
    if not needing:
        return
    import torch  # takes seconds, so only where a GPU is a must

    if torch.cuda.is_available():
        yield ok(f"GPU: {torch.cuda.get_device_name()}")
    else:
        yield fail(f"{', '.join(needing)} asks for device: cuda, and torch sees no GPU here", "device: auto, or a GPU")


def _at_work(folder: Path) -> Finding:
    if alive := processes.snakemakes(folder):
        return warn(f"{alive[0].short} runs in this folder", "wait for it: a second Snakemake would refuse to start")
    if left := processes.orphans(folder):
        return fail(f"a run that was killed left {len(left)} processes: {left[0].short}", "lossbars recover")
    if locked():
        return fail("a run that was killed left the folder locked", "lossbars recover")
    return ok("no other run in this folder")


def _old_checkpoints(plan: Plan) -> Iterator[Finding]:
    """Checkpoints that no job of this configuration would go on from."""
    known = {stem(task.job, task.part) for key in plan.experiments for task in plan.tasks(key)}
    folder = Path(".checkpoints")
    old = sorted(path for path in folder.glob("*.safetensors") if path.stem.rpartition("-")[0] not in known)
    if not old:
        return
    names = " ".join(f"'{path}'" for path in old[:3]) + (" …" if len(old) > 3 else "")
    size = _size(sum(path.stat().st_size for path in old))
    yield warn(
        f"{len(old)} checkpoints ({size}) belong to no job of this configuration",
        f"if not of another --configfile or scale: rm {names}",
    )


def _set_aside() -> Iterator[Finding]:
    files = [path for path in ASIDE.rglob("*") if path.is_file()]
    if files:
        size = _size(sum(path.stat().st_size for path in files))
        yield warn(f"lossbars recover set {len(files)} results aside ({size})", f"if not wanted: rm -r {ASIDE}")
