"""What SLURM says: its settings, partitions, nodes and this folder's jobs."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAIR = re.compile(r"(?:^|\s)([\w/:]+)=(\S*)")
SECONDS = 60  # that a command of SLURM may take
USELESS = ("DOWN", "DRAIN", "FAIL", "NOT_RESPONDING", "UNKNOWN")  # states of nodes that take no job


class SlurmError(RuntimeError, ValueError):
    """SLURM does not answer, or refuses; the message is its own."""


@dataclass(frozen=True)
class QueuedJob:
    """A job that has not ended."""

    number: str
    name: str
    state: str


@dataclass(frozen=True)
class Node:
    """What one node has."""

    name: str
    memory_mb: int
    gpus: int
    usable: bool


@dataclass(frozen=True)
class Partition:
    """Nodes under common limits."""

    name: str
    minutes: float  # longest time of a job
    preempt: str  # what happens to a job that makes way for another
    nodes: tuple[Node, ...]


def available() -> bool:
    """Whether SLURM's commands are installed here."""
    return shutil.which("squeue") is not None


def ask(*command: str) -> str:
    """What a command of SLURM prints. Raises SlurmError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise SlurmError(f"{command[0]} is not installed here: is this a login node of the cluster?") from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]} did not answer within {SECONDS} seconds") from None
    if done.returncode:
        raise SlurmError(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def jobs_of(folder: Path) -> list[QueuedJob]:
    """This user's jobs that were submitted from a folder and have not ended. Raises SlurmError."""
    lines = ask("squeue", "--me", "--noheader", "--format=%A|%j|%T|%Z").splitlines()
    rows = [line.strip().split("|", 3) for line in lines if line.count("|") >= 3]
    return [QueuedJob(*job) for *job, place in rows if Path(place).resolve() == folder.resolve()]


def cancel(numbers: Sequence[str]) -> None:
    """Cancel jobs; those that ended meanwhile are no error. Raises SlurmError."""
    for first in range(0, len(numbers), 500):  # a command line holds only so many
        ask("scancel", "--quiet", *numbers[first : first + 500])


def settings() -> dict[str, str]:
    """SLURM's configuration. Raises SlurmError."""
    lines = ask("scontrol", "show", "config").splitlines()
    return {key.strip(): value.strip() for key, equals, value in (line.partition("=") for line in lines) if equals}


def partitions() -> dict[str, Partition]:
    """All partitions, with their nodes. Raises SlurmError."""
    nodes: dict[str, list[Node]] = {}
    for line in ask("scontrol", "show", "nodes", "--oneliner").splitlines():
        if line.startswith("NodeName="):
            said = dict(PAIR.findall(line))
            for name in said.get("Partitions", "").split(","):
                nodes.setdefault(name, []).append(_node(said))
    every = {}
    for line in ask("scontrol", "show", "partitions", "--oneliner").splitlines():
        if line.startswith("PartitionName="):
            said = dict(PAIR.findall(line))
            name, longest = said["PartitionName"], minutes(said.get("MaxTime", ""))
            every[name] = Partition(name, longest, said.get("PreemptMode", "OFF"), tuple(nodes.get(name, ())))
    return every


def _node(said: dict[str, str]) -> Node:
    gpus = sum(int(count) for count in re.findall(r"gpu(?::[\w.-]+)*:(\d+)", said.get("Gres", "")))
    usable = not any(word in said.get("State", "UNKNOWN").upper() for word in USELESS)
    return Node(said["NodeName"], int(said.get("RealMemory", 0)), gpus, usable)


def minutes(text: str) -> float:
    """A time as SLURM writes it, ``1-12:00:00`` or ``30:00``, in minutes; infinite for UNLIMITED."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if not match:
        return float("inf")
    days, hours, rest, seconds = (int(part or 0) for part in match.groups())
    return 1440 * days + 60 * hours + rest + seconds / 60
