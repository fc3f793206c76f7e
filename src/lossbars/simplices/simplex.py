"""Simplices on a landscape, and profiles of the loss along a simplex."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices import Family


@dataclass(frozen=True)
class Simplices:
    """n simplices of one family: control points (n, k, d)."""

    family: Family
    nodes: Float[Tensor, "n k d"]

    def at(self, t: Float[Tensor, "n *g q"]) -> Float[Tensor, "n *g d"]:
        """θ(t) = blend(t) @ nodes, one place on each simplex, or several."""
        weights = self.family.blend(t.to(self.nodes.device, self.nodes.dtype))
        theta = torch.bmm(weights.flatten(1, -2) if t.dim() > 2 else weights.unsqueeze(1), self.nodes)
        return theta.view(*t.shape[:-1], -1)


@dataclass(frozen=True)
class Profile:
    """The loss along one simplex: places (g, q) in the order of the grid, losses (g,) float64.

    ``loss`` is the objective of the landscape, ``data_loss`` its part without the weight decay.
    """

    t: Float[Tensor, "g q"]
    loss: Float[Tensor, " g"]
    data_loss: Float[Tensor, " g"]

    @property
    def value(self) -> float:
        """The largest loss found: a lower bound of the maximum on the simplex, its ends included."""
        return float(self.loss.max())
