"""Critical points of a stated index, by following eigenvectors of exact Hessians.

Pennington and Bahri (2017) minimise |∇L|² from places along descents, which leaves the index to chance. Here each step
goes up along the k lowest eigenvectors and down along all others, which has the critical points of index k as its only
attractors (Cerjan and Miller 1981). On small tanh nets both end as near to one (benchmarks/critical_searches.py).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lossbars.hessian.derivatives import RECORD, Batches, gradient_and_hessian
from lossbars.landscape import Landscape

LARGEST = 1.0  # radius of a step, in units of θ
FIRST = 0.2
SMALLEST = 1e-9  # radius from which a step is taken as it comes: rounding decides its error
TRUSTED, FAILED, REFUSED = 0.6, 1.2, 2.0  # errors of the predicted change of the gradient, as shares of it
HALVINGS = 50


@dataclass(frozen=True)
class Found:
    """The ends of the searches."""

    theta: Float[Tensor, "n d"]
    gradient: Float[Tensor, " n"]  # its norm
    eigenvalues: Float[Tensor, "n d"]  # ascending


def descend(landscape: Landscape, theta: Float[Tensor, "n d"], rate: float, steps: int) -> Float[Tensor, "n d"]:
    """Gradient descent on the loss of record: the starts of a search, whose energy falls with the steps."""
    for _ in range(steps):
        theta = theta - rate * landscape.value_and_gradient(theta, None)[1]
    return theta


def follow(
    landscape: Landscape,
    theta: Float[Tensor, "n d"],
    wanted: Int[Tensor, " n"],
    steps: int,
    *,
    batches: Batches = RECORD,
    first: float | Float[Tensor, " n"] = FIRST,
    largest: float | Float[Tensor, " n"] = LARGEST,
    enough: float | Float[Tensor, " n"] = -1.0,
) -> Found:
    """From each row, at most ``steps`` steps towards a critical point of index ``wanted`` of the mean over ``batches``.

    A step is Newton's where that is inside a radius of trust, and shorter along flat directions elsewhere. The radius
    begins at ``first``, and grows up to ``largest`` and shrinks by how well the Hessian foretold the change of the
    gradient; a step that it did not is taken back. The search ends before ``steps`` once the norm of every gradient is
    at most ``enough``. Nothing is promised of where it ends: see the gradient and the eigenvalues.
    """
    up = torch.arange(theta.shape[1]) < wanted[:, None]
    radius = theta.new_tensor(first).expand(len(theta)) if isinstance(first, float) else first
    limit = theta.new_tensor(largest).expand(len(theta)) if isinstance(largest, float) else largest
    gradient, matrix = gradient_and_hessian(landscape, theta, batches)
    for _ in range(steps):
        if bool((_norm(gradient) <= enough).all()):
            break
        step = _step(gradient, matrix, up, radius)
        next_gradient, next_matrix = gradient_and_hessian(landscape, theta + step, batches)
        foretold = (matrix @ step[:, :, None]).squeeze(2)
        error = _norm(next_gradient - gradient - foretold) / _norm(foretold).clamp_min(1e-300)
        kept = (error < REFUSED) | (_norm(step) < SMALLEST)
        radius = torch.where(error < TRUSTED, 1.5 * radius, torch.where(error > FAILED, radius / 2, radius))
        radius = torch.minimum(radius, limit)
        theta = torch.where(kept[:, None], theta + step, theta)
        gradient = torch.where(kept[:, None], next_gradient, gradient)
        matrix = torch.where(kept[:, None, None], next_matrix, matrix)
    return Found(theta, _norm(gradient), torch.linalg.eigvalsh(matrix))


def _step(gradient: Tensor, matrix: Tensor, up: Bool[Tensor, "n d"], radius: Float[Tensor, " n"]) -> Tensor:
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    return limited_step(gradient, eigenvalues, vectors, up, radius)


def limited_step(
    gradient: Float[Tensor, "n d"],
    eigenvalues: Float[Tensor, "n k"],
    vectors: Float[Tensor, "n d k"],
    up: Bool[Tensor, "n k"],
    radius: Float[Tensor, " n"],
) -> Float[Tensor, "n d"]:
    """±g/(|λ| + μ) along each of k eigenvectors, with the smallest μ ≥ 0 that keeps to the radius."""
    along = (vectors * gradient[:, :, None]).sum(1)
    size = eigenvalues.abs().clamp_min(1e-12)
    low, high = torch.zeros_like(radius), _norm(gradient) / radius
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        long = _norm(along / (size + middle[:, None])) > radius
        low, high = torch.where(long, middle, low), torch.where(long, high, middle)
    shift = torch.where(_norm(along / size) > radius, high, 0.0)
    lengths = torch.where(up, along, -along) / (size + shift[:, None])
    return (vectors * lengths[:, None, :]).sum(2)


def _norm(rows: Tensor) -> Float[Tensor, " n"]:
    return torch.linalg.vector_norm(rows, dim=1)
