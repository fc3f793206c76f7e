"""What the training steps share: threads, device, the landscape of a job, its progress."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from pydantic import TypeAdapter
from threadpoolctl import threadpool_limits
from torch import Tensor

from lossbars.datasets.dataset import PARTS, Dataset, Split, as_inputs, normalised, windows
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.make import DataShape, network_maker
from lossbars.networks.specs import NetworkSpec
from lossbars.recipes import Normalisation
from lossbars.workflow.artefacts import read_tensors
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.job import Job

CHECKPOINT_SECONDS = float(os.environ.get("LOSSBARS_CHECKPOINT_SECONDS", "30"))  # between two saves of a job's state


def use(threads: int, device: str) -> torch.device:
    """Give every library exactly ``threads`` threads, and pick the device; ``auto`` takes a GPU where there is one."""
    threadpool_limits(threads)
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for libraries that are loaded later
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda is asked for, and this machine has no GPU that torch can use")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else its products differ from run to run
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cuda.enable_mem_efficient_sdp(False)  # attention whose gradient differs from time to time
    return torch.device("cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu")


def read_data(path: Path, job: Job) -> Dataset:
    """The job's data set, shrunk to the samples that its recipe asks for; of text, windows of the mapped file."""
    tensors, facts = read_tensors(path, job.expects["dataset"])
    if "context" in facts:
        parts = {part: windows(tensors[part], int(facts["context"])) for part in ("train", "test")}
        tensors = {f"{part}_{name}": pair[i] for part, pair in parts.items() for i, name in enumerate("xy")}
    wanted, share = job.recipe["samples"], job.recipe["samples_scale"]
    whole = len(tensors["train_x"])
    count = max(1, round(min(wanted or whole, whole) * share))
    words = int(facts["vocabulary"]) if "vocabulary" in facts else None
    train_x, train_y, test_x, test_y = (tensors[name] for name in PARTS)
    return Dataset(train_x[:count], train_y[:count], test_x, test_y, words)


def make_landscape(job: Job, data: Dataset, batch_size: int, device: torch.device) -> NetworkLandscape:
    """The landscape of the job's network on its training set."""
    spec: Any = TypeAdapter(NetworkSpec).validate_python(job.recipe["network"])
    x = inputs_of(data.train_x, job, data.tokens)
    maker = network_maker(spec, DataShape(tuple(x.shape[1:]), data.outputs, data.tokens))
    settings = {name: job.recipe[name] for name in ("augment", "precision", "micro_batch")}
    if rule := _normalisation(job):
        settings["black"] = rule.black
    return NetworkLandscape(maker, Split(x, data.train_y), batch_size, device, **settings)


def inputs_of(x: Tensor, job: Job, tokens: bool = False) -> Tensor:
    """Inputs (m, ...) as the job's network takes them; tokens as they are."""
    return x if tokens else normalised(as_inputs(x), _normalisation(job))


def _normalisation(job: Job) -> Normalisation | None:
    return Normalisation(**job.recipe["normalise"]) if job.recipe["normalise"] else None


@contextmanager
def saved_on_stop(checkpoint: CheckpointFile) -> Iterator[None]:
    """A descent in here that SIGTERM or SIGINT asks to stop saves its state first.

    A scheduler sends SIGTERM ahead of a time limit and before it takes a node for other work.
    """

    def stop(_: int, __: FrameType | None) -> None:
        checkpoint.stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def reporter(job: Job, part: str) -> Callable[[str], None]:
    """Prints progress, a line at a time, with the job's name before it."""
    name = f"{job.experiment}/{job.model} {job.kind} {part}"

    def report(text: str) -> None:
        print(f"[{name}] {text}", file=sys.stderr, flush=True)

    return report
