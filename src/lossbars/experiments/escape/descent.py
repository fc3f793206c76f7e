"""Gradient descent that may escape a local minimum (Barannikov et al. 2022, §9, appendix D, figures 12, 14, 16, 17).

θ ← θ − η f'(θ) from places near the local minimum of :mod:`lossbars.experiments.escape.polynomials`, of many
polynomials, rates and starts at once. The moment of escape is the first step beyond the saddle. Rates and places have
the units of the polynomial.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import brentq
from torch import Generator, Tensor

from lossbars.experiments.escape.polynomials import Well, real_roots

OUTCOMES = ("converges", "oscillates", "escapes", "wanders", "returns", "diverges")
"""To the local minimum; neither that nor over the saddle within the budget; over it and to the global minimum; over it
and to neither; over it and back to the local minimum; beyond all bounds, over the saddle before or not."""
CONVERGES, OSCILLATES, ESCAPES, WANDERS, RETURNS, DIVERGES = range(len(OUTCOMES))
SADDLE = 7  # row of the saddles, below those of the seven coefficients
CHECKED = 16  # steps between two looks at which runs are finished
SCANNED = np.geomspace(1.01, 8.0, 400)  # times 1/f''(0): where a threshold is looked for


@dataclass(frozen=True)
class Runs:
    """Outcome and moment of escape of n runs."""

    outcome: Int[Tensor, " n"]  # places in OUTCOMES
    steps: Int[Tensor, " n"]  # of the moment of escape; 0 where the saddle was never crossed

    @property
    def escaped(self) -> Bool[Tensor, " n"]:
        """Runs that crossed the saddle, whatever became of them then: the outcome says."""
        return self.steps > 0


@dataclass(frozen=True)
class Setting:
    """Budget of all runs, and the distance to a minimum, a share of the saddle's, within which a run has arrived."""

    steps: int
    tolerance: float


def random_starts(n: int, radius: float, generator: Generator) -> Float[Tensor, " n"]:
    """Uniform in [−radius, radius]; both are shares of the distance from the local minimum to the saddle."""
    return radius * (2 * torch.rand(n, generator=generator, dtype=torch.float64) - 1)


def _slope(coefficients: Tensor, x: Tensor) -> Tensor:
    """f'(x) (n,); coefficients (7, n) of 1, x, …, x⁶, each run with its well."""
    value = 6 * coefficients[6]
    for power in range(5, 0, -1):
        value = value * x + power * coefficients[power]
    return value


def descend(
    wells: list[Well], which: Int[Tensor, " n"], start: Float[Tensor, " n"], rate: Float[Tensor, " n"], setting: Setting
) -> Runs:
    """n runs, each on ``wells[which]`` from its start (a place) with its rate, to the budget or to convergence.

    A run converges to a minimum that attracts at its rate (η f'' < 2) once it is within the tolerance.
    """
    table = torch.tensor([_facts(well) for well in wells], dtype=torch.float64).t()
    outcome, steps = torch.full_like(which, OSCILLATES), torch.zeros_like(which)
    row, x = torch.arange(len(which)), start.clone()
    facts, eta, crossed = table[:, which], rate, steps.clone()
    for step in range(1, setting.steps + 1):
        x = x - eta * _slope(facts, x)
        crossed = torch.where((crossed == 0) & (x > facts[SADDLE]), step, crossed)
        if step % CHECKED and step < setting.steps:
            continue
        now = _outcomes(x, facts, eta, crossed > 0, setting.tolerance)
        outcome[row], steps[row] = now, crossed
        going = (now == OSCILLATES) | (now == WANDERS)
        if not going.any():
            break
        row, x, facts, eta, crossed = row[going], x[going], facts[:, going], eta[going], crossed[going]
    return Runs(outcome, steps)


def _facts(well: Well) -> list[float]:
    """Seven coefficients, saddle, global minimum, and curvatures at the local and at the global one."""
    return [*well.coefficients.tolist(), well.saddle, well.far, well.curvature(0.0), well.curvature(well.far)]


def _outcomes(x: Tensor, facts: Tensor, eta: Tensor, crossed: Tensor, tolerance: float) -> Int[Tensor, " n"]:
    saddle, far, curvature, far_curvature = facts[SADDLE:]
    near = tolerance * saddle
    back = (x.abs() <= near) & (eta * curvature < 2)
    there = ((x - far).abs() <= near) & (eta * far_curvature < 2)
    outcome = torch.where(crossed, WANDERS, OSCILLATES)
    outcome = torch.where(back, torch.where(crossed, RETURNS, CONVERGES), outcome)
    return torch.where(~x.isfinite(), DIVERGES, torch.where(there, ESCAPES, outcome))


# Smallest rates ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Smallest:
    """The smallest escaping rates of each well (b) and start (s)."""

    rate: Float[Tensor, "b s"]  # that escapes; NaN where none on the grid does
    relapses: Int[Tensor, "b s"]  # larger rates of the grid that do not escape: escape need not be monotone


def smallest_rates(
    wells: list[Well], starts: Float[Tensor, " s"], rates: Float[Tensor, "b r"], escaped: Bool[Tensor, "b r s"],
    setting: Setting, precision: float,
) -> Smallest:  # fmt: skip
    """The smallest escaping rate of a grid (b wells, increasing), bisected towards the rate below it.

    It ends as soon as an escaping rate and one that does not escape differ by the relative ``precision``. Starts are
    shares of the distance to the saddle. Raises ValueError where the lowest rate of the grid escapes.
    """
    if escaped[:, 0].any():
        raise ValueError("rates.lowest: gradient descent escapes there already; state a lower one")
    any_ = escaped.any(1)
    first = escaped.long().argmax(1)  # 0 where none escapes: those are NaN in the end
    high = rates.gather(1, first)
    low = rates.gather(1, (first - 1).clamp(min=0))
    which = torch.arange(len(wells)).repeat_interleave(len(starts))
    place = (torch.tensor([well.saddle for well in wells], dtype=torch.float64)[:, None] * starts).flatten()
    while bool((any_ & (high / low > 1 + precision)).any()):
        middle = (low * high).sqrt()
        out = descend(wells, which, place, middle.flatten(), setting).escaped.view_as(high)
        low, high = torch.where(out, low, middle), torch.where(out, middle, high)
    later = torch.arange(rates.shape[1])[None, :, None] > first[:, None]
    relapses = (later & ~escaped & any_[:, None]).sum(1)
    return Smallest(torch.where(any_, high, torch.nan), relapses)


def threshold(well: Well) -> float:
    """The rate above which the neighbourhood of the local minimum is left; NaN where this argument does not apply.

    The step g(x) = x − η f'(x) falls left of the place x* where f'' = 1/η and rises from there to the saddle, so
    that it takes [g(x*), saddle] into itself as long as g(g(x*)) does not exceed the saddle: below that rate no start
    in there ever crosses. It needs that x* is the only such place in there.
    """
    slope_of, curvature = well.polynomial.deriv(), well.polynomial.deriv(2)

    def excess(rate: float) -> float:
        real = real_roots(curvature - 1 / rate)
        inside = real[(real > 0) & (real < well.saddle)]
        if not len(inside):
            return float("nan")
        lowest = inside[0] - rate * slope_of(inside[0])
        alone = len(inside) == 1 and not ((real < 0) & (real > lowest)).any()
        return float(lowest - rate * slope_of(lowest) - well.saddle) if alone else float("nan")

    rates = SCANNED / well.curvature(0.0)
    scanned = [(rate, excess(rate)) for rate in rates.tolist()]
    for (low, before), (high, after) in itertools.pairwise(scanned):
        if before <= 0 < after:
            return float(brentq(excess, low, high, xtol=1e-15, rtol=1e-14))
    return float("nan")


def trajectory(well: Well, start: float, rate: float, steps: int) -> Float[np.ndarray, " m"]:
    """Places from the start on, ``steps`` steps or as long as they are finite."""
    x, places = start, [start]
    slope_of = well.polynomial.deriv()
    for _ in range(steps):
        x = float(x - rate * slope_of(x))
        if not abs(x) < 1e6 * well.far:
            break
        places.append(x)
    return np.array(places)
