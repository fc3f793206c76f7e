"""From the highest places of curves up to saddles of index 1, by exact Hessians or by products with them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lossbars.hessian.critical_search import follow
from lossbars.hessian.derivatives import index
from lossbars.hessian.krylov_search import follow_by_products
from lossbars.optimise.saddles.certificates import Certifying
from lossbars.optimise.saddles.certified_descent import LossInBox, newton
from lossbars.optimise.saddles.spectra import (
    LOWEST,
    free_hessian,
    largest_by_products,
    largest_curvature,
    lowest_by_products,
)

FIRST, LARGEST = 0.05, 0.2  # radius of a climbing step, in distances of the top to the nearest minimum
SMALL = 0.01  # longest step of Newton's method after the climb, in the same distances
STAGE = 25  # steps of a climb after which rows that have arrived are left alone
FINER = 1e-3  # share of the tolerance that searches aim at


@dataclass(frozen=True)
class Tops:
    """Places where n climbs begin, between m given minima."""

    objective: LossInBox
    settings: Certifying
    places: Float[Tensor, "n d"]
    given: Float[Tensor, "m d"]
    values: Float[Tensor, " n"]  # of the tops
    at_minimum: Bool[Tensor, " n"]  # whether a top is a given minimum
    reach: Float[Tensor, " n"]  # distance to the nearest given minimum; 1 at a minimum
    exact: bool  # whether Hessians are whole matrices

    @classmethod
    def of(
        cls, objective: LossInBox, settings: Certifying, places: Float[Tensor, "n d"], given: Float[Tensor, "m d"]
    ) -> "Tops":
        """Measure values and distances."""
        nearest = torch.cdist(places, given).amin(1)
        at_minimum = nearest <= settings.same * max(spread(places, given), 1e-300)
        reach = torch.where(at_minimum, 1.0, nearest)
        exact = places.shape[1] <= settings.exact_up_to
        return cls(objective, settings, places, given, objective.value(places), at_minimum, reach, exact)

    def rows(self, rows: Int[Tensor, " k"]) -> "Tops":
        """Some of them."""
        chosen = {name: getattr(self, name)[rows] for name in ("places", "values", "at_minimum", "reach")}
        return replace(self, **chosen)


@dataclass(frozen=True)
class Saddles:
    """n critical points; those of tops that are minima are the tops themselves."""

    theta: Float[Tensor, "n d"]
    value: Float[Tensor, " n"]
    gradient: Float[Tensor, " n"]  # norms
    index: Int[Tensor, " n"]
    lowest: Float[Tensor, "n c"]  # eigenvalues
    largest: Float[Tensor, " n"]  # largest absolute eigenvalue
    direction: Float[Tensor, "n d"]  # unit eigenvectors of the lowest eigenvalue

    def rows(self, rows: Int[Tensor, " k"]) -> "Saddles":
        """Some of them."""
        return Saddles(*(getattr(self, name)[rows] for name in Saddles.__dataclass_fields__))


def climb(tops: Tops, report: Callable[[str], None] | None = None) -> Saddles:
    """Climb from the tops, as many together as memory allows."""
    parts = []
    for rows in torch.arange(len(tops.places)).split(tops.objective.at_once(tops.exact)):
        parts.append(_climbed(tops, rows))
        if report:
            report(f"climbing: {int(rows[-1]) + 1}/{len(tops.places)} tops")
    if not parts:
        parts = [_climbed(tops, torch.arange(0))]
    return Saddles(*(torch.cat([getattr(p, name) for p in parts]) for name in Saddles.__dataclass_fields__))


def _climbed(tops: Tops, rows: Tensor) -> Saddles:
    start, reach, still = tops.places[rows], tops.reach[rows], tops.at_minimum[rows]
    objective, settings = tops.objective, tops.settings
    if tops.exact:
        theta = _followed(objective, settings, start, still, reach)
        eigenvalues, vectors = torch.linalg.eigh(free_hessian(objective, theta))
        lowest, largest, direction = eigenvalues[:, :LOWEST], eigenvalues.abs().amax(1), vectors[:, :, 0]
        negative = index(eigenvalues)
    else:
        enough = FINER * settings.tolerance * reach * largest_by_products(objective, start)
        ritz = follow_by_products(
            objective.landscape,
            start,
            1,
            settings.climb_steps,
            size=settings.products,
            first=FIRST * reach,
            largest=LARGEST * reach,
            enough=enough,
            batches=objective.batches,
        )
        theta = torch.where(still.unsqueeze(1), start, ritz.theta)
        lowest, largest, direction, negative = lowest_by_products(objective, theta, ritz.lowest)
    value, gradient = objective.value_and_gradient(theta)
    norms = torch.linalg.vector_norm(gradient, dim=1)
    return Saddles(theta, value, norms, negative, lowest, largest, direction)


def _followed(objective: LossInBox, settings: Certifying, theta: Tensor, still: Tensor, reach: Tensor) -> Tensor:
    """Climb by whole Hessians, without the rows that have arrived."""
    enough = FINER * settings.tolerance * largest_curvature(objective, theta) * reach
    theta, going = theta.clone(), ~still
    for _ in range(-(-settings.climb_steps // STAGE)):
        rows = going.nonzero().flatten()
        if not len(rows):
            break
        found = follow(
            objective.landscape,
            theta[rows],
            torch.ones(len(rows), dtype=torch.long),
            STAGE,
            batches=objective.batches,
            first=FIRST * reach[rows],
            largest=LARGEST * reach[rows],
            enough=enough[rows],
        )
        theta[rows] = found.theta
        going[rows] = found.gradient > enough[rows]
    rows = going.nonzero().flatten()
    if len(rows):  # the radius of trust is below rounding there
        theta[rows] = newton(objective, theta[rows], SMALL * reach[rows])
    return theta


def spread(tops: Float[Tensor, "n d"], given: Float[Tensor, "m d"]) -> float:
    """The distance between the farthest given minima, of a single one to the farthest top."""
    between = torch.cdist(given, given) if len(given) > 1 else torch.cdist(tops, given)
    return float(between.max()) if between.numel() and float(between.max()) > 0 else 1.0
