"""Losses and gradients of n stacked networks that are linear layers and activations in a row.

The same products as :mod:`lossbars.landscapes.network.stacked_linear` and autograd take, without what autograd does
around them: activations are changed in place, and gradients are written where they are wanted. With small layers that
saves up to a tenth of the time (benchmarks/README.md, path_step.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lossbars.landscapes.network.stacked_linear import Parameters, stacked_linear
from lossbars.landscapes.torch_private import gelu_backward, relu_backward, sigmoid_backward, tanh_backward

Activation = Literal["relu", "tanh", "sigmoid", "gelu"]
CALLS: dict[Any, Activation] = {
    getattr(place, name): name for place in (torch, Tensor, F) for name in ("relu", "tanh", "sigmoid")
} | {F.gelu: "gelu"}
FLATTENS = (torch.flatten, Tensor.flatten)


@dataclass(frozen=True)
class Layer:
    """A linear layer by the names of its parameters, and the activation that follows it."""

    weight: str
    bias: str | None
    activation: Activation | None = None


@dataclass(frozen=True)
class LinearChain:
    """The layers of a network in one mode, and how its inputs (b, ...) or (n, b, ...) become rows of features."""

    layers: list[Layer]
    flatten: Callable[[Tensor], Tensor]

    @torch.no_grad()
    def gradient(self, parameters: Parameters, x: Tensor, loss: Callable[[Tensor], Tensor], out: Parameters) -> Tensor:
        """Losses (n,) of the outputs (n, b, q), as ``loss`` gives them; gradients of their sum go into ``out``."""
        values = [self.flatten(x)]  # what goes into each layer, and what comes out of the last
        kept: list[Tensor] = []  # what tells the derivative of each activation
        for layer in self.layers:
            y = stacked_linear(values[-1], parameters[layer.weight], parameters[layer.bias] if layer.bias else None)
            values.append(_activated(layer.activation, y))
            kept.append(y)
        with torch.enable_grad():
            last = values[-1].detach().requires_grad_()
            losses = loss(last)
            (error,) = torch.autograd.grad(losses.sum(), last)
        for layer, given, known in zip(self.layers[::-1], values[-2::-1], kept[::-1], strict=True):
            error = _input_gradient(layer.activation, error, known)
            _write(layer, given, error, out)
            if given is not values[0]:
                error = torch.bmm(parameters[layer.weight].mT, error.mT).mT
        return losses.detach()


def _activated(activation: Activation | None, y: Tensor) -> Tensor:
    """Outputs of an activation; they overwrite its inputs where they tell its derivative, as all but GELU's do."""
    if activation == "gelu":
        return F.gelu(y)
    return getattr(torch, f"{activation}_")(y) if activation else y


def _input_gradient(activation: Activation | None, gradient: Tensor, known: Tensor) -> Tensor:
    """Gradient of an activation's input, from that of its output, and from the output itself or the input of GELU."""
    if activation == "relu":
        return relu_backward(gradient, known, 0)
    if activation == "tanh":
        return tanh_backward(gradient, known)
    if activation == "gelu":
        return gelu_backward(gradient, known)
    return sigmoid_backward(gradient, known) if activation else gradient


def _write(layer: Layer, given: Tensor, error: Tensor, out: Parameters) -> None:
    """Gradients of a layer's weight and bias, from its input and the gradient (n, b, out) of its output."""
    place, columns = out[layer.weight], error.mT
    if given.dim() == 2:  # all networks have one input: one wide product
        wide = columns.reshape(-1, columns.shape[-1])
        place.copy_((wide @ given).view(place.shape))
    else:
        torch.bmm(columns, given, out=place)
    if layer.bias:
        torch.sum(columns, 2, out=out[layer.bias])


class _Tape(TorchFunctionMode):
    """Keeps every call that gives a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Tensor]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.calls.append((func, args, kwargs or {}, result))
        return result


@torch.no_grad()
def find_chain(module: nn.Module, x: Tensor) -> LinearChain | None:
    """The chain that a network is in the mode that it is in, if it is one; ``x`` (b, ...) is a small input.

    Each call of its forward pass must take what the one before gave, and each parameter must be used once. Dropout
    outside training is no layer. Calls that give no tensor, such as writing into one, are not seen: compare the
    gradients of the chain with those of autograd before it is used.
    """
    with _Tape() as tape:
        output = module(x)
    names = {id(p): name for name, p in module.named_parameters()}
    layers: list[Layer] = []
    flatten: Callable[[Tensor], Tensor] = nn.Identity()
    last = x
    for func, args, kwargs, result in tape.calls:
        if not args or args[0] is not last:
            return None
        if func is F.linear and len(args) > 1 and id(args[1]) in names and last.dim() == 2:
            bias = args[2] if len(args) > 2 else kwargs.get("bias")
            layers.append(Layer(names[id(args[1])], None if bias is None else names.get(id(bias), "")))
        elif func in CALLS and layers and layers[-1].activation is None and kwargs.get("approximate") in (None, "none"):
            layers[-1] = Layer(layers[-1].weight, layers[-1].bias, CALLS[func])
        elif func in FLATTENS and last is x:
            flatten = partial(_flattened, func, args[1:], kwargs)
        elif func is F.dropout and not (args[2] if len(args) > 2 else kwargs.get("training", True)):
            pass
        else:
            return None
        last = result
    used = [name for layer in layers for name in (layer.weight, layer.bias) if name is not None]
    return LinearChain(layers, flatten) if last is output and sorted(used) == sorted(names.values()) else None


def _flattened(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any], x: Tensor) -> Tensor:
    return func(x, *args, **kwargs)
