"""Random-t optimisation of simplices: chains, Bezier curves and triangles alike (Garipov et al. 2018).

In each step every simplex is given a random place t, and its free control points move down the gradient of
L(θ(t)). With several points a step and ``tilt`` β > 0 the objective is (1/β) log mean exp(β L(t)) over
them, which for large β is the maximum along the simplex: the mean of L alone lets a curve cross a ridge
where it likes, as long as it is quick.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.objective import trained_on
from lossbars.optimise.descent import Checkpoint, Problem, descend
from lossbars.recipes import Simplices as Recipe
from lossbars.simplices import Family
from lossbars.simplices.simplex import Simplices


class _Connection:
    """The n simplices being optimised: corners and fixed points apart from the free ones."""

    def __init__(
        self, landscape: Landscape, start: Simplices, recipe: Recipe, order: Generator, places: Sequence[Generator]
    ) -> None:
        self.landscape, self.recipe = trained_on(landscape, recipe.penalty), recipe
        self.order, self.places = order, places
        self.family: Family = start.family
        self.free = list(start.family.free)
        self.held = [i for i in range(start.family.size) if i not in self.free]
        self.fixed = start.nodes[:, self.held].contiguous()  # (n, k - f, d)
        self.weights = torch.empty(0)

    def begin_epoch(self) -> None:
        """Blending weights of the whole epoch: (steps, n, p, k). Curves are sampled in p equal strata."""
        steps, points, size = self.landscape.steps_per_epoch, self.recipe.points, self.family.uniforms
        draws = [torch.rand(steps, points, size, generator=g) for g in self.places]
        uniform = torch.stack(draws, dim=1)
        if size == 1:
            uniform = (uniform + torch.arange(points)[:, None]) / points
        weights = self.family.blend(self.family.sample(uniform))
        self.weights = weights.to(self.fixed.device, self.fixed.dtype)

    def gradient(self, variables: Tensor, step: int, batch: Batch | None, out: Tensor) -> Tensor:
        """Losses (n,), means over the step's places; the gradient of the free control points goes into ``out``."""
        weights = self.weights[step]  # (n, p, k)
        theta = torch.bmm(weights[..., self.held], self.fixed)
        theta = torch.baddbmm(theta, weights[..., self.free], variables)  # (n, p, d)
        n, p, d = theta.shape
        losses, gradients = self.landscape.value_and_gradient(theta.view(n * p, d), batch)
        losses, gradients = losses.view(n, p), gradients.view(n, p, d)
        share = torch.softmax(self.recipe.tilt * losses, dim=1).to(weights.dtype)  # 1/p without tilt
        pull = (weights[..., self.free] * share.unsqueeze(-1)).transpose(1, 2)  # (n, f, p)
        if p == 1:  # the usual case: one pass over memory
            torch.mul(pull, gradients, out=out)
        else:
            out.copy_(torch.bmm(pull, gradients))
        return losses.mean(1)


def connect(
    landscape: Landscape,
    start: Simplices,
    recipe: Recipe,
    order: Generator,
    places: Sequence[Generator],
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Simplices:
    """Optimise n simplices at once; corners stay where they are, to the bit.

    ``order`` decides the order of the data, which all simplices share; ``places`` has one generator for
    the random t of each simplex, so that each is what it would be alone, up to rounding. Raises
    :class:`lossbars.optimise.descent.Diverged` and Stopped.
    """
    n = len(start.nodes)
    if len(places) != n:
        raise ValueError(f"{n} simplices need as many generators, there are {len(places)}")
    connection = _Connection(landscape, start, recipe, order, places)
    problem = Problem(
        gradient=connection.gradient,
        batches=lambda: landscape.batches([order]),
        steps_per_epoch=landscape.steps_per_epoch,
        generators=[order, *places],
        names=names or [f"simplex {i}" for i in range(n)],
        begin_epoch=connection.begin_epoch,
    )
    free = start.nodes[:, connection.free]
    end = descend(free, problem, recipe, checkpoint, report)
    nodes = start.nodes.clone()
    nodes[:, connection.free] = end
    return Simplices(start.family, nodes)
