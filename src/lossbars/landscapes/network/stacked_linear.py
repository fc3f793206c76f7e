"""Running n networks of one architecture in one call.

Under :class:`StackedLinear` a module whose weights carry a leading axis of n networks runs them all: every
``linear`` becomes one batched matrix product, elementwise operations are as they were. Activations are kept
as (n, features, batch) in memory, so that no product needs a transposed copy, and the first layer, whose
input all networks share, is a single wide product. Each network's numbers are those it has alone, up to rounding:
the same bits where each has its own batch, or the batch is a multiple of 16, on the machines seen.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Size, Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

Parameters = dict[str, Tensor]
Shapes = Mapping[str, Size]  # of a network's parameters, in its order


def unflattened(theta: Float[Tensor, "*n d"], shapes: Shapes) -> Parameters:
    """Views of θ with the names and shapes of parameters, leading axes kept."""
    pieces = theta.split([shape.numel() for shape in shapes.values()], dim=-1)
    return {
        name: piece.unflatten(-1, shape) if shape else piece.squeeze(-1)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


class StackedLinear(TorchFunctionMode):
    """Gives ``F.linear`` a meaning for weights of shape (n, out, in)."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.linear:
            return stacked_linear(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def stacked_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (b, in) shared or (n, b, in) → (n, b, out), stored as (n, out, b)."""
    n, out, inputs = weight.shape
    if x.dim() == 2:
        wide = _even(weight.reshape(n * out, inputs))
        y = wide @ x.t() if bias is None else torch.addmm(_even(bias.reshape(n * out, 1)), wide, x.t())
        return y[: n * out].view(n, out, -1).transpose(1, 2)
    columns = x.transpose(1, 2)
    y = torch.bmm(weight, columns) if bias is None else torch.baddbmm(bias.unsqueeze(-1), weight, columns)
    return y.transpose(1, 2)


def _even(rows: Tensor) -> Tensor:
    """Rows of a product in float64, with zeros up to a multiple of 16: else the last few have other last bits.

    So a network has the same loss of record beside any others; in float32 it has it anyway, on the machines seen.
    """
    missing = -len(rows) % 16 if rows.dtype == torch.float64 else 0
    return torch.cat([rows, rows.new_zeros(missing, rows.shape[1])]) if missing else rows


def scratch(module: nn.Module) -> Parameters:
    """Copies of a module's buffers, for a pass that may write into them."""
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def stacked_call(module: nn.Module, parameters: Parameters, x: Tensor) -> Tensor:
    """Outputs (n, b, outputs) of n networks; x is (b, ...) shared or (n, b, ...)."""
    with StackedLinear():
        return functional_call(module, parameters, (x,))


def can_stack(module: nn.Module, x: Tensor) -> bool:
    """Whether stacked calls of this module agree with calls one by one; x (b, ...) is a small input.

    Only modules whose parameters all belong to ``nn.Linear`` are tried. They are then run both ways, since
    a forward method may do between its layers what has another meaning with an axis more.
    """
    linear = {id(p) for m in module.modules() if isinstance(m, nn.Linear) for p in m.parameters()}
    if not all(id(p) in linear for p in module.parameters()) or any(True for _ in module.buffers()):
        return False
    parameters = {name: torch.stack([p.detach(), p.detach().flip(0) * 0.5]) for name, p in module.named_parameters()}
    with torch.no_grad():
        alone = [functional_call(module, {k: p[i] for k, p in parameters.items()}, (x,)) for i in range(2)]
        try:
            shared = stacked_call(module, parameters, x)
            separate = stacked_call(module, parameters, torch.stack([x, x]))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False
    expected = torch.stack(alone)
    return all(
        y.shape == expected.shape and torch.allclose(y, expected, rtol=1e-4, atol=1e-5) for y in (shared, separate)
    )
