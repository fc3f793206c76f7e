"""What the steps that train networks share: threads and device, data and landscape, a state that is saved on a stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from lossbars.datasets.dataset import PARTS, Dataset, Split, as_inputs, normalised, windows
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.make import DataShape, network_maker
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.work import Work

T = TypeVar("T", bound=TrainingSettings)


@dataclass(frozen=True)
class Training:
    """What a step trains on, and where it keeps its state on the way."""

    landscape: NetworkLandscape
    data: Dataset
    checkpoint: CheckpointFile


def begin(work: Work[T], batch_size: int) -> Training:
    """Take threads and device, and make the landscape of the job's network on its training set."""
    device = use(work)
    data = read_data(work, work.settings)
    return Training(make_landscape(work.settings, data, batch_size, device), data, work.checkpoint())


def use(work: Work[Any]) -> torch.device:
    """Give every library exactly the job's threads, and pick the device; ``auto`` is a GPU where there is one."""
    threadpool_limits(work.threads)
    torch.set_num_threads(work.threads)
    os.environ["OMP_NUM_THREADS"] = str(work.threads)  # for libraries that are loaded later
    wanted, there = work.device, torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError("device: cuda is asked for, and this machine has no GPU that torch can use")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else its products differ from run to run
    # As ``torch.use_deterministic_algorithms``, which would load torch's compiler: 2 s of each job.
    torch.set_deterministic_debug_mode("warn")
    os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")  # and for a user's network that is compiled
    torch.backends.cuda.enable_mem_efficient_sdp(False)  # attention whose gradient differs from time to time
    return torch.device("cuda" if wanted == "cuda" or (wanted == "auto" and there) else "cpu")


def read_data(work: Work[Any], settings: TrainingSettings) -> Dataset:
    """The job's data set, shrunk to the samples that its settings ask for; of text, windows of the mapped file."""
    tensors, facts = work.tensors("data")
    if "context" in facts:
        parts = {part: windows(tensors[part], int(facts["context"])) for part in ("train", "test")}
        tensors = {f"{part}_{name}": pair[i] for part, pair in parts.items() for i, name in enumerate("xy")}
    samples = len(tensors["train_x"])
    count = max(1, round(min(settings.samples or samples, samples) * settings.samples_scale))
    words = int(facts["vocabulary"]) if "vocabulary" in facts else None
    train_x, train_y, test_x, test_y = (tensors[name] for name in PARTS)
    return Dataset(train_x[:count], train_y[:count], test_x, test_y, words)


def make_landscape(
    settings: TrainingSettings, data: Dataset, batch_size: int, device: torch.device
) -> NetworkLandscape:
    """The landscape of the settings' network on a training set."""
    x = inputs_of(data.train_x, settings, data.tokens)
    maker = network_maker(settings.network, DataShape(tuple(x.shape[1:]), data.outputs, data.tokens))
    given: dict[str, Any] = {name: getattr(settings, name) for name in ("augment", "precision", "micro_batch")}
    if settings.normalise:
        given["black"] = settings.normalise.black
    return NetworkLandscape(maker, Split(x, data.train_y), batch_size, device, **given)


def held_out(settings: TrainingSettings, data: Dataset) -> Split:
    """The test set as the settings' network takes it."""
    return Split(inputs_of(data.test_x, settings, data.tokens), data.test_y)


def inputs_of(x: Tensor, settings: TrainingSettings, tokens: bool = False) -> Tensor:
    """Inputs (m, ...) as the settings' network takes them; tokens as they are."""
    return x if tokens else normalised(as_inputs(x), settings.normalise)


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
