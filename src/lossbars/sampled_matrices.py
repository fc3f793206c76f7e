"""Eigenvalues of sampled matrices of the laws of :mod:`lossbars.random_matrices`, and their distance from a law."""

import math

import numpy as np
from jaxtyping import Float

from lossbars.random_matrices import FreeLaw


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
    return np.linalg.eigvalsh(matrix)


def distance(eigenvalues: Float[np.ndarray, " n"], law: FreeLaw) -> float:
    """Kolmogorov–Smirnov distance of eigenvalues, ascending, from a law."""
    below = law.cdf(eigenvalues)
    steps = np.arange(len(eigenvalues) + 1) / len(eigenvalues)
    return float(max((below - steps[:-1]).max(), (steps[1:] - below).max()))
