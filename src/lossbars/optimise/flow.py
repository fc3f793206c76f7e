"""The normal-gradient flow of paths and its refinement (Topological obstructions, Algorithms 3 and 4).

A path is a number of points, of which the first and the last stay. In each step every point between moves against the
part of its gradient that is normal to the path, all at once from where they were before the step. (The text's loop
reads as if a point saw its left neighbour moved already; the authors' code moves all at once.) Beyond the text,
points can be redistributed to equal distances, and the highest can climb to its saddle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.objective import trained_on
from lossbars.optimise.descent import Checkpoint, Problem, State, descend
from lossbars.optimise.optimisers import Optimiser
from lossbars.optimise.path_points import project, redistributed, relative_lengths, uphill, with_midpoints
from lossbars.recipes import Grid, Insertion, PathGrid, Paths
from lossbars.simplices import Chain
from lossbars.simplices.base import straight
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

BETWEEN = (0.2, 0.4, 0.6, 0.8)  # α of the loss criterion, section 3.2


@dataclass(frozen=True)
class Flowed:
    """n paths after the flow; norms are means over an epoch's steps, of each moving point, weight decay in them."""

    paths: list[Float[Tensor, "_ d"]]  # all points, the two minima to the bit; how many may differ by insertion
    tangent: Float[Tensor, "e n m"]  # |(⟨g, u⟩ u + ⟨g, v⟩ v)/2|, what was taken off the gradient
    orthogonal: Float[Tensor, "e n m"]  # of what was left of it
    first: Int[Tensor, "e n"]  # number, in the whole path as it was in that epoch, of the first moving point


class _Flow:
    """The n paths being optimised; the moving points themselves are the descent's variables (n, m, d)."""

    def __init__(self, landscape: Landscape, corners: Tensor, recipe: Paths) -> None:
        n, m = len(corners), recipe.family.points - 2
        self.landscape = trained_on(landscape, recipe.penalty)
        self.recipe, self.family = recipe, recipe.family
        self.climbs_from = recipe.climbs_from
        self.ends = corners.clone()
        self.aside: list[Tensor] = [corners[:0] for _ in range(n)]  # (a, 2, d) each, the outermost first
        self.steps = torch.tensor(0)  # done
        self.held = torch.full((n,), m + 1, device=corners.device)  # the climbing point; an end, as long as none climbs
        self.norms = torch.zeros(recipe.epochs, 2, n, m, device=corners.device)  # tangential, orthogonal
        self.first = torch.zeros(recipe.epochs, n, dtype=torch.long)

    @property
    def epoch(self) -> int:
        """The epoch of the next step."""
        return int(self.steps) // self.landscape.steps_per_epoch

    def gradient(self, variables: Tensor, _: int, batch: Batch | None, out: Tensor) -> Tensor:
        """Losses (n,), means over the moving points; the normal parts of their gradients go into ``out``."""
        if self.family.redistribute and self.steps and self.steps % self.family.redistribute == 0:
            variables.copy_(redistributed(self.ends, variables, self.held))
        climbs = self.epoch >= self.climbs_from
        at_once = max(1, self.landscape.stack_size // variables.shape[1])
        pieces = [slice(first, first + at_once) for first in range(0, len(variables), at_once)]
        losses = torch.cat([self._gradient_of(piece, variables, batch, out, climbs) for piece in pieces])
        self.steps += 1
        return losses.mean(1)

    def _gradient_of(self, piece: slice, variables: Tensor, batch: Batch | None, out: Tensor, climbs: bool) -> Tensor:
        """Losses (p, m) of a piece of the paths: of few, gradients are still in a cache when they are projected."""
        ends, moving, out = self.ends[piece], variables[piece], out[piece]
        losses, gradients = self.landscape.value_and_gradient(moving.flatten(0, 1), batch)
        losses, gradients = losses.view(moving.shape[:2]), gradients.view(moving.shape)
        if climbs:
            self.held[piece] = held = losses.argmax(1) + 1
            upward = uphill(ends, moving, gradients, held)
        self.norms[self.epoch, :, piece] += torch.stack(project(ends, moving, gradients, out))
        if climbs:
            out[torch.arange(len(out), device=out.device), held - 1] = upward
        return losses

    def end_epoch(self, epoch: int, optimiser: Optimiser) -> None:
        """Keep the epoch's record, and put points in where it is time to."""
        self.norms[epoch] /= self.landscape.steps_per_epoch
        self.first[epoch] = 1 + torch.tensor([len(a) for a in self.aside])
        insertion, next_epoch = self.family.insertion, epoch + 1
        # a climbing point is not disturbed any more
        if insertion and next_epoch % insertion.every == 0 and next_epoch < self.climbs_from:
            self._insert(insertion, optimiser)

    def _insert(self, insertion: Insertion, optimiser: Optimiser) -> None:
        """Two points into each path that needs them; its two ends are put aside, and their neighbours end it now.

        What the optimiser remembers of a changed path is forgotten: it belongs to points that are elsewhere in the
        array now, or no longer move.
        """
        d = self.ends.shape[-1]
        moving = optimiser.variables[..., :d]
        points = torch.cat([self.ends[:, :1], moving, self.ends[:, 1:]], dim=1)
        measure = relative_lengths(points) if insertion.criterion == "distance" else self._relative_losses(points)
        for i in (measure.amax(1) > insertion.threshold).nonzero().flatten().tolist():
            longer = with_midpoints(points[i], measure[i])
            self.aside[i] = torch.cat([self.aside[i], self.ends[i : i + 1]])
            self.ends[i] = longer[[1, -2]]
            moving[i] = longer[2:-2]
            for moment in optimiser.moments.values():
                if moment.shape == optimiser.variables.shape:
                    moment[i] = 0

    def _relative_losses(self, points: Tensor) -> Tensor:
        """(n, k − 1) the loss criterion: largest loss of record between neighbours, over the largest at a point."""
        loss = self.landscape.loss
        at_points = torch.stack([loss(places) for places in points.unbind(1)], dim=1)
        pairs = zip(points[:, :-1].unbind(1), points[:, 1:].unbind(1), strict=True)
        inside = [torch.stack([loss(torch.lerp(a, b, share)) for share in BETWEEN]).amax(0) for a, b in pairs]
        return torch.stack(inside, dim=1) / at_points.amax(1, keepdim=True)

    def paths(self, moving: Tensor) -> list[Tensor]:
        """All points of each path, from minimum to minimum."""
        return [
            torch.cat([aside[:, 0], ends[:1], points, ends[1:], aside[:, 1].flip(0)])
            for aside, ends, points in zip(self.aside, self.ends, moving, strict=True)
        ]

    def state(self) -> State:
        """The state of the flow beside the variables."""
        counts = torch.tensor([len(a) for a in self.aside])
        tensors = {"steps": self.steps, "held": self.held, "norms": self.norms, "first": self.first, "ends": self.ends}
        return tensors | {"aside": torch.cat(self.aside), "counts": counts}

    def restore(self, state: State) -> None:
        """Restore a state of :meth:`state`."""
        for name in ("steps", "held", "norms", "first", "ends"):
            getattr(self, name).copy_(state[name])
        self.aside = list(state["aside"].to(self.ends.device).split(state["counts"].tolist()))


def flow(
    landscape: Landscape,
    corners: Float[Tensor, "n 2 d"],
    recipe: Paths,
    order: Generator,
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Flowed:
    """Optimise n paths at once, from evenly spaced points of the straight segments; both minima stay, to the bit.

    ``order`` decides the order of the data, which all points of all paths share, so that each path is what it would
    be alone, up to rounding. Raises :class:`lossbars.optimise.descent.Diverged`, naming paths, and Stopped.
    """
    paths = _Flow(landscape, corners, recipe)
    problem = Problem(
        gradient=paths.gradient,
        batches=lambda: landscape.batches([order]),
        steps_per_epoch=landscape.steps_per_epoch,
        generators=[order],
        names=names or [f"path {i}" for i in range(len(corners))],
        end_epoch=paths.end_epoch,
        state=paths.state,
        restore=paths.restore,
    )
    moving = descend(straight(corners, recipe.family.points)[:, 1:-1], problem, recipe, checkpoint, report)
    return Flowed(paths.paths(moving), paths.norms[:, 0].cpu(), paths.norms[:, 1].cpu(), paths.first)


def path_profiles(
    landscape: Landscape,
    paths: list[Float[Tensor, "_ d"]],
    grid: PathGrid,
    report: Callable[[str], None] | None = None,
    names: Sequence[str] | None = None,
) -> list[Profile]:
    """Loss of record on each polygonal path: at its points, at ``between`` places of each segment, then refined.

    Every segment takes the same share of t. Paths of equally many points are measured together. Raises ValueError
    where a loss is not finite; ``names`` are what it calls the paths.
    """
    names = names or [f"path {i}" for i in range(len(paths))]
    profile_of: dict[int, Profile] = {}
    for k in sorted({len(path) for path in paths}):
        rows = [i for i, path in enumerate(paths) if len(path) == k]
        chains = Simplices(Chain(k - 2), torch.stack([paths[i] for i in rows]))
        places = Grid(points=(k - 1) * (grid.between + 1) + 1, refinements=grid.refinements)
        measured = profiles(landscape, chains, places, report, [names[i] for i in rows])
        profile_of |= dict(zip(rows, measured, strict=True))
    return [profile_of[i] for i in range(len(paths))]
