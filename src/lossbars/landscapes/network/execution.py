"""Ways to run n networks of one architecture: batched matrix products, under vmap, or one by one.

All give the numbers that each network gives alone, up to rounding. Parameters and buffers carry a leading axis of n
networks; what a pass writes into buffers (BatchNorm's statistics) is written into those that are given.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lossbars.landscapes.network.precision import Layout, laid_out
from lossbars.landscapes.network.stacked_linear import Parameters, can_stack, scratch, stacked_call
from lossbars.landscapes.torch_private import BATCH_NORMS

Way = Literal["batched", "vmap", "loop"]
SMALL = 2_000_000  # parameters of a network that does not fill a GPU alone
DETAILS = {
    "batched": "this network cannot be stacked as batched matrix products",
    "vmap": "this network cannot be run under vmap, or draws random numbers, others there than alone",
}


def chosen_way(module: nn.Module, x: Tensor, random: bool, wanted: Literal["auto", "batched", "vmap", "loop"]) -> Way:
    """The way to run networks: ``wanted``, or the fastest that gives the same numbers; x (b, ...) is a small input.

    On a CPU a loop is faster than vmap for convolutions, on a GPU their kernels are too small to fill it.
    Raises ValueError where what is wanted cannot be had.
    """
    small = x.device.type == "cuda" and sum(p.numel() for p in module.parameters()) <= SMALL
    if wanted in ("batched", "auto") and not random and can_stack(module.eval(), x):
        return "batched"
    if (wanted == "vmap" or (wanted == "auto" and small)) and not random and can_vmap(module, x):
        return "vmap"
    if wanted in DETAILS:
        raise ValueError(f"{DETAILS[wanted]}: use 'auto' or 'loop'")
    return "loop"


def record_way(
    module: nn.Module, x: Tensor, random: bool, wanted: Literal["auto", "batched", "vmap", "loop"], training: Way
) -> Way:
    """The way to run networks in evaluation mode, given the way that was chosen for training.

    They are two where masks of dropout alone keep a network from being stacked.
    """
    return "batched" if random and wanted == "auto" and can_stack(module.eval(), x) else training


@torch.no_grad()
def can_vmap(module: nn.Module, x: Tensor) -> bool:
    """Whether vmap gives the outputs of a training pass that a loop gives; x (b, ...) is a small input."""
    module.train()
    parameters = {name: torch.stack([p.detach(), p.detach() * 0.5]) for name, p in module.named_parameters()}
    try:
        together = outputs("vmap", module, parameters, repeated(module, 2), x, own=False, layout="contiguous")
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False
    alone = outputs("loop", module, parameters, repeated(module, 2), x, own=False, layout="contiguous")
    return together.shape == alone.shape and torch.allclose(together, alone, rtol=1e-2, atol=1e-4)


def outputs(
    way: Way, module: nn.Module, parameters: Parameters, buffers: Parameters, x: Tensor, own: bool, layout: Layout
) -> Tensor:
    """Outputs (n, b, ...) of n networks on x: (b, ...) shared, or (n, b, ...) where each has its ``own``."""
    if way == "batched":
        return stacked_call(module, parameters, x)
    if way == "vmap":
        return vmap(_one, in_dims=(None, 0, 0, 0 if own else None))(module, parameters, buffers, x)
    rows = []
    for i in range(len(next(iter(parameters.values())))):
        one = {name: tensor[i] for name, tensor in (parameters | buffers).items()}
        rows.append(functional_call(module, one, (laid_out(x[i] if own else x, layout),)))
    return torch.stack(rows)


def _one(module: nn.Module, parameters: Parameters, buffers: Parameters, x: Tensor) -> Tensor:
    return functional_call(module, parameters | buffers, (x,))


def repeated(module: nn.Module, n: int) -> Parameters:
    """The module's buffers, a copy for each of n networks."""
    return {name: buffer.expand(n, *buffer.shape).clone() for name, buffer in module.named_buffers()}


def draws(module: nn.Module, x: Tensor) -> bool:
    """Whether a pass in the current mode draws random numbers, in dropout layers or in calls of its own."""
    devices = [x.device] if x.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        before = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, devices)]
        functional_call(module, scratch(module), (x,))
        after = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, devices)]
    return not all(map(torch.equal, before, after))


@torch.no_grad()
def check_network(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """Numbers that the network gives for a sample; x (b, ...) is a small input, y are all targets.

    Raises ValueError for a network that no loss of record can be had of, or that gives fewer numbers than there are
    classes.
    """
    norms = {id(buffer) for m in module.modules() if isinstance(m, BATCH_NORMS) for buffer in m.buffers()}
    devices = [x.device] if x.device.type == "cuda" else []
    passes, written = [], scratch(module)
    for _ in range(3):
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(0)
            passes.append(functional_call(module.train(), written, (x,)))
    if not all(torch.allclose(passes[0], other, rtol=1e-3, atol=1e-5, equal_nan=True) for other in passes[1:]):
        raise ValueError("the network gives other outputs in each pass, by randomness that torch knows nothing of")
    for name, buffer in module.named_buffers():
        if id(buffer) not in norms and not torch.equal(buffer, written[name]):
            raise ValueError(f"the network changes its buffer {name} in training: only BatchNorm's can be recomputed")
    given = passes[0].shape[-1]
    if not y.is_floating_point() and given < (least := 256 if y.dtype == torch.uint8 else int(y.max()) + 1):
        raise ValueError(f"the network gives {given} numbers, the data have {least} classes or more")
    return passes[0][0].numel()
