"""Critical values of benchmark functions by mpmath: formulas from the literature, Newton's method in 40 digits."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import mpmath
from mpmath import mpf

Point = tuple[float, ...]


def _camel(x: mpf, y: mpf) -> mpf:
    return (4 - mpf("2.1") * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def _mueller_brown(x: mpf, y: mpf) -> mpf:
    rows = [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, "0.5"),
        (-170, "-6.5", 11, "-6.5", "-0.5", "1.5"),
        (15, "0.7", "0.6", "0.7", -1, 1),
    ]
    total = mpf(0)
    for row in rows:
        size, a, b, c, x0, y0 = (mpf(number) for number in row)
        u, v = x - x0, y - y0
        total += size * mpmath.exp(a * u**2 + b * u * v + c * v**2)
    return total


def _himmelblau(x: mpf, y: mpf) -> mpf:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _wavy(*place: mpf) -> mpf:
    return sum((1 - mpmath.cos(10 * x) * mpmath.exp(-(x**2) / 2)) / 2 for x in place)


def _rastrigin(*place: mpf) -> mpf:
    return sum(10 + x**2 - 10 * mpmath.cos(2 * mpmath.pi * x) for x in place)


def _langermann(x: mpf, y: mpf) -> mpf:
    total = mpf(0)
    for size, a, b in ((1, 3, 5), (2, 5, 2), (5, 2, 1), (2, 1, 4), (3, 7, 9)):
        square = (x - a) ** 2 + (y - b) ** 2
        total -= size * mpmath.cos(mpmath.pi * square) * mpmath.exp(-square / mpmath.pi)
    return total


FORMULAS: dict[str, Callable[..., mpf]] = {
    "six_hump_camel": _camel,
    "mueller_brown": _mueller_brown,
    "himmelblau": _himmelblau,
    "wavy": _wavy,
    "rastrigin": _rastrigin,
    "langermann": _langermann,
}
# Minima with the place, rounded as in the literature, and the saddle that ends the bar; None has the half-line.
BARS: dict[str, Sequence[tuple[Point, Point | None]]] = {
    "six_hump_camel": [
        ((0.09, -0.71), None),
        ((-0.09, 0.71), (0.0, 0.0)),
        ((1.70, -0.80), (1.11, -0.77)),
        ((-1.70, 0.80), (-1.11, 0.77)),
        ((1.61, 0.57), (1.64, 0.23)),
        ((-1.61, -0.57), (-1.64, -0.23)),
    ],
    "mueller_brown": [
        ((-0.558, 1.442), None),
        ((0.623, 0.028), (-0.822, 0.624)),
        ((-0.050, 0.467), (0.212, 0.293)),
    ],
    "himmelblau": [
        ((3.0, 2.0), None),
        ((3.584, -1.848), (3.385, 0.074)),
        ((-2.805, 3.131), (0.087, 2.884)),
        ((-3.779, -3.283), (-3.073, -0.081)),
    ],
}


@cache
def critical_value(name: str, place: Point) -> float:
    """The value at the critical point near ``place``; of the bent double well in closed form."""
    if name == "bent_double_well":
        return (place[0] ** 2 - 1) ** 2  # u = 0 at all its critical points
    formula = FORMULAS[name]
    with mpmath.workdps(40):
        slopes = [
            lambda *x, i=i: mpmath.diff(formula, x, tuple(int(i == j) for j in range(len(place))))
            for i in range(len(place))
        ]
        root = mpmath.findroot(slopes, place, tol=1e-50, maxsteps=50)
        assert all(abs(root[i] - x) < 0.01 for i, x in enumerate(place))
        return float(formula(*root))


def bars_of(name: str) -> list[tuple[float, float]]:
    """All bars by increasing birth."""
    if name == "bent_double_well":
        return [(0.0, math.inf), (0.0, 1.0)]
    bars = [
        (critical_value(name, born), math.inf if dies is None else critical_value(name, dies))
        for born, dies in BARS[name]
    ]
    return sorted(bars, key=lambda bar: bar[0])
