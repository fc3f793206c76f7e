"""Augmentation of training batches, on the device. The loss of record never sees it."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

PADDING = 4


def crop_flip(
    x: Float[Tensor, "b c h w"], seed: int, black: Float[Tensor, " c"] | Float[Tensor, " 1"]
) -> Float[Tensor, "b c h w"]:
    """Random crop after padding by 4 with ``black`` and random horizontal flip; the seed decides all."""
    b, c, h, w = x.shape
    generator = Generator().manual_seed(seed)
    rows = torch.randint(0, 2 * PADDING + 1, (b, 1), generator=generator) + torch.arange(h)
    columns = torch.randint(0, 2 * PADDING + 1, (b, 1), generator=generator) + torch.arange(w)
    flip = torch.rand(b, generator=generator) < 0.5
    columns[flip] = columns[flip].flip(1)
    padded = black.to(x.dtype).expand(b, h + 2 * PADDING, w + 2 * PADDING, c).clone()
    padded[:, PADDING:-PADDING, PADDING:-PADDING] = x.permute(0, 2, 3, 1)
    sample = torch.arange(b)[:, None, None]
    moved = padded[sample.to(x.device), rows[:, :, None].to(x.device), columns[:, None].to(x.device)]
    return moved.permute(0, 3, 1, 2)
