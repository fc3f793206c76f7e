"""Critical points of large landscapes, by following eigenvectors in Krylov spaces: products H v alone.

The steps are those of :mod:`lossbars.hessian.critical_search`, with the eigenvectors of the Hessian on the space that
products make of the gradient and of the lowest eigenvector of the step before (Dauphin et al. 2014, §6, for minima).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.hessian.critical_search import FAILED, REFUSED, SMALLEST, TRUSTED, limited_step
from lossbars.hessian.derivatives import RECORD, Batches, product, value_and_gradient
from lossbars.landscape import Landscape

EXHAUSTED = 1e-10  # of a vector, what is left of it outside the space, from which the space is whole


@dataclass(frozen=True)
class RitzFound:
    """Where the searches ended, and the eigenvalues of the Hessian on Krylov spaces there."""

    theta: Float[Tensor, "n d"]
    gradient: Float[Tensor, " n"]  # its norm
    eigenvalues: Float[Tensor, "n k"]  # ascending; the least is an upper bound of the Hessian's least
    lowest: Float[Tensor, "n d"]  # unit eigenvector of the least


def ritz(
    landscape: Landscape,
    theta: Float[Tensor, "n d"],
    starts: Float[Tensor, "n s d"],
    size: int,
    batches: Batches = RECORD,
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n d k"]]:
    """Eigenvalues, ascending, and eigenvectors of every row's Hessian on the Krylov space of its ``starts``.

    The space has k = min(size, d) dimensions, for which k products are taken. Where it is whole before, the remaining
    vectors are zero, and their eigenvalues stand last.
    """
    n, count, d = starts.shape
    k = min(size, d)
    basis, images = theta.new_zeros(n, k, d), theta.new_zeros(n, k, d)
    for j in range(k):
        vector = starts[:, j] if j < count else images[:, j - count]
        before = torch.linalg.vector_norm(vector, dim=1)
        for _ in range(2):  # once leaves what rounding makes of nearly dependent vectors
            vector = vector - (basis.mT @ (basis @ vector.unsqueeze(2))).squeeze(2)
        left = torch.linalg.vector_norm(vector, dim=1)
        basis[:, j] = torch.where((left > EXHAUSTED * before).unsqueeze(1), vector / left.unsqueeze(1), 0.0)
        images[:, j] = product(landscape, theta, basis[:, j], batches)
    matrix = basis @ images.mT
    empty = (basis == 0).all(2)
    last = 2 * matrix.abs().sum((1, 2)).clamp_min(1.0)
    matrix = (matrix + matrix.mT) / 2 + torch.diag_embed(torch.where(empty, last.unsqueeze(1), 0.0))
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    return eigenvalues, basis.mT @ vectors


def follow_by_products(
    landscape: Landscape,
    theta: Float[Tensor, "n d"],
    wanted: int,
    steps: int,
    *,
    size: int,
    first: Float[Tensor, " n"],
    largest: Float[Tensor, " n"],
    enough: Float[Tensor, " n"],
    seed: int = 0,
    batches: Batches = RECORD,
) -> RitzFound:
    """As :func:`.critical_search.follow`, each step in Krylov spaces of ``size`` dimensions; the first begin at random.

    A step takes ``size`` + 1 products and one gradient.
    """
    random = torch.Generator().manual_seed(seed)
    lowest = torch.randn(theta.shape, generator=random, dtype=torch.float64).to(theta)
    radius = first
    _, gradient = value_and_gradient(landscape, theta, batches)
    eigenvalues, vectors = ritz(landscape, theta, torch.stack([lowest, gradient], dim=1), size, batches)
    up = (torch.arange(eigenvalues.shape[1]) < wanted).expand(eigenvalues.shape).to(theta.device)
    for _ in range(steps):
        if bool((torch.linalg.vector_norm(gradient, dim=1) <= enough).all()):
            break
        step = limited_step(gradient, eigenvalues, vectors, up, radius)
        _, following = value_and_gradient(landscape, theta + step, batches)
        foretold = product(landscape, theta, step, batches)
        length = torch.linalg.vector_norm(step, dim=1)
        error = torch.linalg.vector_norm(following - gradient - foretold, dim=1)
        error = error / torch.linalg.vector_norm(foretold, dim=1).clamp_min(1e-300)
        kept = ((error < REFUSED) | (length < SMALLEST)).unsqueeze(1)
        radius = torch.where(error < TRUSTED, 1.5 * radius, torch.where(error > FAILED, radius / 2, radius))
        radius = torch.minimum(radius, largest)
        theta, gradient = torch.where(kept, theta + step, theta), torch.where(kept, following, gradient)
        starts = torch.stack([vectors[:, :, 0], gradient], dim=1)
        eigenvalues, vectors = ritz(landscape, theta, starts, size, batches)
    return RitzFound(theta, torch.linalg.vector_norm(gradient, dim=1), eigenvalues, vectors[:, :, 0])
