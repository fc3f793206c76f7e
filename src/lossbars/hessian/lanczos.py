"""Spectral densities by stochastic Lanczos quadrature (Ubaru, Chen and Saad 2017), from products H v alone.

curvlinops-for-pytorch (3.0.1) has such a quadrature, but for modules and lists of batches, without reorthogonalisation,
and brings seven packages more; scipy's ARPACK keeps its tridiagonal matrix to itself.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator

EXHAUSTED = 1e-12  # residual over the largest so far, from which a Krylov space is whole


@dataclass(frozen=True)
class Quadrature:
    """A spectrum as weighted points: nodes (p, k) and weights (p, k) of p random probes, whose weights sum to 1/p.

    For a matrix of d rows, the mean of a function f over the spectrum is Σ weight · f(node), up to a random error of
    the order of √(2/(d p)) times the size of f; polynomials of degree below 2k have no error beside it.
    """

    nodes: Float[np.ndarray, "p k"]
    weights: Float[np.ndarray, "p k"]

    def density(self, x: Float[np.ndarray, " g"], width: float) -> Float[np.ndarray, " g"]:
        """The density, each node spread to a normal density of standard deviation ``width``."""
        far = (x[:, None] - self.nodes.ravel()) / width
        return np.exp(-(far**2) / 2) @ self.weights.ravel() / (width * math.sqrt(2 * math.pi))

    def cdf(self, x: Float[np.ndarray, " g"]) -> Float[np.ndarray, " g"]:
        """Weight at or below each place."""
        order = np.argsort(self.nodes.ravel(), kind="stable")
        below = np.concatenate([[0.0], np.cumsum(self.weights.ravel()[order])])
        return below[np.searchsorted(self.nodes.ravel()[order], x, side="right")]


def quadrature(matrix: LinearOperator, steps: int, probes: int, random: np.random.Generator) -> Quadrature:
    """Of a symmetric matrix, with ``steps`` products for each of ``probes`` normal random vectors.

    Raises ValueError where ``steps`` exceeds the rows of the matrix.
    """
    if not 0 < steps <= matrix.shape[0]:
        raise ValueError(
            f"steps: {steps} Lanczos steps on a matrix of {matrix.shape[0]} rows; at least 1, at most as many"
        )
    probed = [_one_probe(matrix, steps, random.standard_normal(matrix.shape[0])) for _ in range(probes)]
    nodes, weights = (np.stack(part) for part in zip(*probed, strict=True))
    return Quadrature(nodes, weights / probes)


def _one_probe(
    matrix: LinearOperator, steps: int, start: Float[np.ndarray, " d"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Nodes and weights of one start; where its Krylov space ends before, nodes of weight 0 fill up."""
    diagonal, beside = lanczos(matrix, steps, start)
    nodes, vectors = eigh_tridiagonal(diagonal, beside)
    missing = steps - len(nodes)
    return np.pad(nodes, (0, missing), mode="edge"), np.pad(vectors[0] ** 2, (0, missing))


def lanczos(
    matrix: LinearOperator, steps: int, start: Float[np.ndarray, " d"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k-1"]]:
    """Diagonal and off-diagonal of the matrix on the Krylov space of ``start``, at most ``steps`` of them.

    Every vector is made orthogonal to all before, twice: without this, eigenvalues that were found come again.
    """
    basis = np.zeros((steps, len(start)))
    diagonal, beside = np.zeros(steps), np.zeros(steps)
    vector = start / np.linalg.norm(start)
    for k in range(steps):
        basis[k] = vector
        image = matrix.matvec(vector)
        diagonal[k] = vector @ image
        for _ in range(2):
            image = image - basis[: k + 1].T @ (basis[: k + 1] @ image)
        beside[k] = np.linalg.norm(image)
        if beside[k] <= EXHAUSTED * max(np.abs(diagonal[: k + 1]).max(), beside[: k + 1].max()):
            return diagonal[: k + 1], beside[:k]
        vector = image / beside[k]
    return diagonal, beside[:-1]
