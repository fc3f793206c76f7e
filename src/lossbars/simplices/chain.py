"""Polygonal chains."""

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices.base import Curve


class Chain(Curve):
    """Straight pieces through ``bends`` free points; each piece takes the same time (Garipov et al. 2018, eq. 5)."""

    def blend(self, t: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n k"]:
        """max(0, 1 − |t(k − 1) − j|): only the two ends of t's piece have weight."""
        knots = torch.arange(self.size, dtype=t.dtype, device=t.device)
        return (1 - (t * (self.size - 1) - knots).abs()).clamp(min=0)
