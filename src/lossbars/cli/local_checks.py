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
from lossbars.cli.recover import ASIDE, locked
from lossbars.datasets.sizes import size_of
from lossbars.documents.plan import Jobs
from lossbars.networks.sizes import network
from lossbars.workflow.blocks import stacked
from lossbars.workflow.checkpoints import stem
from lossbars.workflow.resources import TRAINED
from lossbars.workflow.tasks import expected
from lossbars.workflow.training_costs import control_points, longest

WRITTEN = ("results", ".checkpoints", ".snakemake")
FILES_PER_RESULT = 4  # the result; its log, benchmark and marks, of which several results of a job share some
ROOM = 2  # times what the results need: checkpoints, and what is half-written, are as large again
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; [^\\\n]+)?", re.MULTILINE)  # name, version, for which machines


def local_checks(jobs: Jobs, experiments: Sequence[str], on_cluster: bool) -> Iterator[Finding]:
    """Everything that needs no cluster."""
    yield from _versions(Path("requirements.lock"))
    yield from _writable()
    yield _room(jobs, experiments)
    yield from data_checks(jobs, experiments)
    if not on_cluster:
        yield from _gpu(jobs, experiments)
    yield _at_work(Path.cwd())
    yield from _old_checkpoints(jobs)
    yield from _set_aside()


def _versions(lock: Path) -> Iterator[Finding]:
    own = f"python {sys.version.partition(' ')[0]}, torch {metadata.version('torch')}"
    if not lock.is_file():
        yield warn(f"{own}; there is no {lock} to compare with", "take requirements.lock from the repository")
        return
    others = []
    for name, version, machines in LOCKED.findall(lock.read_text()):
        if machines and not Marker(machines.strip(" ;")).evaluate():
            continue
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:  # of another system, or of no use to a run
            continue
        if found.partition("+")[0] != version.partition("+")[0]:
            others.append(f"{name} {found} (lock: {version})")
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        yield warn(f"{own}; other than in {lock}: {', '.join(others[:3])}{more}", "make, which sets .venv up anew")
    else:
        yield ok(f"{own}; versions are those of {lock}")


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


def _room(jobs: Jobs, experiments: Sequence[str]) -> Finding:
    """Room on the disk for the results that are not there yet."""
    missing = [one for key in experiments for one in expected(jobs, key) if not Path(one.path).exists()]
    needed = 0
    for one in missing:
        if one.rule in TRAINED and one.path.endswith(".safetensors"):
            whole, model = jobs.plan.networks[one.experiment], jobs.plan.model(one.experiment, one.job.model)
            parameters = network(model, size_of(whole.data, jobs.plan.data_root)).parameters
            needed += 4 * parameters * control_points(longest(model, one.job.kind))[0] * stacked(one.rule, one.part)
    disk = os.statvfs(_there(Path("results")))
    free = disk.f_bavail * disk.f_frsize
    text = f"{len(missing)} results to make, about {_size(needed)}; {_size(free)} free"
    if free < ROOM * needed:
        return fail(text, f"make room for {_size(ROOM * needed)}, or let results be a link to a larger disk")
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


def _gpu(jobs: Jobs, experiments: Sequence[str]) -> Iterator[Finding]:
    needing = [key for key in experiments if jobs.plan.experiments[key].device == "cuda"]
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


def _old_checkpoints(jobs: Jobs) -> Iterator[Finding]:
    """Checkpoints that no job of this configuration would go on from."""
    known = {stem(one.job, one.part) for key in jobs.plan.experiments for one in expected(jobs, key)}
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
