"""Permutation alignment of two networks by their weights (Ainsworth et al., Git Re-Basin, 2023, Algorithm 1)."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.symmetry.permutations import Group, Symmetry

LEAST_GAIN = 1e-12  # of an inner product, as a share of the norms: below it a gain may be rounding


def matched(
    theta_a: Float[Tensor, " d"], theta_b: Float[Tensor, " d"], symmetry: Symmetry, generator: Generator
) -> Float[Tensor, " d"]:
    """The second network with its units in the order that brings it near the first, as far as coordinate ascent goes.

    One group after another, in random order, is given the order of its units that makes ⟨θ_a, θ_b⟩ largest while the
    others stay, until no group gains. The result computes what ``theta_b`` does, and is never farther from ``theta_a``
    in the Euclidean norm. Products are float64, on the CPU; ``generator`` decides the order of the groups.
    """
    target, moved = theta_a.detach().cpu().double(), theta_b.detach().cpu().double()
    value = target @ moved
    least = LEAST_GAIN * target.norm() * moved.norm()
    gains = True
    while gains:
        gains = False
        for i in torch.randperm(len(symmetry.groups), generator=generator).tolist():
            candidate = _best(target, moved, symmetry.groups[i])
            if (reached := target @ candidate) > value + least:
                moved, value, gains = candidate, reached, True
    return moved.to(theta_b)


def _best(target: Tensor, moved: Tensor, group: Group) -> Tensor:
    """With one group in its best order: a linear assignment of its units to those of the target.

    Where a parameter has the group along two of its axes the product is quadratic, and this its linear part.
    """
    from scipy.optimize import linear_sum_assignment  # loads for half a second, in jobs that align nothing too

    size = group.size
    products = torch.zeros(size, size, dtype=torch.float64)
    for place in group.places:
        products += place.rows(target) @ place.rows(moved).T
    _, order = linear_sum_assignment(products.numpy(), maximize=True)
    return group.permuted(moved, torch.as_tensor(order))


def distances(
    theta: Float[Tensor, " d"], before: Float[Tensor, " d"], after: Float[Tensor, " d"]
) -> Float[Tensor, " 2"]:
    """Euclidean distance of a network from another before and after it was matched, float64."""
    return torch.stack([(theta.double() - other.double()).norm() for other in (before, after)]).cpu()
