"""The loss along simplices: a uniform grid with its corners, made finer where the maximum may be.

What a grid of places can find: a peak between two places shows itself by how the loss bends at them. On a curve whose
loss is smooth otherwise, a Gaussian spike of height 1 is found wherever it is if its width at half its height is at
least half the spacing of the uniform grid: at the nearest place it then is .06 or more. A narrower one is found where
it is near a place, one that is zero at all places never; and where the loss has many kinks, a spike must bend it more
than most of these.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.recipes import Grid
from lossbars.simplices.simplex import Profile, Simplices


def profiles(
    landscape: Landscape,
    simplices: Simplices,
    grid: Grid,
    report: Callable[[str], None] | None = None,
    names: Sequence[str] | None = None,
) -> list[Profile]:
    """Loss of record along each of n simplices, as many places in one pass over the data as the landscape takes.

    Each refinement looks where the loss may be higher than the largest so far: at half the spacing of the round before
    around the highest place, and between others (:meth:`lossbars.simplices.base.Family.finer`). The largest value
    found is a lower bound of the maximum on the simplex. Raises ValueError where a loss is not finite; ``names`` are
    what it calls the simplices.
    """
    n = len(simplices.nodes)
    device = simplices.nodes.device
    uniform = simplices.family.grid(grid.points).to(device)  # (g, q)
    t = uniform.expand(n, *uniform.shape)  # (n, g, q)
    losses = _measured(landscape, simplices, t, report)  # (n, g, 2)
    for number in range(1, grid.refinements + 1):
        near = simplices.family.finer(t, losses[..., 0], grid.points, number)  # (n, m, q)
        t, losses = torch.cat([t, near], dim=1), torch.cat([losses, _measured(landscape, simplices, near)], dim=1)
    if bad := (~losses.isfinite().all(2).all(1)).nonzero().flatten().tolist():
        which = ", ".join(names[i] if names else f"simplex {i}" for i in bad)
        raise ValueError(f"the loss along {which} is not finite after the training: try a smaller learning rate")
    return [_sorted(places.cpu(), values.cpu()) for places, values in zip(t, losses, strict=True)]


def _measured(
    landscape: Landscape, simplices: Simplices, t: Tensor, report: Callable[[str], None] | None = None
) -> Tensor:
    """Objective and data loss (n, g, 2) at places t (n, g, q)."""
    losses: list[Tensor] = []
    done, reported = 0, 0
    for places in t.split(max(1, landscape.rows_at_once // len(t)), dim=1):
        theta = simplices.at(places).flatten(0, 1)
        both = torch.stack([loss.double() for loss in landscape.losses(theta)], dim=-1)
        losses.append(both.view(*places.shape[:2], 2))
        done += places.shape[1]
        if report and done - reported >= 10:
            report(f"profile: {done}/{t.shape[1]} places")
            reported = done
    return torch.cat(losses, dim=1)


def _sorted(t: Tensor, losses: Tensor) -> Profile:
    """In the order of the first coordinate, places seen twice kept once."""
    unique, where = torch.unique(t, dim=0, return_inverse=True)
    values = torch.empty(len(unique), 2, dtype=torch.float64)
    values[where] = losses
    return Profile(unique, *values.unbind(1))
