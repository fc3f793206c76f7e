"""Bezier curves."""

from math import comb

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices.base import Family, curve_around, curve_grid, curve_sample, straight


class Bezier(Family):
    """Bezier curve with ``bends`` free control points (Garipov et al. 2018, eq. 6, for any degree)."""

    coordinates = 1

    def __init__(self, bends: int = 1) -> None:
        if bends < 0:
            raise ValueError(f"a Bezier curve cannot have {bends} bends")
        self.bends = bends
        self.size = bends + 2
        self.corners = (0, bends + 1)

    def blend(self, t: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n k"]:
        """Bernstein polynomials of degree k − 1."""
        degree = self.size - 1
        j = torch.arange(self.size, dtype=t.dtype, device=t.device)
        binomial = torch.tensor([comb(degree, i) for i in range(self.size)], dtype=t.dtype, device=t.device)
        return binomial * t**j * (1 - t) ** (degree - j)

    def start(self, corners: Float[Tensor, "n 2 d"]) -> Float[Tensor, "n k d"]:
        return straight(corners, self.size)

    def sample(self, uniform: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n 1"]:
        return curve_sample(uniform)

    def grid(self, points: int) -> Float[Tensor, "g 1"]:
        return curve_grid(points, self.bends)

    def around(self, t: Float[Tensor, "n 1"], spacing: float) -> Float[Tensor, "n 2 1"]:
        return curve_around(t, spacing)
