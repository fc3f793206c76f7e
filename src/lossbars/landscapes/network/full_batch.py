"""Gradient of the loss of record of n networks: over the whole training set, in evaluation mode, without noise.

Polish, descents, settled curves and certificates call it. Networks that are layers in a row take it without autograd,
a few at a time (benchmarks/README.md, polish.py); networks with BatchNorm through their statistics
(:mod:`lossbars.landscapes.network.batch_norm`).
"""

from collections.abc import Callable
from functools import cached_property, partial

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.landscapes.network.batch_norm import RecordGradient, find_gradient
from lossbars.landscapes.network.evaluation import Call, Record, losses_of
from lossbars.landscapes.network.linear_chain import LinearChain
from lossbars.landscapes.network.memory import Fit, layer_rows
from lossbars.landscapes.network.precision import Precision, products_in
from lossbars.landscapes.network.stacked_linear import Parameters, Shapes, unflattened

Loss = Callable[[Parameters], Tensor]  # (n,) of stacked parameters


class FullBatchGradient:
    """The gradient for networks of ``record``, with parameters of ``shapes``.

    ``fit`` is what a training step takes at a time. ``find_chain`` gives the layers in a row that the network is in
    evaluation mode, or None; it is called once at most, with the first gradient.
    """

    def __init__(self, record: Record, shapes: Shapes, fit: Fit, find_chain: Callable[[], LinearChain | None]) -> None:
        self.record, self.shapes, self.fit, self.find_chain = record, shapes, fit, find_chain
        self.known: dict[torch.dtype, RecordGradient | None] = {}

    @cached_property
    def chain(self) -> LinearChain | None:
        """The layers in a row that the network is, which take autograd's place."""
        return self.find_chain() if self.record.way == "batched" else None

    @property
    def stack_size(self) -> int:
        """As many networks as are taken at a time: on a CPU by its caches, for networks that are layers in a row."""
        if self.chain is None or self.record.device.type == "cuda":
            return 1 if self.record.way == "loop" else self.fit.rows
        samples = min(self.record.samples_at_once, len(self.record.train))
        return layer_rows(samples, max(self.shapes[layer.weight][0] for layer in self.chain.layers))

    @property
    def statistics(self) -> str:
        """What BatchNorm's statistics are in the gradient, in float32 and in float64, in words."""
        known = [self.through_statistics(dtype) is not None for dtype in (torch.float32, torch.float64)]
        return {2: "differentiated", 1: "differentiated in float32, held in float64", 0: "held"}[sum(known)]

    def through_statistics(self, dtype: torch.dtype) -> RecordGradient | None:
        """What differentiates BatchNorm's statistics, in a precision; None where there are none, or they are held."""
        if dtype not in self.known:
            self.known[dtype] = find_gradient(self.record, self.record.train.x[:3].to(self.record.device), dtype)
        return self.known[dtype]

    def __call__(self, theta: Float[Tensor, "n d"], out: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Mean losses, float64; their gradients go into ``out``."""
        through = self.through_statistics(theta.dtype)
        samples = self.fit.samples if self.record.device.type == "cuda" else None
        losses = []
        for rows, total in zip(theta.split(self.stack_size), out.split(self.stack_size), strict=True):
            total.zero_()
            if through:
                parameters, places = unflattened(rows, self.shapes), unflattened(total, self.shapes)
                losses.append(through.add(parameters, places, samples))
            else:
                losses.append(self._add(rows, total, samples))
            total /= len(self.record.train)
        return torch.cat(losses) / len(self.record.train)

    def _add(self, theta: Tensor, total: Tensor, samples: int | None) -> Tensor:
        """Add gradients of summed losses to ``total``, so many samples at a time; the summed losses (n,), float64."""
        part, losses = torch.empty_like(total), torch.zeros(len(theta), dtype=torch.float64, device=theta.device)
        parameters, places = unflattened(theta, self.shapes), unflattened(part, self.shapes)
        call = self.record.call(parameters) if self.chain is None else None
        for x, y in self.record.batches(self.record.train, samples):
            if self.chain:
                with products_in("float32"):
                    losses += self.chain.gradient(parameters, x.to(theta.dtype), partial(_summed, y=y), places)
            elif call:
                losses += gradient_into(parameters, places, partial(_summed_losses, call=call, x=x, y=y))
            total += part
        return losses


def gradient_into(parameters: Parameters, out: Parameters, loss: Loss, precision: Precision = "float32") -> Tensor:
    """Losses (n,), as ``loss`` gives them; gradients of their sum go into ``out``, by autograd.

    Leaves by parameter save a pass over θ.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    with torch.enable_grad(), products_in(precision):
        value = loss(leaves)
        gradients = torch.autograd.grad(value.sum(), list(leaves.values()), materialize_grads=True)
    for place, gradient in zip(out.values(), gradients, strict=True):
        place.copy_(gradient)
    return value.detach()


def is_chain(chain: LinearChain, theta: Float[Tensor, "n d"], shapes: Shapes, x: Tensor, call: Call) -> bool:
    """Whether a chain gives autograd's numbers for the outputs of ``call`` on x (b, ...), at θ.

    What a forward pass does in place, or to gradients alone, cannot be seen in its calls.
    """
    obtained, expected = torch.empty_like(theta), torch.empty_like(theta)
    parameters = unflattened(theta, shapes)
    with products_in("float32"):
        given = chain.gradient(parameters, x, _mean_square, unflattened(obtained, shapes))
    wanted = gradient_into(parameters, unflattened(expected, shapes), lambda p: _mean_square(call(p, x)))
    pairs = ((given, wanted), (obtained, expected))
    return all(a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


def _summed(output: Tensor, y: Tensor) -> Tensor:
    return losses_of(output, y).double().sum(1)


def _summed_losses(parameters: Parameters, call: Call, x: Tensor, y: Tensor) -> Tensor:
    return _summed(call(parameters, x), y)


def _mean_square(output: Tensor) -> Tensor:
    """(n,) of outputs (n, b, q): some loss that any network has."""
    return output.square().mean((1, 2))
