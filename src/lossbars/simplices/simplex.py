"""Simplices on a landscape, and profiles of the loss along a simplex."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.simplices import Family
from lossbars.simplices.base import intervals_hide


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

    @property
    def unseen(self) -> float:
        """By how much the loss on a curve may rise above ``value`` between places, if it is smooth there.

        An eighth of the bends at both ends of an interval, times its width, lies above its higher end at most if the
        loss is a parabola. This is an estimate, no bound: a spike that is zero at all places leaves no trace.
        """
        hidden = intervals_hide(self.t.T, self.loss[None])[0] / 8
        return max(0.0, float((torch.maximum(self.loss[:-1], self.loss[1:]) + hidden).max()) - self.value)
