"""How many networks and samples are taken at a time: on a CPU by its caches, on a GPU by its memory.

The memory of a training step is estimated before the step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lossbars.landscapes.network.stacked_linear import scratch
from lossbars.landscapes.torch_private import BATCH_NORMS

FLOAT = 4  # bytes
STACKED_NUMBERS = 2**21  # parameters of a step on a CPU, 8 MiB in float32: benchmarks/README.md, stack_size.py
LAYER_NUMBERS = 2**20  # outputs of one layer of all networks, 4 MiB in float32: benchmarks/README.md, polish.py
SHARE = 0.4  # of a GPU's memory: the rest is for data, control points, moments and the libraries' work space
DATA_SHARE = 0.5  # of what a step may take
SPARE = 1.5  # of a step's memory over what its backward pass keeps: gradients of activations on their way
VECTORS = 4  # of the parameters' length for each network of a step: θ, its parts, their gradients, the gradient


@dataclass(frozen=True)
class Fit:
    """The networks that a step takes at a time, and the samples of each."""

    rows: int
    samples: int

    def parts(self, batch: int) -> int:
        """Parts of a batch that are taken one after the other, as equal as can be."""
        return -(-batch // self.samples)


def step_fit(module: nn.Module, few: Tensor, batch: int, micro_batch: int | None, device: torch.device) -> Fit:
    """What a training step takes at a time, where networks are stacked; ``few`` (b, ...) is a small input.

    Raises ValueError for parts of a batch that BatchNorm would take wrong statistics of.
    """
    parameters, samples = sum(p.numel() for p in module.parameters()), min(micro_batch or batch, batch)
    norms = any(isinstance(m, BATCH_NORMS) for m in module.modules())
    if device.type == "cuda":
        fitting = fit(step_bytes(device), parameters, kept_bytes(module, few), samples)
    else:
        fitting = Fit(max(1, STACKED_NUMBERS // parameters), samples)
    if norms and not micro_batch and fitting.samples < batch:
        raise ValueError(
            f"a batch of {batch} does not fit the GPU, only {fitting.samples} of its samples do. State "
            f"micro_batch: {fitting.samples} or less; BatchNorm's statistics are then those of so many samples"
        )
    if norms and batch // fitting.parts(batch) < 2 <= batch:
        raise ValueError(f"micro_batch: {micro_batch} leaves single samples, of which BatchNorm has no statistics")
    return fitting


def layer_rows(samples: int, widest: int) -> int:
    """Networks whose outputs of their widest layer, on so many samples, stay in a CPU's caches."""
    return max(1, LAYER_NUMBERS // (samples * widest))


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
