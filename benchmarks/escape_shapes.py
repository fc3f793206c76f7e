"""How far "the escape learning rate is linear in the bar" depends on the polynomials (Barannikov et al. 2022, figure
12).

Random polynomials of degree six with f' = x (x − s)(x − 1) q(x) and a positive quadratic q; each gives a family of
either kind, with its own values and derivatives. A row per family: shapes, and the share of them with R² ≥ .99, with a
rate that grows with the bar, and with both, over twelve bars (or ``--bars``) at equal distances.
"""

import argparse

import numpy as np
from numpy.polynomial import Polynomial

from lossbars.experiments.escape.descent import threshold
from lossbars.experiments.escape.fits import line
from lossbars.experiments.escape.polynomials import Family, Well, one_point, two_point, well, with_bar

FACTOR = 4  # the free coefficient is varied up and down by so much around that of the random polynomial


def random_polynomial(random: np.random.Generator) -> Polynomial:
    """With f''(0) = 1 and the minima at 0 and 1, the second lower."""
    while True:
        s, centre, floor = random.uniform(0.2, 0.7), random.uniform(-0.5, 1.5), 10 ** random.uniform(-2, 1)
        q = Polynomial([centre**2 + floor, -2 * centre, 1.0])
        slope = Polynomial([0.0, 1.0]) * Polynomial([-s, 1.0]) * Polynomial([-1.0, 1.0]) * q
        found = (slope / slope.deriv()(0.0)).integ()
        if found(1.0) < 0:
            return found


def families(f: Polynomial) -> dict[str, tuple[Family, float]]:
    """Both families that have f as a member, with its free coefficient."""
    one = one_point(np.array([f.deriv(order)(0.0) for order in range(2, 6)]))
    two = two_point(1.0, 1.0, -float(f(1.0)), float(f.deriv(2)(1.0)))
    return {"two-point": (two, float(f.coef[6])), "one-point": (one, float(f.coef[6]))}


def fitted(family: Family, coefficient: float, number: int) -> tuple[float, float, float] | None:
    """R², slope and ratio of the longest to the shortest bar; None where some rate is unknown."""
    tried = [well(family, float(c)) for c in coefficient * np.geomspace(1 / FACTOR, FACTOR, 41)]
    lengths = [own.length for own in tried if own]
    if len(lengths) < 3:
        return None
    bars = np.linspace(min(lengths), max(lengths), number + 2)[1:-1]
    try:
        wells: list[Well] = [with_bar(family, float(length)) for length in bars]
    except ValueError:
        return None
    rates = np.array([threshold(own) for own in wells])
    if not np.isfinite(rates).all():
        return None
    fit = line(bars, rates)
    return fit.r_squared, fit.slope, float(bars[-1] / bars[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=int, default=100)
    parser.add_argument("--bars", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    found: dict[str, list[tuple[float, float, float]]] = {"two-point": [], "one-point": []}
    for _ in range(arguments.shapes):
        for kind, (family, coefficient) in families(random_polynomial(random)).items():
            if one := fitted(family, coefficient, arguments.bars):
                found[kind].append(one)
    print(
        "| family | shapes | R² ≥ .99 | rate grows with the bar | both | median R² | longest / shortest bar, median |"
    )
    print("|---|---|---|---|---|---|---|")
    for kind, rows in found.items():
        if not rows:
            print(f"| {kind} | 0 of {arguments.shapes} | | | | | |")
            continue
        r_squared, slope, ratio = np.array(rows).T
        straight, grows = r_squared >= 0.99, slope > 0
        print(
            f"| {kind} | {len(rows)} of {arguments.shapes} | {straight.mean():.0%} | {grows.mean():.0%} | "
            f"{(straight & grows).mean():.0%} | {np.median(r_squared):.4f} | {np.median(ratio):.3g} |"
        )


if __name__ == "__main__":
    main()
