"""Polynomials of degree six with one local minimum to escape (Barannikov et al. 2022, §9 and appendix D).

Two families f = base + c · direction, each with a free coefficient c > 0 that sets the bar of the local minimum. That
minimum is at 0 with value 0: neither place nor height changes a step of gradient descent. The barrier and the global
minimum are to its right. The papers print no coefficient. Places and values have no units.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.polynomial import Polynomial
from scipy.optimize import brentq

from lossbars.experiments.escape.config import OnePoint, TwoPoint

DEGREE = 6
COEFFICIENTS = [f"c{power}" for power in range(DEGREE + 1)]  # columns of tables: coefficients of 1, x, …, x⁶
X = Polynomial([0.0, 1.0])
SCANNED = np.geomspace(1e-4, 1e4, 801)  # times the coefficient at which the free term is as large as the others
REAL = 1e-9  # imaginary parts up to this share of a root's size are rounding


@dataclass(frozen=True)
class Family:
    """f = base + c · direction; ``unit`` is the size of c at which the two are about as large."""

    name: str
    base: Polynomial
    direction: Polynomial
    unit: float


def family_of(spec: TwoPoint | OnePoint) -> Family:
    """The family that a configuration states."""
    match spec:
        case TwoPoint():
            return two_point(spec.curvature, spec.distance, spec.depth, spec.far_curvature)
        case OnePoint():
            return one_point(np.array(spec.derivatives))


@dataclass(frozen=True)
class Well:
    """A polynomial with exactly three critical points: minimum 0 (value 0), saddle > 0, lower minimum ``far``."""

    polynomial: Polynomial
    saddle: float
    far: float

    @property
    def length(self) -> float:
        """Length of the local minimum's bar, which ends at the saddle: no lower path reaches a lower value."""
        return float(self.polynomial(self.saddle))

    @property
    def coefficients(self) -> Float[np.ndarray, " 7"]:
        """Coefficients of 1, x, …, x⁶."""
        return np.pad(self.polynomial.coef, (0, DEGREE + 1 - len(self.polynomial.coef)))

    def curvature(self, x: float) -> float:
        """f''(x)."""
        return float(self.polynomial.deriv(2)(x))


def polynomial_of(row: pd.Series) -> Polynomial:
    """The polynomial of a row of a table of runs."""
    return Polynomial(row[COEFFICIENTS].to_numpy(dtype=np.float64))


def real_roots(polynomial: Polynomial) -> Float[np.ndarray, " r"]:
    """The real roots, ascending."""
    roots = polynomial.roots()
    return np.sort(roots.real[np.abs(roots.imag) <= REAL * (1 + np.abs(roots))])


def two_point(curvature: float, distance: float, depth: float, far_curvature: float) -> Family:
    """Value, slope and curvature stated at both minima: 0, 0, ``curvature`` at 0; −``depth``, 0, … at ``distance``.

    The polynomial of degree five with these six values, and c x³ (x − distance)³, which changes none of them.
    """
    conditions = np.array([[float(math.factorial(j) // math.factorial(j - d) * (x ** (j - d)) if j >= d else 0)
                            for j in range(DEGREE)] for x in (0, 1) for d in range(3)])  # fmt: skip
    values = np.array([0.0, 0.0, curvature * distance**2, -depth, 0.0, far_curvature * distance**2])
    unit_interval = Polynomial(np.linalg.solve(conditions, values))
    base = unit_interval(X / distance)
    return Family("two-point", base, X**3 * (X - distance) ** 3, curvature / distance**4)


def one_point(derivatives: Float[np.ndarray, " 4"]) -> Family:
    """Derivatives of order two to five stated at 0, where value and slope are 0, and c x⁶, which changes none."""
    terms = np.array([value / math.factorial(order) for order, value in enumerate(derivatives, 2)])
    sizes = [terms[0] * (abs(terms[j]) / terms[0]) ** (4 / j) for j in (1, 2, 3)]
    return Family("one-point", Polynomial([0.0, 0.0, *terms]), X**DEGREE, float(max(sizes)) or float(terms[0]))


def well(family: Family, coefficient: float) -> Well | None:
    """The family's polynomial with this c; None where it has not the three critical points of a :class:`Well`."""
    polynomial = family.base + coefficient * family.direction
    slope = polynomial.deriv()
    real = real_roots(Polynomial(slope.coef[1:]))  # x = 0 is a root of the slope
    if coefficient <= 0 or len(real) != 2 or real[0] <= 0 or polynomial(real[1]) >= 0:
        return None
    return Well(polynomial, float(real[0]), float(real[1]))


def with_bar(family: Family, length: float) -> Well:
    """The family's polynomial whose bar has this length.

    The bar is monotone in c: its derivative is the direction's value at the saddle, of one sign between the minima and
    for x⁶. Raises ValueError where no polynomial of the family has the length.
    """
    tried = [(float(c), _length(family, float(c))) for c in SCANNED * family.unit]
    for (low, bar), (high, other) in itertools.pairwise(tried):
        if not math.isnan(bar + other) and min(bar, other) <= length <= max(bar, other):
            coefficient = brentq(lambda c: _length(family, c) - length, low, high, xtol=1e-15 * high, rtol=1e-14)
            if made := well(family, float(coefficient)):
                return made
    bars = [bar for _, bar in tried if not math.isnan(bar)]
    there = f"bars of this family go from {min(bars):.4g} to {max(bars):.4g}" if bars else "this family has no bar"
    raise ValueError(
        f"no {family.name} polynomial has a bar of length {length:g} and three critical points, the last one lower: "
        f"{there}; change bars or family"
    )


def _length(family: Family, coefficient: float) -> float:
    """Length of the bar; NaN where the polynomial is no :class:`Well`."""
    made = well(family, coefficient)
    return made.length if made else float("nan")
