"""Polygonal chains."""

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices.base import Family, curve_around, curve_grid, curve_sample, straight


class Chain(Family):
    """Straight pieces through ``bends`` free points; each piece takes the same time (Garipov et al. 2018, eq. 5)."""

    coordinates = 1

    def __init__(self, bends: int = 1) -> None:
        if bends < 0:
            raise ValueError(f"a chain cannot have {bends} bends")
        self.bends = bends
        self.size = bends + 2
        self.corners = (0, bends + 1)

    def blend(self, t: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n k"]:
        """max(0, 1 − |t(k − 1) − j|): only the two ends of t's piece have weight."""
        knots = torch.arange(self.size, dtype=t.dtype, device=t.device)
        return (1 - (t * (self.size - 1) - knots).abs()).clamp(min=0)

    def start(self, corners: Float[Tensor, "n 2 d"]) -> Float[Tensor, "n k d"]:
        return straight(corners, self.size)

    def sample(self, uniform: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n 1"]:
        return curve_sample(uniform)

    def grid(self, points: int) -> Float[Tensor, "g 1"]:
        return curve_grid(points, self.bends)

    def around(self, t: Float[Tensor, "n 1"], spacing: float) -> Float[Tensor, "n 2 1"]:
        return curve_around(t, spacing)
