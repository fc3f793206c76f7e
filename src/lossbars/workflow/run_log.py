"""Where and when a step ran: a record beside its benchmark file, never inside a result.

Results are to be the same bits wherever and whenever they are made. Each attempt is a line of its own, so one that
was killed is on record too: it has no end. No fingerprint of code covers this module.
"""

import json
import os
import platform
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lossbars.workflow.files import ArtefactError, write_text
from lossbars.workflow.job import Job

Attempt = dict[str, Any]

_notes: Attempt = {}  # of the attempt that is under way: a process has one


def run_path(log: Path) -> Path:
    """The record of the rule's job that logs to this file."""
    return log.parent.parent / "benchmarks" / f"{log.stem}.run.json"


def attempts(path: Path) -> tuple[str, list[Attempt]]:
    """The job's key and its attempts, the last one last; none where the record is missing or damaged."""
    try:
        record = json.loads(path.read_text())
        return record["key"], record["attempts"]
    except (OSError, ValueError, LookupError, TypeError):
        return "", []


def taken(tries: list[Attempt]) -> bool:
    """Whether the last attempt took the result from where it was kept."""
    return bool(tries) and "taken_from" in tries[-1]


@contextmanager
def on_record(job: Job, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Record an attempt of the job; the rule names its log in LOSSBARS_LOG, and nothing is recorded without."""
    log = os.environ.get("LOSSBARS_LOG")
    if not log:
        yield
        return
    _notes.clear()
    path = run_path(Path(log))
    key, before = attempts(path)
    attempt = {"begun": _now(), **machine(arguments)}
    every = [*before, attempt] if key == job.key else [attempt]
    _write(path, job, every)
    try:
        yield
    except BaseException as error:
        attempt |= {"until": _now(), "ended": type(error).__name__}
        _write(path, job, every)
        raise
    attempt |= {"until": _now(), "ended": "done", "gpu": _gpu()} | _notes
    _write(path, job, every)


def note(name: str, text: str) -> None:
    """Add to the record of this attempt."""
    _notes[name] = text


def machine(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """This machine, and what the step was given of it."""
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "processor": _processor(),
        "threads": arguments.get("threads", 1),
        "device": arguments.get("device", "cpu"),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def _processor() -> str:
    """The processor's name as Linux tells it, else what Python knows of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu() -> str | None:
    """The GPU that this process computed on; None where it used none."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_initialized() else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(path: Path, job: Job, every: list[Attempt]) -> None:
    text = json.dumps({"key": job.key, "attempts": every}, indent=1)
    try:
        write_text(path, text + "\n")
    except ArtefactError as error:  # a full disk, say: the result is worth more than its record
        print(f"warning: {error}", file=sys.stderr, flush=True)
