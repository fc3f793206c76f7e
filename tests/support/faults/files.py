"""Faults of what is written: memory and disks that are too small, files that are damaged."""

import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from support.faults.running import recover
from support.faults.scene import Injection, Scene, in_the_middle, ran
from support.faults.small import RESULTS, NotReached
from support.slurm import cluster

DISK_MB = 48  # of the small disk; all that a run leaves takes a few

# Memory and disk ---------------------------------------------------------------------------------


def memory(scene: Scene) -> None:
    """The jobs are given far too little memory at their first attempt; SLURM's accounting kills them."""
    log = cluster.STATE / "log" / "slurmd.log"
    begin = log.stat().st_size
    scene.strikes()
    scene.run.start("--set-resources", f"{scene.kind}:mem_mb=300 * attempt ** 3")
    scene.run.wait()
    killed = set(re.findall(r"StepId=(\d+)\.\S+ exceeded memory limit", log.read_text()[begin:]))
    if not killed:
        raise NotReached("no job took more memory than it had")
    scene.told.append(f"{scene.kind} with 300 MB at first: slurmd killed {len(killed)}")


def full_disk(place: str) -> Injection:
    """A folder is on a disk of its own that another file fills; that file goes before the rerun."""

    def inject(scene: Scene) -> None:
        folder = scene.run.folder / place
        aside = scene.run.folder.with_name(f"{scene.run.folder.name}.aside")
        folder.mkdir(exist_ok=True)
        ran("cp", "-a", str(folder), str(aside))
        ran("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder))
        ran("cp", "-a", f"{aside}/.", str(folder))
        ran("rm", "-rf", str(aside))
        ballast = folder / "ballast"
        _fill(ballast)
        scene.strikes()
        scene.told.append(f"{place}/ is full" if place else "the whole folder is full")
        scene.run.start("--retries", "0")
        scene.run.wait()
        ballast.unlink()

    return inject


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):  # no space left
        while file.write(b"\0" * 4096):
            pass


def unmount(folder: Path) -> None:
    """Let go of small disks under a folder."""
    for disk in psutil.disk_partitions(all=True):
        if Path(disk.mountpoint).is_relative_to(folder):
            ran("umount", "--lazy", disk.mountpoint)


# Files -------------------------------------------------------------------------------------------


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """One bit of the last numbers is another."""
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def damage(name: str, change: Callable[[bytes], bytes] | None) -> Injection:
    """A result is changed where it lies, and so under its second name beside the checkpoints; or deleted."""

    def inject(scene: Scene) -> None:
        path = name.format(results=RESULTS, kind=scene.kind, part=scene.part)
        scene.told.append(path)
        if scene.kind in path:
            scene.damaged.add((scene.kind, scene.part))
        file = scene.run.folder / path
        if change:
            file.write_bytes(change(file.read_bytes()))
        else:
            file.unlink()
        scene.strikes()

    return inject


def damage_unseen(name: str) -> Injection:
    """One bit of a result flips, which no plan sees: what reads it stops and says to delete it, and so it is."""
    flip = damage(name, flipped)

    def inject(scene: Scene) -> None:
        flip(scene)
        path = scene.told[-1]
        scene.run.start("--retries", "0")
        scene.run.wait()
        if f"{path} was changed after it was written: delete it" not in scene.run.log.read_text(errors="replace"):
            raise RuntimeError(f"nothing says that {path} was changed")
        (scene.run.folder / path).unlink()
        scene.told.append("named by the run, and deleted")

    return inject


def checkpoint(change: Callable[[bytes], bytes] | None) -> Injection:
    """The job and its Snakemake are killed, and the state that was saved is changed, or deleted."""

    def harm(scene: Scene) -> None:
        scene.run.stop(signal.SIGKILL)
        ran("scancel", "--signal=KILL", scene.job())
        recover(scene)
        file = scene.run.checkpoint(scene.kind, scene.part)
        if file is None:
            raise NotReached("the checkpoint is gone")
        if change:
            file.write_bytes(change(file.read_bytes()))
        else:
            file.unlink()
        scene.damaged.add((scene.kind, scene.part))

    return in_the_middle(harm, then=lambda _: None)
