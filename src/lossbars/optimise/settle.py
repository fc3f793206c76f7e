"""Curves at the end of their way: the whole training set, fixed places, quasi-Newton on their control points.

A stochastic optimiser of curves (:mod:`lossbars.optimise.connect`) leaves noise in every control point. Here the
control points of a curve are one point of a :class:`CurveSpace`, whose objective is the mean, or a smooth maximum, of
the loss at fixed places of the curve, and :func:`lossbars.optimise.polish.polish` descends in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.polish import polish
from lossbars.optimise.stages import Stages
from lossbars.recipes import Grid, Settle
from lossbars.simplices import Family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

ROUNDS = 4  # the first descends on the mean, the others on a smooth maximum; the first two are half of the passes


class CurveSpace(Landscape):
    """Curves of one family as points: (1/β) log mean exp(β L(θ(t))) over fixed places t; the mean where β is 0.

    A row holds the corners of a curve, its free control points, and its β, so that rows are independent of each other.
    Corners and β have no gradient and stay, to the bit. Free control points are given in coordinates in which the
    blending weights of the places are orthonormal: a quadratic loss that is the same at all places has its own
    curvatures there, and not those of the family times as many.
    """

    def __init__(self, landscape: Landscape, family: Family, places: Float[Tensor, "m 1"]) -> None:
        self.landscape, self.family, self.device = landscape, family, landscape.device
        self.free = list(family.free)
        self.held = [i for i in range(family.size) if i not in self.free]
        self.dim = family.size * landscape.dim + 1
        weights = family.blend(places.double()).to(self.device)
        self.of_held, of_free = weights[:, self.held], weights[:, self.free]
        metric = of_free.T @ of_free / len(places)
        self.root = torch.linalg.cholesky(torch.linalg.inv(metric))  # coordinates → free control points
        self.of_free = of_free @ self.root

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """There are no random curves without minima to join: raises NotImplementedError."""
        raise NotImplementedError("a curve starts between two minima: see rows()")

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:  # noqa: ARG002 (no batches)
        """Every pass is over all data, at all places."""
        yield None

    def rows(self, nodes: Float[Tensor, "n k d"], beta: Float[Tensor, " n"]) -> Float[Tensor, "n e"]:
        """Curves as points of this space."""
        inverse = torch.linalg.inv(self.root).to(nodes.dtype)
        parts = [nodes[:, self.held].flatten(1), (inverse @ nodes[:, self.free]).flatten(1), beta[:, None].to(nodes)]
        return torch.cat(parts, dim=1)

    def nodes(self, rows: Float[Tensor, "n e"]) -> Float[Tensor, "n k d"]:
        """Control points of the curves that these points are."""
        held, coordinates, _ = self._parts(rows)
        nodes = rows.new_empty(len(rows), self.family.size, self.landscape.dim)
        nodes[:, self.held], nodes[:, self.free] = held, self.root.to(rows.dtype) @ coordinates
        return nodes

    def loss(self, theta: Float[Tensor, "n e"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """The objective of every curve, without a gradient."""
        places = self._places(theta)
        values = self.landscape.loss(places.flatten(0, 1)).double().view(places.shape[:2])
        return _smooth_maximum(values, self._parts(theta)[2])[0]

    def value_and_gradient(
        self,
        theta: Float[Tensor, "n e"],
        batch: Batch | None,  # noqa: ARG002
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n e"]]:
        """The objective of every curve, float64, and its gradient."""
        places = self._places(theta)
        values, gradients = self.landscape.value_and_gradient(places.flatten(0, 1), None)
        value, shares = _smooth_maximum(values.double().view(places.shape[:2]), self._parts(theta)[2])
        pull = shares[:, :, None].to(theta.dtype) * self.of_free.to(theta.dtype)  # (n, m, f)
        moving = torch.bmm(pull.transpose(1, 2), gradients.view(places.shape)).flatten(1)
        gradient = torch.zeros_like(theta)
        gradient[:, len(self.held) * self.landscape.dim : -1] = moving
        return value, gradient

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Corners (n, c, d), coordinates (n, f, d) and β (n,)."""
        points = rows[:, :-1].view(len(rows), self.family.size, self.landscape.dim)
        corners = len(self.held)
        return points[:, :corners], points[:, corners:], rows[:, -1]

    def _places(self, rows: Tensor) -> Float[Tensor, "n m d"]:
        held, coordinates, _ = self._parts(rows)
        return self.of_held.to(rows.dtype) @ held + self.of_free.to(rows.dtype) @ coordinates


def _smooth_maximum(
    values: Float[Tensor, "n m"], beta: Float[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n m"]]:
    """(1/β) log mean exp(β values), or the mean where β is 0, and the shares of the values in its gradient."""
    sharp = beta.double()[:, None]
    top = values.amax(1, keepdim=True)
    powers = torch.exp(sharp * (values - top))
    smooth = top[:, 0] + powers.mean(1).log() / sharp[:, 0].clamp_min(torch.finfo(torch.float64).tiny)
    return torch.where(beta > 0, smooth, values.mean(1)), powers / powers.sum(1, keepdim=True)


@dataclass(frozen=True)
class Settled:
    """Curves that were optimised to the end of a budget, and what the second half of it still gained."""

    simplices: Simplices
    profiles: list[Profile]
    residue: Float[Tensor, " n"]  # maximum of the loss on each curve after half of the passes minus that at the end
    passes: Int[Tensor, " n"]  # gradients of the whole training set at one θ


def settle(
    landscape: Landscape,
    start: Simplices,
    recipe: Settle,
    grid: Grid,
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Settled:
    """Lower the largest loss on n curves at once, each as it would be alone; corners stay, to the bit.

    Rounds of quasi-Newton: on the mean over the places first, then on smooth maxima whose β is ``tilt`` over the
    distance from a curve's mean to its maximum. After each round the curves are measured on ``grid``. Of each curve the
    round with the lowest maximum counts, so that none ends above where it began. Raises Diverged and Stopped as
    :func:`lossbars.optimise.polish.polish`, and ValueError where a loss is not finite.
    """
    places = (torch.arange(recipe.places, dtype=torch.float64) + 0.5) / recipe.places
    space = CurveSpace(landscape, start.family, places[:, None])
    stages = Stages(checkpoint)
    nodes, best = start.nodes.double() if recipe.precision == "float64" else start.nodes, _Best.none(len(start.nodes))
    best.offer(nodes, profiles(landscape, Simplices(start.family, nodes), grid, None, names))
    half = best.heights()
    spent = torch.zeros(len(nodes), dtype=torch.long)
    for number in range(ROUNDS):
        beta = best.sharpness(recipe.tilt) if number else torch.zeros(len(nodes))
        rows = space.rows(best.nodes(), beta.to(nodes.device))

        def descend(saved: Checkpoint | None, rows: Tensor = rows, number: int = number) -> State:
            if report:
                report(f"round {number + 1} of {ROUNDS}")
            end = polish(space, rows, recipe.round(ROUNDS), names, saved, report)
            return {"rows": end.theta, "passes": end.passes}

        end = stages.run(f"round-{number}", descend)
        nodes = space.nodes(end["rows"].to(rows))
        spent += recipe.places * end["passes"].cpu()
        best.offer(nodes, profiles(landscape, Simplices(start.family, nodes), grid, None, names))
        if number == ROUNDS // 2 - 1:
            half = best.heights()
    return Settled(Simplices(start.family, best.nodes()), best.profiles(), half - best.heights(), spent)


class _Best:
    """Of all that each curve has been, what had the lowest maximum."""

    def __init__(self, curves: list[tuple[Tensor, Profile] | None]) -> None:
        self.curves = curves

    @classmethod
    def none(cls, n: int) -> "_Best":
        """Nothing yet of n curves."""
        return cls([None] * n)

    def offer(self, nodes: Float[Tensor, "n k d"], measured: list[Profile]) -> None:
        """Take each curve whose maximum is lower than that of the one before."""
        for i, (points, profile) in enumerate(zip(nodes, measured, strict=True)):
            before = self.curves[i]
            if before is None or profile.value < before[1].value:
                self.curves[i] = points, profile

    def nodes(self) -> Float[Tensor, "n k d"]:
        """Control points of the lowest."""
        return torch.stack([curve[0] for curve in self.curves if curve])

    def profiles(self) -> list[Profile]:
        """The loss along the lowest."""
        return [curve[1] for curve in self.curves if curve]

    def heights(self) -> Float[Tensor, " n"]:
        """Their maxima."""
        return torch.tensor([profile.value for profile in self.profiles()], dtype=torch.float64)

    def sharpness(self, tilt: float) -> Float[Tensor, " n"]:
        """β of every curve: ``tilt`` over the distance from its mean to its maximum."""
        spread = torch.stack([profile.loss.max() - profile.loss.mean() for profile in self.profiles()])
        return tilt / spread.clamp_min(1e-12)
