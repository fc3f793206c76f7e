"""Whether the outputs of a network are smooth functions of its parameters, by the functions of one forward pass."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

SMOOTH = [
    *(torch.tanh, torch.sigmoid, torch.sin, torch.cos, torch.erf, torch.exp),
    *(Tensor.tanh, Tensor.sigmoid, Tensor.sin, Tensor.cos, Tensor.erf, Tensor.exp),
    *(F.tanh, F.sigmoid, F.gelu, F.silu, F.mish, F.softplus, F.logsigmoid),
]
RESHAPES = [torch.flatten, Tensor.flatten, Tensor.view, Tensor.reshape, torch.reshape]
OTHERS = [  # smooth too, where they are defined
    *(F.linear, torch.conv1d, torch.conv2d, torch.conv3d, F.avg_pool1d, F.avg_pool2d, F.layer_norm, F.softmax),
    *(torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__, Tensor.add_, Tensor.__iadd__, Tensor.sub),
    *(torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.__sub__, Tensor.__rsub__, torch.sub),
    *(Tensor.__neg__, Tensor.neg, Tensor.square, torch.square, Tensor.__matmul__, torch.matmul, Tensor.matmul),
    *(Tensor.mean, torch.mean, Tensor.sum, torch.sum, Tensor.transpose, torch.transpose, Tensor.permute),
    *(Tensor.unsqueeze, Tensor.squeeze, torch.unsqueeze, torch.squeeze, torch.cat, torch.stack, Tensor.contiguous),
]


class _Calls(TorchFunctionMode):
    """Keeps the functions that gave tensors of real numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[Callable[..., Any]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.is_floating_point():
            self.called.append(func)
        return result


@torch.no_grad()
def not_smooth(module: nn.Module, x: Tensor) -> str | None:
    """The name of the first function in a forward pass of x that is not known to be smooth; None where all are."""
    known = [*SMOOTH, *RESHAPES, *OTHERS]
    with _Calls() as seen:
        module.eval()(x)
    return next((resolve_name(func) or str(func) for func in seen.called if func not in known), None)
