"""From saddles of index 1 down on both sides, and which ends of descents are minima."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.hessian.derivatives import FLAT, index
from lossbars.optimise.saddles.certified_descent import Descended, descend, newton
from lossbars.optimise.saddles.climb import FINER, Saddles, Tops, spread
from lossbars.optimise.saddles.minimum_names import ROUNDING
from lossbars.optimise.saddles.spectra import lowest_by_products

SHORT = 0.05  # longest step down, in distances of the top to the nearest minimum
BESIDE = 0.01  # how far from the saddle a descent begins, in the same distances


def gradient_scales(tops: Tops, saddles: Saddles) -> Float[Tensor, " n"]:
    """What gradients are compared with: the largest absolute eigenvalue times the top's distance to a minimum."""
    return saddles.largest * tops.reach


def descend_from_saddles(tops: Tops, saddles: Saddles) -> Descended:
    """From both sides of each saddle: rows 0 to n − 1 on one, n to 2n − 1 on the other."""
    level = saddles.value + ROUNDING * saddles.value.abs().clamp_min(1.0)
    start = tops.objective.inside(torch.cat(_sides(tops, saddles, level)))
    longest = SHORT * tops.reach.repeat(2)
    return _down(tops, start, longest, level.repeat(2), gradient_scales(tops, saddles).repeat(2))


def descend_from_given(tops: Tops, scale: float) -> Descended:
    """From the m given minima; ``scale`` is what their gradients are compared with."""
    value = tops.objective.value(tops.given)
    ceiling = value + ROUNDING * value.abs().clamp_min(1.0)
    return _down(
        tops,
        tops.given,
        torch.full_like(value, SHORT * spread(tops.places, tops.given)),
        ceiling,
        torch.full_like(value, scale),
    )


def _down(tops: Tops, start: Tensor, longest: Tensor, ceiling: Tensor, scales: Tensor) -> Descended:
    """Down from each row, as many together as memory allows."""
    enough = FINER * tops.settings.tolerance * scales
    pieces = torch.arange(len(start)).split(tops.objective.at_once(tops.exact))
    parts = [_down_together(tops, start[rows], longest[rows], ceiling[rows], enough[rows]) for rows in pieces]
    return Descended(*(torch.cat([getattr(p, name) for p in parts]) for name in Descended.__dataclass_fields__))


def _sides(tops: Tops, saddles: Saddles, level: Float[Tensor, " n"]) -> list[Float[Tensor, "n d"]]:
    """Places beside the saddles, nearer where the curvature turns so soon that they lie above the saddle."""
    beside = BESIDE * tops.reach
    for _ in range(4):
        pair = [saddles.theta + sign * beside.unsqueeze(1) * saddles.direction for sign in (-1, 1)]
        above = torch.maximum(*(tops.objective.value(side) for side in pair)) > level
        beside = torch.where(above, beside / 10, beside)
    return pair


def _down_together(tops: Tops, start: Tensor, longest: Tensor, ceiling: Tensor, enough: Tensor) -> Descended:
    ended = descend(tops.objective, start, longest, ceiling, enough, tops.settings.descent_steps)
    if not tops.exact:
        return ended
    theta = newton(tops.objective, ended.theta, longest)
    lower = tops.objective.value(theta) <= ended.value + ROUNDING * ended.value.abs().clamp_min(1.0)
    theta = torch.where(lower.unsqueeze(1), theta, ended.theta)
    value, gradient = tops.objective.value_and_gradient(theta)
    return Descended(theta, value, torch.linalg.vector_norm(gradient, dim=1))


def settled(tops: Tops, ends: Descended, scales: Float[Tensor, " k"]) -> tuple[Bool[Tensor, " k"], Bool[Tensor, " k"]]:
    """Which ends are minima (small gradients, no negative eigenvalue), and which of these have a flat direction."""
    small = ends.gradient <= tops.settings.tolerance * scales
    minimal, flat = torch.zeros_like(small), torch.zeros_like(small)
    for rows in small.nonzero().flatten().split(tops.objective.at_once(tops.exact)):
        if tops.exact:
            matrix = tops.objective.hessian(ends.theta[rows])
            held = (matrix == 0).all(2).sum(1)
            eigenvalues = torch.linalg.eigvalsh(matrix)
            negative, positive = index(eigenvalues), index(-eigenvalues)
            flat[rows] = positive + held < matrix.shape[1]
        else:
            like = torch.ones_like(ends.theta[rows])
            lowest, largest, _, negative = lowest_by_products(tops.objective, ends.theta[rows], like)
            flat[rows] = lowest[:, 0] <= FLAT * largest
        minimal[rows] = negative == 0
    return minimal, flat
