"""Eigenvalues of sampled matrices of the laws of :mod:`.hessian.random_matrices`, and their distance from a law."""

import math

import numpy as np
from jaxtyping import Float

from lossbars.hessian.random_matrices import FreeLaw

ZERO = 1e-10  # of the largest eigenvalue, up to which one is 0


def sample_wishart_wigner(energy: float, tau: float, size: int, random: np.random.Generator) -> Float[np.ndarray, " n"]:
    """Eigenvalues, ascending, of one matrix H0 + H1 of ``size`` rows; p = size/τ is rounded."""
    columns = round(size / tau)
    factor = random.standard_normal((size, columns)) / math.sqrt(columns)
    matrix = factor @ factor.T
    noise = random.standard_normal((size, size)) * math.sqrt(energy / size)
    return np.linalg.eigvalsh(matrix + noise + noise.T)


def sample_relu_hessian(energy: float, tau: float, size: int, random: np.random.Generator) -> Float[np.ndarray, " n"]:
    """As :func:`sample_wishart_wigner`, of :func:`relu_hessian`: H1 is the difference of two Wishart matrices."""
    columns, half = round(size / tau), round(size / (2 * tau))
    matrix = np.zeros((size, size))
    for number, weight in ((columns, 1.0), (half, math.sqrt(energy / 8)), (half, -math.sqrt(energy / 8))):
        factor = random.standard_normal((size, number))
        matrix += weight / number * (factor @ factor.T)
    values = np.linalg.eigvalsh(matrix)
    values[np.abs(values) <= ZERO * np.abs(values).max()] = 0.0  # else rounding gives the null space signs
    return values


def distance(eigenvalues: Float[np.ndarray, " n"], law: FreeLaw) -> float:
    """Kolmogorov–Smirnov distance of eigenvalues, ascending, from a law; at an atom both sides are compared."""
    places, counts = np.unique(eigenvalues, return_counts=True)
    upto = np.cumsum(counts) / len(eigenvalues)
    below = law.cdf(places)
    before = below - law.atom * (places == 0)
    return float(max(np.abs(before - (upto - counts / len(eigenvalues))).max(), np.abs(upto - below).max()))
