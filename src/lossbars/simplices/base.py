"""Families of simplices: what all of them define, and what all curves share."""

from abc import ABC, abstractmethod
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.recipes.refinement import middles


class Family(ABC):
    """Blending weights of ``size`` control points over a simplex of dimension ``dim``.

    A place t on the simplex has ``coordinates`` numbers: one on a curve (t from 0 to 1), three on a
    triangle (barycentric, summing to one).
    """

    size: int  # k, number of control points
    coordinates: int
    corners: tuple[int, ...]  # the control points that are minima; they never move

    @property
    def free(self) -> tuple[int, ...]:
        """The control points that are optimised."""
        return tuple(i for i in range(self.size) if i not in self.corners)

    @abstractmethod
    def blend(self, t: Float[Tensor, "*n q"]) -> Float[Tensor, "*n k"]:
        """Weights of the control points at t; they sum to one."""

    @abstractmethod
    def start(self, corners: Float[Tensor, "n c d"]) -> Float[Tensor, "n k d"]:
        """Control points of the flat simplices with these corners."""

    @abstractmethod
    def sample(self, uniform: Float[Tensor, "*n u"]) -> Float[Tensor, "*n q"]:
        """Uniform places on the simplex from uniform numbers in [0, 1); u = dim of the simplex."""

    @abstractmethod
    def grid(self, points: int) -> Float[Tensor, "g q"]:
        """Uniform grid with ``points`` along each side, corners and control points included."""

    @abstractmethod
    def finer(
        self, t: Float[Tensor, "n g q"], loss: Float[Tensor, "n g"], points: int, number: int
    ) -> Float[Tensor, "n m q"]:
        """Places at which the loss may be higher than at all places t so far, as many on every simplex.

        ``points`` are those of the uniform grid along each side, ``number`` counts the rounds from 1, which has most.
        """

    @property
    def uniforms(self) -> int:
        """How many uniform numbers :meth:`sample` needs for one place."""
        return len(self.corners) - 1


class Curve(Family):
    """A curve with ``bends`` free control points between its two ends; each family of curves blends them in its way."""

    coordinates = 1

    def __init__(self, bends: int = 1) -> None:
        if bends < 0:
            raise ValueError(f"a curve cannot have {bends} bends")
        self.bends = bends
        self.size = bends + 2
        self.corners = (0, bends + 1)

    def start(self, corners: Float[Tensor, "n 2 d"]) -> Float[Tensor, "n k d"]:
        return straight(corners, self.size)

    def sample(self, uniform: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n 1"]:
        return uniform

    def grid(self, points: int) -> Float[Tensor, "g 1"]:
        """Places from 0 to 1; those of the bends are put in, since a chain's corners are there."""
        uniform = {Fraction(i, points - 1) for i in range(points)}
        knots = {Fraction(j, self.size - 1) for j in range(self.size)}
        return torch.tensor([float(place) for place in sorted(uniform | knots)], dtype=torch.float32).unsqueeze(-1)

    def finer(
        self,
        t: Float[Tensor, "n g 1"],
        loss: Float[Tensor, "n g"],
        points: int,  # noqa: ARG002 (intervals are halved, whatever their width)
        number: int,
    ) -> Float[Tensor, "n m 1"]:
        """Middles of intervals: the two beside the highest place, those that may hide most, and some where a spike is.

        How much an interval may hide is read off the bends of the loss at its ends, as a difference of slopes times the
        width of the interval: of a parabola through three places at most an eighth of that lies above the highest. The
        middles are of intervals whose higher end and bends together reach highest; in the first round a part is of
        those with the largest bends wherever they are, since a narrow spike far below the maximum shows itself so.
        """
        t, order = t[..., 0].sort(dim=1)
        loss = loss.gather(1, order)
        hidden = intervals_hide(t, loss)
        reach = torch.maximum(loss[:, :-1], loss[:, 1:]) + hidden
        top = loss.argmax(1, keepdim=True)
        beside = torch.cat([top - 1, top], dim=1).clamp(0, hidden.shape[1] - 1)
        reach.scatter_(1, beside, torch.inf)
        count = middles(hidden.shape[1], number)
        spikes = max(0, count - 2) // 2 if number == 1 else 0
        high = reach.topk(count - spikes, dim=1).indices
        bent = hidden.scatter(1, high, -torch.inf).topk(spikes, dim=1).indices
        chosen = torch.cat([high, bent], dim=1)
        return ((t[:, :-1] + t[:, 1:]) / 2).gather(1, chosen).unsqueeze(-1)


def intervals_hide(t: Float[Tensor, "n g"], loss: Float[Tensor, "n g"]) -> Float[Tensor, "n h"]:
    """How much the loss is bent downwards at both ends of each of the g − 1 intervals, times its width; t increases."""
    width = t.double().diff(dim=1).clamp_min(1e-12)
    slope = loss.diff(dim=1) / width
    bend = torch.nn.functional.pad((slope[:, :-1] - slope[:, 1:]).clamp_min(0), (1, 1))
    return width * (bend[:, :-1] + bend[:, 1:])


def straight(corners: Tensor, size: int) -> Tensor:
    """(n, size, d) evenly spaced points of the segments between two corners (n, 2, d)."""
    weight = torch.linspace(0, 1, size, dtype=corners.dtype, device=corners.device)[:, None]
    return (1 - weight) * corners[:, :1] + weight * corners[:, 1:]
