"""The gradient of the loss of record of networks with BatchNorm, whose statistics are functions of θ.

The loss is E(θ, S(θ)): S are the means and variances that evaluation takes, averages over batches of the training set.
Its gradient ∂E/∂θ + (∂S/∂θ)ᵀ ∂E/∂S takes three passes over the data: one for S, one for E and its derivatives by θ and
S, and one back from S to θ, batch by batch. So the graph of one batch of statistics is held at a time, never that of
all data.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.overrides import TorchFunctionMode

from lossbars.landscapes.network.evaluation import Record, losses_of
from lossbars.landscapes.network.execution import repeated
from lossbars.landscapes.network.memory import kept_bytes, step_bytes
from lossbars.landscapes.network.precision import laid_out, products_in
from lossbars.landscapes.network.stacked_linear import Parameters

STATISTICS_BYTES = 2**31  # of the graph of a batch of statistics; on a GPU as much as a training step may take
STATISTICS = ("running_mean", "running_var")


class _DifferentiableStatistics(TorchFunctionMode):
    """Gives BatchNorm in evaluation a derivative by its statistics, which torch's kernel lacks; values keep their bits.

    A first derivative only: what is added is zero, and its slope by the statistics is that of BatchNorm.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is not F.batch_norm:
            return func(*args, **(kwargs or {}))
        return _batch_norm(*args, **(kwargs or {}))


def _batch_norm(
    x: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if training or mean is None or variance is None:
        return F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)
    output = F.batch_norm(x, mean.detach(), variance.detach(), weight, bias, training, momentum, eps)
    shape = [1, -1, *[1] * (x.dim() - 2)]
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight.detach())
    moved = (x.detach() - mean.view(shape)) * scale.view(shape)
    return output + (moved - moved.detach())


def find_gradient(record: Record, few: Tensor, dtype: torch.dtype) -> "RecordGradient | None":
    """The exact gradient; None for a network without statistics, or where they must be held; few (b, ...) is an input.

    They are held where the graph of one batch of statistics does not fit, or a layer is used twice in a pass, which
    makes its statistics no average of one kind of inputs.
    """
    kept = {id(norm) for norm in record.norms if getattr(norm, "running_mean", None) is not None}
    norms = {name: layer for name, layer in record.module.named_modules() if id(layer) in kept}
    if not norms or not _used_once(record.module, list(norms.values()), few):
        return None
    most = step_bytes(few.device) if few.device.type == "cuda" else STATISTICS_BYTES
    samples, words = max(map(len, record.whole_batches())), dtype.itemsize // torch.float32.itemsize
    rows = most // (words * samples * kept_bytes(record.module, few))
    return RecordGradient(record, norms, rows) if rows else None


@torch.no_grad()
def _used_once(module: nn.Module, norms: list[nn.Module], x: Tensor) -> bool:
    """Whether each layer is called once in a forward pass."""
    calls: list[int] = []
    hooks = [norm.register_forward_pre_hook(lambda layer, _: calls.append(id(layer))) for norm in norms]
    try:
        module.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()
    return sorted(calls) == sorted(map(id, norms))


class RecordGradient:
    """The exact gradient for networks of ``record``, whose layers ``norms`` are each used once.

    ``rows`` networks are taken at a time for the way through the statistics.
    """

    def __init__(self, record: Record, norms: dict[str, nn.Module], rows: int) -> None:
        self.record, self.norms, self.rows = record, norms, rows

    def add(self, parameters: Parameters, total: Parameters, samples: int | None) -> Float[Tensor, " n"]:
        """Add the gradients of the summed losses of n networks to ``total``; the summed losses, float64.

        ``samples`` are taken at a time for the losses, or as many as are best where None.
        """
        leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
        buffers = self.record.statistics(parameters)
        names = [f"{layer}.{kind}" for layer in self.norms for kind in STATISTICS]
        slopes = {name: torch.zeros_like(buffers[name]) for name in names}
        statistics = {name: buffers[name].requires_grad_() for name in names}
        losses = torch.zeros(len(next(iter(parameters.values()))), dtype=torch.float64, device=self.record.device)
        for x, y in self.record.batches(self.record.train, samples):
            self.record.module.eval()
            with torch.enable_grad(), products_in("float32"), _DifferentiableStatistics():
                value = losses_of(self.record.outputs(leaves, buffers, x), y).double().sum(1)
                wanted = [*leaves.values(), *statistics.values()]
                gradients = torch.autograd.grad(value.sum(), wanted, materialize_grads=True)
            losses += value.detach()
            for place, gradient in zip([*total.values(), *slopes.values()], gradients, strict=True):
                place += gradient
        for first in range(0, len(losses), self.rows):
            some = slice(first, first + self.rows)
            self._add_through_statistics(
                *({name: tensor[some] for name, tensor in part.items()} for part in (parameters, total, slopes))
            )
        return losses

    def _add_through_statistics(self, parameters: Parameters, total: Parameters, slopes: Parameters) -> None:
        """Add (∂S/∂θ)ᵀ of the slopes by S, summed over the batches that the statistics are averages of."""
        for x in self.record.whole_batches():
            share = len(x) / len(self.record.train)
            leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
            with torch.enable_grad(), products_in("float32"):
                moments = self._moments(leaves, x.to(self.record.device))
                weights = [share * slope for slope in slopes.values()]
                gradients = torch.autograd.grad(moments, list(leaves.values()), weights, materialize_grads=True)
            for place, gradient in zip(total.values(), gradients, strict=True):
                place += gradient

    def _moments(self, parameters: Parameters, x: Tensor) -> list[Tensor]:
        """Mean and unbiased variance of what enters each layer, (n, channels), in the order of the statistics."""
        dtype = next(iter(parameters.values())).dtype
        n = len(next(iter(parameters.values())))
        buffers = {
            name: buffer.to(dtype) if buffer.is_floating_point() else buffer
            for name, buffer in repeated(self.record.module, n).items()
        }
        x = x.to(dtype) if x.is_floating_point() else x
        if self.record.way == "vmap":
            return list(vmap(self._moments_of_one, in_dims=(0, 0, None))(parameters, buffers, x))
        x = laid_out(x, self.record.layout)
        rows = [self._moments_of_one(_row(parameters, i), _row(buffers, i), x) for i in range(n)]
        return [torch.stack(parts) for parts in zip(*rows, strict=True)]

    def _moments_of_one(self, parameters: Parameters, buffers: Parameters, x: Tensor) -> tuple[Tensor, ...]:
        seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

        def look(layer: nn.Module, args: tuple[Tensor, ...]) -> None:
            axes = [axis for axis in range(args[0].dim()) if axis != 1]
            seen[layer] = (args[0].mean(axes), args[0].var(axes))

        module = self.record.module.eval()
        hooks = [norm.register_forward_pre_hook(look) for norm in self.norms.values()]
        try:
            for norm in self.norms.values():
                norm.train()
            functional_call(module, parameters | buffers, (x,))
        finally:
            module.eval()
            for hook in hooks:
                hook.remove()
        return tuple(moment for norm in self.norms.values() for moment in seen[norm])


def _row(tensors: Parameters, i: int) -> Parameters:
    """Those of one network."""
    return {name: tensor[i] for name, tensor in tensors.items()}
