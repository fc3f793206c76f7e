"""Memory of a training step, estimated before the step, and the largest step that fits."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lossbars.landscapes.network.stacked_linear import scratch

FLOAT = 4  # bytes
SHARE = 0.4  # of a GPU's memory: the rest is for data, control points, moments and the libraries' work space
DATA_SHARE = 0.5  # of what a step may take
SPARE = 1.5  # of a step's memory over what its backward pass keeps: gradients of activations on their way
VECTORS = 4  # of the parameters' length for each network of a step: θ, its parts, their gradients, the gradient


@dataclass(frozen=True)
class Fit:
    """The networks that a step takes at a time, and the samples of each."""

    rows: int
    samples: int


def kept_bytes(module: nn.Module, x: Tensor) -> int:
    """Bytes that a training pass over one sample leaves for its backward pass; x (b, ...) is a small input.

    Measured, so of any module: the storages that autograd saves, parameters and inputs apart.
    """
    known = {p.untyped_storage().data_ptr() for p in module.parameters()} | {x.untyped_storage().data_ptr()}
    saved: dict[int, int] = {}
    kept: list[Tensor] = []  # alive until all are counted: a place in memory is then one storage's

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage.nbytes()
            kept.append(tensor)
        return tensor

    devices = [x.device] if x.device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=devices),
        torch.enable_grad(),
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
    ):
        functional_call(module.train(), scratch(module), (x,))
    return sum(saved.values()) // len(x)


def fit(most: int, parameters: int, kept: int, batch: int) -> Fit:
    """The largest step in ``most`` bytes: whole batches of several networks, else part of the batch of one.

    ``kept`` is :func:`kept_bytes`. Raises ValueError where one sample does not fit.
    """
    vectors = VECTORS * FLOAT * parameters
    sample = int(SPARE * kept)
    if rows := most // (vectors + batch * sample):
        return Fit(rows, batch)
    samples = (most - vectors) // sample
    if samples < 1:
        need = (vectors + sample) / 2**30
        raise ValueError(
            f"one network on one sample needs {need:.1f} GiB of memory, {most / 2**30:.1f} GiB may be taken"
        )
    return Fit(1, samples)


def home_of(size: int, device: torch.device) -> torch.device:
    """The device that keeps data of so many bytes: main memory where they would fill a GPU.

    From there samples are copied as they are needed, so a text that is a map of its file may be of any size.
    """
    if device.type == "cuda" and size > DATA_SHARE * step_bytes(device):
        return torch.device("cpu")
    return device


def step_bytes(device: torch.device) -> int:
    """Bytes that a step may take on a GPU: a share of its total, not of its free memory, so that a restart is exact."""
    return int(SHARE * torch.cuda.mem_get_info(device)[1])
