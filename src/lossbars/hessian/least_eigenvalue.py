"""The least eigenvalue of n symmetric matrices at once, from products alone, and what the function does along it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Products = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]
Values = Callable[[Float[Tensor, "n d"]], Float[Tensor, " n"]]

TOLERANCE = 1e-5  # of a residual, as a share of the largest eigenvalue, at which a row has converged
EVERY = 10  # products between two looks at the residuals
EXHAUSTED = 1e-10  # of a residual, as a share of the largest eigenvalue, where a Krylov space is whole
STEPS = (1e-4, 1e-3, 1e-2, 1e-1)  # along an eigenvector, in norms of θ
FLAT = 1e-8  # of a value: falls below this share of it are none


@dataclass(frozen=True)
class LeastEigenvalues:
    """The least eigenvalue of each of n matrices.

    ``value`` vᵀ H v is an upper bound of the least eigenvalue, whose excess shrinks with the square of ``error``:
    ‖H v − value · v‖, and rounding; some eigenvalue lies that near. Where as many products were taken as the matrix has
    rows, it is exact up to rounding.
    """

    value: Float[Tensor, " n"]  # float64
    error: Float[Tensor, " n"]  # float64
    vector: Float[Tensor, "n d"]  # v, of norm 1
    products: int  # with all rows at once


@torch.no_grad()
def least_eigenvalues(product: Products, like: Float[Tensor, "n d"], most: int, random: Generator) -> LeastEigenvalues:
    """By Lanczos' method with full reorthogonalisation, ``most`` products at the most.

    ``like`` gives the number of rows, the dimension, the dtype and the device. It ends when the residuals of all rows
    are small. Memory is ``most`` vectors for each row.
    """
    n, dim = like.shape
    most = min(most, dim)
    basis = like.new_zeros(n, most, dim)
    diagonal, beside = (torch.zeros(n, most, dtype=torch.float64) for _ in range(2))
    vector = _orthogonal(_random(like, random), basis[:, :0])
    done = 0
    while done < most:
        basis[:, done] = vector
        image = product(vector)
        diagonal[:, done] = (image.double() * vector.double()).sum(1).cpu()
        image = _orthogonal(image, basis[:, : done + 1], unit=False)
        beside[:, done] = image.double().norm(dim=1).cpu()
        done += 1
        scale = torch.maximum(diagonal.abs().amax(1), beside.amax(1))
        ended = beside[:, done - 1] <= EXHAUSTED * scale
        if bool(ended.any()) and done < most:  # a new start: what it finds has no part in what was found before
            beside[ended, done - 1] = 0.0
            fresh = _orthogonal(_random(like, random), basis[:, :done])
            image = torch.where(ended.to(image.device)[:, None], fresh, image)
        vector = image / image.norm(dim=1, keepdim=True)
        if done % EVERY == 0 and bool((_ritz(diagonal, beside, done)[1] <= TOLERANCE * scale).all()):
            break
    value, error, weights, largest = _ritz(diagonal, beside, done)
    vectors = torch.bmm(weights.to(basis)[:, None], basis[:, :done])[:, 0]
    rounding = torch.finfo(like.dtype).eps * largest
    return LeastEigenvalues(value, error + rounding, vectors / vectors.norm(dim=1, keepdim=True), done)


def _random(like: Tensor, random: Generator) -> Tensor:
    return torch.randn(like.shape, generator=random, dtype=torch.float64).to(like)


def _orthogonal(vectors: Tensor, basis: Tensor, unit: bool = True) -> Tensor:
    """Vectors (n, d) without their parts along a basis (n, k, d), taken off twice; of norm 1 if ``unit``."""
    for _ in range(2):
        parts = torch.bmm(basis, vectors[:, :, None])
        vectors = vectors - torch.bmm(parts.transpose(1, 2), basis)[:, 0]
    return vectors / vectors.norm(dim=1, keepdim=True) if unit else vectors


def _ritz(diagonal: Tensor, beside: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Least eigenvalue, its residual, its vector in the basis, and the largest modulus, after k products."""
    inner = beside[:, : k - 1]
    matrix = torch.diag_embed(diagonal[:, :k]) + torch.diag_embed(inner, 1) + torch.diag_embed(inner, -1)
    values, vectors = torch.linalg.eigh(matrix)
    residual = beside[:, k - 1] * vectors[:, -1, 0].abs()
    return values[:, 0], residual, vectors[:, :, 0], values.abs().amax(1)


@torch.no_grad()
def falls_along(function: Values, theta: Float[Tensor, "n d"], vector: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """How far a function falls from each θ along ±``vector`` where it bends down: float64, 0 where it does not.

    At each step of a few lengths (``STEPS``) the mean of both sides is compared with the value at θ, so that a slope
    counts for nothing, and a kink, which bends upwards, for what it is.
    """
    theta, vector = theta.double(), vector.double()
    here = function(theta)
    deepest = torch.zeros_like(here)
    for step in STEPS:
        away = step * theta.norm(dim=1, keepdim=True) * vector
        one, other = function(theta + away), function(theta - away)
        bends_down = here - (one + other) / 2 > FLAT * here.abs()
        deepest = torch.where(bends_down, torch.maximum(deepest, here - torch.minimum(one, other)), deepest)
    return deepest
