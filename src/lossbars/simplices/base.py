"""Families of simplices: what all of them define, and what all curves share."""

from abc import ABC, abstractmethod
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor


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
    def around(self, t: Float[Tensor, "n q"], spacing: float) -> Float[Tensor, "n m q"]:
        """Places at distance ``spacing`` from t, on the simplex; for refining around a maximum."""

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

    def around(self, t: Float[Tensor, "n 1"], spacing: float) -> Float[Tensor, "n 2 1"]:
        """Places left and right of t, not beyond the ends."""
        return torch.stack([t - spacing, t + spacing], dim=1).clamp(0, 1)


def straight(corners: Tensor, size: int) -> Tensor:
    """(n, size, d) evenly spaced points of the segments between two corners (n, 2, d)."""
    weight = torch.linspace(0, 1, size, dtype=corners.dtype, device=corners.device)[:, None]
    return (1 - weight) * corners[:, :1] + weight * corners[:, 1:]
