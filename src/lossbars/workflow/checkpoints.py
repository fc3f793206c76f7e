"""Checkpoints: the state of a job on its way, on disk."""

import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossbars.workflow.artefacts import digest_of, read_tensors, write_tensors
from lossbars.workflow.files import ArtefactError
from lossbars.workflow.job import Job

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.05  # of a job's time that saving its state may take


class CheckpointFile:
    """One state, named by the job's key and its inputs, outside every declared output; replaced at each save.

    ``seconds`` pass between two saves, or more, so that saving takes no more than a twentieth of the time; with 0
    every step is saved.
    """

    def __init__(self, folder: Path, job: Job, part: str, inputs: Sequence[Path] = (), seconds: float = 30.0) -> None:
        self.job = job
        self.path = folder / f"{name(job, part, inputs)}.safetensors"
        self.stopping = False
        self.pause = seconds
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Whether the state should be saved now."""
        return self.stopping or time.monotonic() - self.saved >= self.pause

    def load(self) -> "dict[str, Tensor] | None":
        """The last state; None where there is none, or where a crash of the machine damaged it."""
        try:
            return read_tensors(self.path, self.job.key)[0]
        except ArtefactError:
            return None

    def save(self, state: Mapping[str, "Tensor"]) -> None:
        """Replace the state; the one before stays until the new one is whole.

        Where it cannot be written, on a full disk say, the job goes on: only what a crash would cost grows.
        """
        begun = time.monotonic()
        try:
            write_tensors(self.path, state, self.job)
        except ArtefactError as error:
            print(f"warning: no checkpoint: {error}", file=sys.stderr, flush=True)
        self.saved = time.monotonic()
        if self.pause:
            self.pause = max(self.pause, (self.saved - begun) / SHARE)

    def remove(self) -> None:
        """Once the job's results are written; also what a killed run left half-written beside it."""
        for path in (self.path, *self.path.parent.glob(f".{self.path.name}.*")):
            path.unlink(missing_ok=True)


def name(job: Job, part: str, inputs: Sequence[Path]) -> str:
    """The name under which a job's state and results are kept; other content of the inputs, another name.

    A key covers how inputs are made, not what a user's own files held when they were.
    """
    content = hashlib.sha256("".join(digest_of(path) for path in inputs).encode()).hexdigest()
    return f"{stem(job, part)}-{content[:8]}"


def stem(job: Job, part: str) -> str:
    """What that name begins with."""
    return "-".join(word for word in (job.experiment, job.model, job.kind, part, job.key) if word)
