"""Spectra of Wishart plus Wigner matrices, by free probability (Tanner's lecture; Pennington and Bahri 2017).

H0 = J Jᵀ is Wishart: J is n × p with independent entries of variance ``scale``/p, and τ = n/p. H1 is Wigner: symmetric,
its entries have variance 2ε/n. For large n the spectrum of H0 + H1 has the R-transform scale/(1 − scale τ G) + 2ε G.
All laws here are of one family, free sums of scaled Poisson laws and a semicircle; nothing is sampled or scanned.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.polynomial import Polynomial
from scipy.optimize import brentq

REAL = 1e-9  # imaginary part, relative to the modulus, up to which a computed root is real
SAME = 1e-6  # relative difference up to which two jumps are one: their factors would all but cancel


@dataclass(frozen=True)
class FreeLaw:
    """The law with R(G) = variance · G + Σ rate · jump/(1 − jump · G): a semicircle and Poisson laws, freely added.

    Of z ↦ G, the solutions of z = R(G) + 1/G, exactly one lies in the lower half-plane for each z in the upper one: for
    large z they are 1/z, which does, and one at each 1/jump and at z/variance, which do not, and no solution is real
    unless z is. So at a real z there is one pair of complex solutions, inside the support, or none, outside.
    """

    jumps: tuple[float, ...]  # not 0
    rates: tuple[float, ...]  # positive
    variance: float  # of the semicircle

    def __post_init__(self) -> None:
        if self.variance < 0 or min(self.rates, default=1.0) <= 0 or 0.0 in self.jumps:
            raise ValueError(f"a law needs variance ≥ 0, rates > 0 and jumps ≠ 0, not {self}")
        if not self.variance and not self.jumps:
            raise ValueError("a law needs a semicircle or a Poisson law")
        if not self.variance and abs(sum(self.rates) - 1) <= SAME:
            raise ValueError("Poisson laws whose rates sum to 1 have an infinite density at 0: take another τ")

    @classmethod
    def of(cls, poisson: Sequence[tuple[float, float]], variance: float) -> "FreeLaw":
        """Of Poisson laws, each a jump and its rate; equal jumps are one law of their summed rates."""
        merged: dict[float, float] = {}
        for jump, rate in poisson:
            like = next((other for other in merged if abs(other - jump) <= SAME * abs(jump)), jump)
            merged[like] = merged.get(like, 0.0) + rate
        return cls(tuple(merged), tuple(merged.values()), variance)

    @property
    def atom(self) -> float:
        """The mass at 0: of Poisson laws alone, what their rates leave of 1."""
        return max(0.0, 1 - sum(self.rates)) if self.variance == 0 else 0.0

    @cached_property
    def edges(self) -> Float[np.ndarray, " e"]:
        """Ends of the intervals of the support, ascending; an even number. The atom is no interval.

        They are the values of z at which two solutions meet, z'(G) = 0, each of which is the end of an interval.
        """
        return np.array([z for z, _ in self._turns])

    @cached_property
    def _fraction(self) -> tuple[Polynomial, Polynomial]:
        """Numerator and denominator of z as a function of G."""
        factors = [Polynomial([1.0, -jump]) for jump in self.jumps]
        product = reduce(Polynomial.__mul__, factors, Polynomial([1.0]))
        top = product * Polynomial([1.0, 0.0, self.variance])
        for i, (jump, rate) in enumerate(zip(self.jumps, self.rates, strict=True)):
            others = reduce(Polynomial.__mul__, factors[:i] + factors[i + 1 :], Polynomial([1.0]))
            top += Polynomial([0.0, rate * jump]) * others
        return top, product * Polynomial([0.0, 1.0])

    @cached_property
    def _turns(self) -> list[tuple[float, float]]:
        """z and G at each edge, in the order of z."""
        top, bottom = self._fraction
        roots = (top.deriv() * bottom - top * bottom.deriv()).trim().roots()
        real = roots[np.abs(roots.imag) <= REAL * np.abs(roots)].real
        return sorted((float(top(g) / bottom(g)), float(g)) for g in real)

    def edge_curvature(self) -> float:
        """z''(G) at the lowest edge: the density beside it is √(2 (λ − edge)/|z''|)/π."""
        g = self._turns[0][1]
        poisson = sum(2 * r * j**3 / (1 - j * g) ** 3 for j, r in zip(self.jumps, self.rates, strict=True))
        return poisson + 2 / g**3

    def density(self, x: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Density at each place, without the atom."""
        inside = self._interval(x) % 2 == 1
        densities = np.zeros(len(x))
        densities[inside] = -self._stieltjes(x[inside]).imag / math.pi
        return densities

    def cdf(self, x: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Mass at or below each place, in closed form: the imaginary part of ∫ G dz = z G − ∫ z dG."""
        x = np.asarray(x, dtype=np.float64)
        z, g = (np.array(part) for part in zip(*self._turns, strict=True))
        at = self._below(z, g + 0j)
        interval = self._interval(x)
        edge = np.isin(x, z)  # there G is real, and known
        inside = (interval % 2 == 1) & ~edge
        masses = np.empty(len(x))
        masses[inside] = self._below(x[inside], self._stieltjes(x[inside]))
        ends, starts = np.concatenate([[0.0], at[1::2]]), np.concatenate([at[::2], [1.0]])  # of the intervals
        gap = interval[~inside] // 2  # the mass of a gap is that at its end, but for an atom within
        masses[~inside] = np.where(x[~inside] < 0, ends[gap], starts[gap])
        masses[edge] = at[np.searchsorted(z, x[edge])]
        return masses

    def _interval(self, x: Float[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
        """How many edges are at or below each place: odd inside the support."""
        return np.searchsorted(self.edges, x, side="right")

    def _stieltjes(self, x: Float[np.ndarray, " k"]) -> Complex[np.ndarray, " k"]:
        """G(x + i0) at places inside the support: the one solution below the real axis, as 1 over a root above it."""
        top, bottom = self._fraction
        size = max(len(top), len(bottom))
        first, second = (np.pad(part.coef, (0, size - len(part))) for part in (top, bottom))
        backwards = first - x[:, None] * second  # the polynomial of 1/G, which begins with 1
        companion = np.zeros((len(x), size - 1, size - 1))
        companion[:, 1:, :-1] = np.eye(size - 2)
        companion[:, :, -1] = -backwards[:, :0:-1]
        roots = np.linalg.eigvals(companion).astype(np.complex128)
        return 1 / roots[np.arange(len(x)), roots.imag.argmax(1)]

    def _below(self, x: Float[np.ndarray, " k"], g: Complex[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """Mass at or below places of the support, whose G is given; it is real at an edge."""
        turned = x * g.imag - self.variance * (g * g).imag / 2 - _angle(g)
        for jump, rate in zip(self.jumps, self.rates, strict=True):
            turned = turned + rate * _angle(1 - jump * g, upper=jump > 0)
        return 1 - turned / math.pi


def _angle(z: Complex[np.ndarray, " k"], upper: bool = False) -> Float[np.ndarray, " k"]:
    """The angle of numbers of one closed half-plane, on whose boundary −1 is at π above and at −π below."""
    angle = np.abs(np.angle(z))
    return angle if upper else -angle


# The laws of the Hessian -------------------------------------------------------------------------


def wishart_wigner(energy: float, tau: float, scale: float = 1.0) -> FreeLaw:
    """Of H0 + H1 at energy ε > 0: R(G) = scale/(1 − scale τ G) + 2ε G."""
    return FreeLaw.of([(scale * tau, 1 / tau)], 2 * energy)


def relu_hessian(energy: float, tau: float, scale: float = 1.0) -> FreeLaw:
    """With the off-diagonal blocks that ReLU leaves: R(G) = scale/(1 − scale τ G) + ε τ G/(2 − ε τ² G²).

    The second part is the difference of two free Poisson laws: partial fractions give jumps ±τ √(ε/2), of rates 1/(2τ).
    """
    jump = tau * math.sqrt(energy / 2)
    return FreeLaw.of([(scale * tau, 1 / tau), (jump, 1 / (2 * tau)), (-jump, 1 / (2 * tau))], 0.0)


Family = Callable[[float, float, float], FreeLaw]  # of energy, τ and scale


def index_of(law: FreeLaw) -> float:
    """α, the mass below 0, in closed form."""
    return float(law.cdf(np.array([-np.finfo(np.float64).tiny]))[0])


def critical_energy(tau: float, scale: float = 1.0) -> float:
    """ε_c of Wishart plus Wigner: scale² (1 − 20τ − 8τ² + (1 + 8τ)^{3/2})/16 for τ < 1; the spectrum begins at 0."""
    _check_tau(tau)
    return scale**2 * (1 - 20 * tau - 8 * tau**2 + (1 + 8 * tau) ** 1.5) / 16


def relu_critical_energy(tau: float, scale: float = 1.0) -> float:
    """ε_c with ReLU: scale² (27 − 18ξ − ξ² + 8ξ^{3/2})/(32 τ (1 − τ)³), ξ = 1 + 16τ − 8τ², for τ < 1.

    The σ of the sources is ``scale``, the variance of the entries of J times p.
    """
    _check_tau(tau)
    xi = 1 + 16 * tau - 8 * tau**2
    return scale**2 * (27 - 18 * xi - xi**2 + 8 * xi**1.5) / (32 * tau * (1 - tau) ** 3)


def critical_energy_of(family: Family, tau: float, scale: float = 1.0) -> float:
    """The energy at which the lower edge of the family's spectrum is 0, by root finding on the exact edge."""
    _check_tau(tau)

    def lowest(energy: float) -> float:
        return float(family(energy, tau, scale).edges[0])

    least, most = 1e-12 * scale**2, scale**2
    while lowest(most) > 0:
        most *= 2
    return float(brentq(lowest, least, most, xtol=1e-15 * scale**2, rtol=1e-14))


def index_scale(family: Family, tau: float, scale: float = 1.0) -> float:
    """α0 of α ≈ α0 |(ε − ε_c)/ε_c|^{3/2} above ε_c, as ε → ε_c.

    From the density √(2 (λ − a)/|z''|)/π beside the lower edge a, and da/dε by a central difference.
    """
    energy = critical_energy_of(family, tau, scale)
    curvature = family(energy, tau, scale).edge_curvature()
    step = 1e-5 * energy
    moved = [family(energy + sign * step, tau, scale).edges[0] for sign in (-1, 1)]
    slope = float(moved[1] - moved[0]) / (2 * step)
    return 2 / (3 * math.pi) * math.sqrt(2 / abs(curvature)) * abs(slope * energy) ** 1.5


def _check_tau(tau: float) -> None:
    if not 0 < tau < 1:
        raise ValueError(
            f"a critical energy needs 0 < τ < 1, not {tau}: from 1 on negative eigenvalues are there at once"
        )


def spectrum_grid(law: FreeLaw, places: int) -> Float[np.ndarray, " k"]:
    """Places at which a density is drawn: crowded at the edges, where it rises like a square root."""
    turn = (1 - np.cos(np.linspace(0, math.pi, places))) / 2
    pairs: Sequence[tuple[float, float]] = list(zip(law.edges[::2], law.edges[1::2], strict=True))
    return np.concatenate([low + (high - low) * turn for low, high in pairs])
