"""Bezier curves."""

from math import comb

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices.base import Curve


class Bezier(Curve):
    """Bezier curve with ``bends`` free control points (Garipov et al. 2018, eq. 6, for any degree)."""

    def blend(self, t: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n k"]:
        """Bernstein polynomials of degree k − 1."""
        degree = self.size - 1
        j = torch.arange(self.size, dtype=t.dtype, device=t.device)
        binomial = torch.tensor([comb(degree, i) for i in range(self.size)], dtype=t.dtype, device=t.device)
        return binomial * t**j * (1 - t) ** (degree - j)
