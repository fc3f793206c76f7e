"""Layout of images in memory, precision of training batches, and number of images at a time.

All are decided by what is known before anything runs, never by a timing, so that a machine gives the same
bits every time. What they are worth is in benchmarks/README.md, convolutions.py.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lossbars.landscapes.torch_private import has_bfloat16

Layout = Literal["contiguous", "channels-last"]
Precision = Literal["float32", "tf32", "bfloat16"]
FORMATS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
WIDE = 16  # channels that a convolution must take for channels-last to gain; with the 3 of an image it loses
IMAGES = 50  # evaluated at a time


def fastest_layout(module: nn.Module) -> Layout:
    """Channels last where any convolution takes 16 channels or more."""
    taken = [m.in_channels // m.groups for m in module.modules() if isinstance(m, nn.Conv2d)]
    return "channels-last" if max(taken, default=0) >= WIDE else "contiguous"


def fastest_batch(module: nn.Module, device: torch.device, most: int) -> int:
    """Samples at a time where each is by itself: on a CPU few images, so that their activations stay in its caches."""
    images = any(isinstance(m, nn.Conv2d) for m in module.modules())
    return min(IMAGES, most) if images and device.type == "cpu" else most


def laid_out(x: Tensor, layout: Layout) -> Tensor:
    """Images (b, c, h, w) in a layout; other inputs as they are."""
    return x.contiguous(memory_format=FORMATS[layout]) if x.dim() == 4 else x


def chosen_precision(wanted: Literal["float32", "tf32", "bfloat16", "auto"], device: torch.device) -> Precision:
    """``auto`` is bfloat16 where the machine has instructions for it; ``tf32`` is float32 where there is no GPU."""
    if wanted == "tf32":
        return "tf32" if device.type == "cuda" else "float32"
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if has_bfloat16() else "float32"


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Context in which matrix products and convolutions of a forward pass have a precision; parameters stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def products_in(precision: Precision) -> Iterator[None]:
    """Context in which a GPU multiplies float32 numbers exactly, or rounded to tf32, forwards and backwards."""
    kinds: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn]  # type: ignore[attr-defined]
    before = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        yield
    finally:
        for kind, was in zip(kinds, before, strict=True):
            kind.fp32_precision = was
