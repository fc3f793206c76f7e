"""Descents that stay below a level: many rows at once, by L-BFGS with short steps, in a box where there is one.

A descent tells which minimum lies below a saddle. Its path is the polygon of its steps; each step is short against the
distance of critical points, lowers the loss, and has its middle below the level that the descent may not exceed.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.hessian.derivatives import RECORD, Batches, hessian, value_and_gradient
from lossbars.landscape import Landscape

HISTORY = 20  # steps from which the curvature is read
FIRST = 0.1  # of the longest step: the first one, and steps without a history
SUFFICIENT = 1e-4  # share of the predicted fall that a step must have (Armijo 1966)
SHORTENINGS = 25  # halvings of a step
ROUNDING = 1e-14  # relative, by which a loss may rise where the gradient falls: it decides nothing there
NEWTON = 12  # steps at the end
FLAT = 1e-12  # share of the largest eigenvalue below which Newton's method leaves a direction alone
NUMBERS = 2**24  # numbers of Hessians that are held at a time


@dataclass(frozen=True)
class LossInBox:
    """The mean loss over ``batches`` on a box; without a box its faces are at infinity."""

    landscape: Landscape
    low: Float[Tensor, " d"]
    high: Float[Tensor, " d"]
    batches: Batches = field(default=RECORD)

    def value_and_gradient(self, theta: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss, and its gradient without the coordinates that a face holds."""
        value, gradient = value_and_gradient(self.landscape, theta, self.batches)
        return value, gradient.masked_fill(self.held(theta, gradient), 0.0)

    def value(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Loss of every row."""
        if self.batches is RECORD:
            return self.landscape.loss(theta).to(theta.dtype)
        return value_and_gradient(self.landscape, theta, self.batches)[0]

    def hessian(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """The matrix on the coordinates that no face holds; 0 in the others."""
        _, gradient = value_and_gradient(self.landscape, theta, self.batches)
        held = self.held(theta, gradient)
        matrix = hessian(self.landscape, theta, self.batches)
        return matrix.masked_fill(held.unsqueeze(1) | held.unsqueeze(2), 0.0)

    def held(self, theta: Tensor, gradient: Tensor) -> Bool[Tensor, "n d"]:
        """Coordinates that lie on a face and would leave the box downhill."""
        return ((theta <= self.low) & (gradient > 0)) | ((theta >= self.high) & (gradient < 0))

    def inside(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The nearest place in the box."""
        return torch.minimum(torch.maximum(theta, self.low), self.high)

    def at_once(self, exact: bool) -> int:
        """As many rows as are treated together."""
        dim = len(self.low)
        return max(1, NUMBERS // (dim * dim if exact else dim * 2 * HISTORY))


@dataclass(frozen=True)
class Descended:
    """Where n descents ended."""

    theta: Float[Tensor, "n d"]
    value: Float[Tensor, " n"]
    gradient: Float[Tensor, " n"]  # norm


def descend(
    objective: LossInBox,
    theta: Float[Tensor, "n d"],
    longest: Float[Tensor, " n"],
    ceiling: Float[Tensor, " n"],
    enough: Float[Tensor, " n"],
    steps: int,
) -> Descended:
    """From each row down to where the norm of the gradient is at most ``enough``, or no step goes down.

    No step is longer than ``longest``; no step's middle is above ``ceiling``.
    """
    value, gradient = objective.value_and_gradient(theta)
    memory = _Memory(theta)
    going = _norm(gradient) > enough
    fresh = torch.ones_like(going)  # no history yet
    for _ in range(steps):
        if not bool(going.any()):
            break
        direction = memory.direction(gradient)
        uphill = (direction * gradient).sum(1) >= 0
        fresh = fresh | uphill
        length = _norm(direction)
        scale = torch.where(fresh, FIRST * longest / _norm(gradient).clamp_min(1e-300), 1.0)
        direction = torch.where(fresh.unsqueeze(1), -gradient, direction)
        length = _norm(direction) * scale
        direction = direction * (scale * (longest / length.clamp_min(1e-300)).clamp_max(1.0)).unsqueeze(1)
        moved = _line_search(objective, theta, value, gradient, direction, ceiling, going)
        memory.add(moved.theta - theta, moved.gradient - gradient, moved.kept)
        going = going & (moved.kept | ~fresh) & (_norm(moved.gradient) > enough)
        memory.forget(~moved.kept)
        fresh = ~moved.kept
        theta, value, gradient = moved.theta, moved.value, moved.gradient
    return Descended(theta, value, _norm(gradient))


@dataclass(frozen=True)
class _Moved:
    theta: Tensor
    value: Tensor
    gradient: Tensor
    kept: Bool[Tensor, " n"]  # whether a step was taken


def _line_search(
    objective: LossInBox,
    theta: Tensor,
    value: Tensor,
    gradient: Tensor,
    direction: Tensor,
    ceiling: Tensor,
    going: Bool[Tensor, " n"],
) -> _Moved:
    """The first of ever shorter steps that goes down enough and stays below the ceiling."""
    theta, gradient, start_value, value = theta.clone(), gradient.clone(), value, value.clone()
    slope = (direction * gradient).sum(1)
    kept = torch.zeros_like(going)
    share = 1.0
    for _ in range(SHORTENINGS):
        rows = (going & ~kept).nonzero().flatten()
        if not len(rows):
            break
        trial = objective.inside(theta[rows] + share * direction[rows])
        new_value, new_gradient = objective.value_and_gradient(trial)
        middle = objective.value((theta[rows] + trial) / 2)
        falls = new_value <= start_value[rows] + SUFFICIENT * share * slope[rows]
        level = start_value[rows] + ROUNDING * start_value[rows].abs().clamp_min(1.0)
        settles = (new_value <= level) & (_norm(new_gradient) < _norm(gradient[rows]))
        good = (falls | settles) & (middle <= ceiling[rows])
        chosen = rows[good]
        theta[chosen], value[chosen], gradient[chosen] = trial[good], new_value[good], new_gradient[good]
        kept[chosen] = True
        share /= 2
    return _Moved(theta, value, gradient, kept)


class _Memory:
    """The last steps and changes of gradient of each row: the inverse Hessian of L-BFGS (Liu and Nocedal 1989)."""

    def __init__(self, like: Float[Tensor, "n d"]) -> None:
        self.steps: list[Tensor] = []
        self.changes: list[Tensor] = []
        self.weights: list[Tensor] = []  # 1/⟨s, y⟩; 0 where the pair does not count
        self.scale = torch.ones_like(like[:, 0])

    def add(self, step: Tensor, change: Tensor, kept: Bool[Tensor, " n"]) -> None:
        """A pair of each row, which counts where the curvature along it is positive."""
        product = (step * change).sum(1)
        squares = change.square().sum(1)
        counts = kept & (product > 1e-10 * _norm(step) * _norm(change)) & (squares > 0)
        self.steps.append(step)
        self.changes.append(change)
        self.weights.append(torch.where(counts, 1 / torch.where(counts, product, 1.0), 0.0))
        self.scale = torch.where(counts, product / torch.where(counts, squares, 1.0), self.scale)
        for kind in (self.steps, self.changes, self.weights):
            del kind[:-HISTORY]

    def forget(self, rows: Bool[Tensor, " n"]) -> None:
        """Let the pairs of some rows count no more."""
        self.weights = [weight.masked_fill(rows, 0.0) for weight in self.weights]

    def direction(self, gradient: Tensor) -> Tensor:
        """−H g by the two loops."""
        left, shares = gradient, []
        for step, change, weight in zip(self.steps[::-1], self.changes[::-1], self.weights[::-1], strict=True):
            shares.append((weight * (step * left).sum(1)).unsqueeze(1))
            left = left - shares[-1] * change
        left = left * self.scale.unsqueeze(1)
        for step, change, weight, share in zip(self.steps, self.changes, self.weights, shares[::-1], strict=True):
            left = left + step * (share - (weight * (change * left).sum(1)).unsqueeze(1))
        return -left


def newton(objective: LossInBox, theta: Float[Tensor, "n d"], longest: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
    """Steps of Newton's method towards the critical point nearby, of any index, as long as the gradient falls."""
    _, gradient = objective.value_and_gradient(theta)
    for _ in range(NEWTON):
        eigenvalues, vectors = torch.linalg.eigh(objective.hessian(theta))
        flat = eigenvalues.abs() <= FLAT * eigenvalues.abs().amax(1, keepdim=True)
        along = (vectors.mT @ gradient.unsqueeze(2)).squeeze(2)
        along = torch.where(flat, 0.0, along / torch.where(flat, 1.0, eigenvalues))
        step = -(vectors @ along.unsqueeze(2)).squeeze(2)
        step = step * (longest / _norm(step).clamp_min(1e-300)).clamp_max(1.0).unsqueeze(1)
        trial = objective.inside(theta + step)
        _, following = objective.value_and_gradient(trial)
        better = (_norm(following) < _norm(gradient)).unsqueeze(1)
        if not bool(better.any()):
            break
        theta, gradient = torch.where(better, trial, theta), torch.where(better, following, gradient)
    return theta


def _norm(rows: Tensor) -> Float[Tensor, " n"]:
    return torch.linalg.vector_norm(rows, dim=1)
