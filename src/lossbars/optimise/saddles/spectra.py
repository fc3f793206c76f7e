"""Spectra of the Hessians of a loss in a box, at many places: whole matrices, or a few eigenvalues by products."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor

from lossbars.hessian.derivatives import index, operator
from lossbars.optimise.saddles.certified_descent import LossInBox

LOWEST = 4  # eigenvalues that a certificate keeps


def free_hessian(objective: LossInBox, theta: Tensor) -> Float[Tensor, "n d d"]:
    """Hessians with all coordinates: a saddle lies inside the box."""
    free = torch.full_like(objective.low, torch.inf)
    return LossInBox(objective.landscape, -free, free, objective.batches).hessian(theta)


def largest_curvature(objective: LossInBox, theta: Tensor) -> Float[Tensor, " n"]:
    """The largest absolute eigenvalue of each row's Hessian."""
    return torch.linalg.eigvalsh(free_hessian(objective, theta)).abs().amax(1)


def largest_by_products(objective: LossInBox, theta: Tensor) -> Float[Tensor, " n"]:
    """As :func:`largest_curvature`, by products."""
    return lowest_by_products(objective, theta, torch.ones_like(theta), lowest=1)[1]


def lowest_by_products(
    objective: LossInBox, theta: Tensor, start: Tensor, lowest: int = LOWEST
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lowest eigenvalues, largest modulus, lowest eigenvector and index of each row, by ARPACK."""
    low, large, direction = [], [], []
    for place, vector in zip(theta, start, strict=True):
        matrix = operator(objective.landscape, place, objective.batches)
        count = min(lowest, len(place) - 1)
        (largest,) = eigsh(matrix, k=1, which="LM", v0=vector.cpu().numpy(), tol=1e-2, return_eigenvectors=False)
        try:
            values, vectors = eigsh(matrix, k=count, which="SA", v0=vector.cpu().numpy(), tol=1e-6)
        except ArpackNoConvergence as error:  # what did converge; NaN for the rest
            values = np.append(error.eigenvalues, np.full(count - len(error.eigenvalues), np.nan))
            vectors = error.eigenvectors if error.eigenvectors.size else vector.cpu().numpy()[:, None]
        order = values.argsort()
        low.append(values[order])
        large.append(abs(float(largest)))
        direction.append(vectors[:, order[0]] if vectors.shape[1] > order[0] else vectors[:, 0])
    values = theta.new_tensor(np.array(low).reshape(len(theta), -1))
    modulus = theta.new_tensor(large)
    spectrum = torch.cat([values, modulus.unsqueeze(1)], dim=1)
    return values, modulus, theta.new_tensor(np.array(direction).reshape(theta.shape)), index(spectrum)


def lowest_and_largest(objective: LossInBox, theta: Tensor, exact_up_to: int) -> tuple[Tensor, Tensor, Tensor]:
    """Lowest eigenvalues (n, c), largest moduli (n,) and indices (n,), by matrices of up to so many parameters."""
    if theta.shape[1] > exact_up_to:
        lowest, largest, _, negative = lowest_by_products(objective, theta, torch.ones_like(theta))
        return lowest, largest, negative
    parts = [torch.linalg.eigvalsh(free_hessian(objective, rows)) for rows in theta.split(objective.at_once(True))]
    eigenvalues = torch.cat(parts)
    return eigenvalues[:, :LOWEST], eigenvalues.abs().amax(1), index(eigenvalues)
