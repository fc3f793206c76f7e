"""Second derivatives of any landscape: exact for small d, by Hessian–vector products for large d."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from lossbars.landscape import Batch, Landscape

AT_ONCE = 64  # rows of a Hessian that are taken at a time: more leave the caches
RECORD: tuple[None] = (None,)  # the loss of record, for landscapes that can be differentiated twice there
FLAT = 1e-8  # |eigenvalue| over the largest of them, up to which it counts as 0

Batches = Sequence[Batch | None]


def value_and_gradient(
    landscape: Landscape, theta: Float[Tensor, "n d"], batches: Batches = RECORD
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
    """The mean loss over the samples of ``batches`` and its gradient, for every row, as the Hessians here have it."""
    value, gradient = theta.new_zeros(len(theta)), torch.zeros_like(theta)
    for batch, parts in zip(batches, _parts(batches), strict=True):
        if batch is None:
            loss, slope = landscape.value_and_gradient(theta, None)
        else:
            place = theta.detach().requires_grad_()
            with torch.enable_grad():
                loss = landscape.loss(place, batch)
                (slope,) = torch.autograd.grad(loss.sum(), place)
        value += loss.detach() / parts
        gradient += slope / parts
    return value, gradient


def _parts(batches: Batches) -> list[float]:
    """Of each batch, in how many parts of its size all samples are: the mean of a loss is Σ loss of a batch / parts."""
    sizes = [1 if batch is None else batch.index.shape[-1] for batch in batches]
    return [sum(sizes) / size for size in sizes]


# The whole matrix --------------------------------------------------------------------------------


def gradient_and_hessian(
    landscape: Landscape, theta: Float[Tensor, "n d"], batches: Batches = RECORD, at_once: int = AT_ONCE
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d d"]]:
    """Of the mean loss over the samples of ``batches``, for every row. Memory is n · d² numbers.

    ``at_once`` rows of each Hessian are computed together; their number changes the last bits where a network has
    products of matrices. Raises ValueError where the loss has no graph: a network's loss of record has none, so state
    batches of its data.
    """
    gradient, hessian = torch.zeros_like(theta), theta.new_zeros(*theta.shape, theta.shape[1])
    for batch, parts in zip(batches, _parts(batches), strict=True):
        place = theta.detach().requires_grad_()
        slope = _slope(landscape, place, batch)
        gradient += slope.detach() / parts
        hessian += derivatives(slope, place, at_once) / parts
    return gradient, hessian


def hessian(
    landscape: Landscape, theta: Float[Tensor, "n d"], batches: Batches = RECORD, at_once: int = AT_ONCE
) -> Float[Tensor, "n d d"]:
    """As :func:`gradient_and_hessian`, without the gradient."""
    return gradient_and_hessian(landscape, theta, batches, at_once)[1]


def _slope(landscape: Landscape, place: Tensor, batch: Batch | None) -> Tensor:
    """The gradient, which can be differentiated."""
    with torch.enable_grad():
        loss = landscape.loss(place, batch).sum()
        if not loss.requires_grad:
            raise ValueError(f"{type(landscape).__name__}: its loss of record has no second derivatives: state batches")
        (slope,) = torch.autograd.grad(loss, place, create_graph=True)
    return slope


def derivatives(
    values: Float[Tensor, "n k"], place: Float[Tensor, "n d"], at_once: int = AT_ONCE
) -> Float[Tensor, "n k d"]:
    """Of each of k values of n rows, which have a graph from ``place``; no row depends on another's place."""
    if not values.requires_grad:  # slopes of a loss that is linear
        return place.new_zeros(*values.shape, place.shape[1])
    units = torch.eye(values.shape[1], dtype=values.dtype, device=values.device)
    parts = []
    for some in units.split(at_once):
        directions = some[:, None].expand(-1, len(place), -1)
        (rows,) = torch.autograd.grad(values, place, directions, retain_graph=True, is_grads_batched=True)
        parts.append(rows.detach())
    return torch.cat(parts).transpose(0, 1)


# Products ----------------------------------------------------------------------------------------


def product(
    landscape: Landscape, theta: Float[Tensor, "n d"], vectors: Float[Tensor, "n d"], batches: Batches = RECORD
) -> Float[Tensor, "n d"]:
    """H v of every row, by a second pass back through the gradient: the cost of a few gradients.

    Raises ValueError as :func:`gradient_and_hessian`.
    """
    total = torch.zeros_like(theta)
    for batch, parts in zip(batches, _parts(batches), strict=True):
        place = theta.detach().requires_grad_()
        slope = _slope(landscape, place, batch)
        if slope.requires_grad:
            total += torch.autograd.grad(slope, place, vectors)[0] / parts
    return total


def operator(landscape: Landscape, theta: Float[Tensor, " d"], batches: Batches = RECORD) -> LinearOperator:
    """v ↦ H v at one θ, for scipy; computed in the dtype of θ."""

    def times(vector: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(np.ascontiguousarray(vector.reshape(1, -1))).to(theta)
        return product(landscape, theta[None], given, batches)[0].double().cpu().numpy()

    return LinearOperator((len(theta), len(theta)), matvec=times, dtype=np.dtype(np.float64))


def extreme_eigenvalues(
    matrix: LinearOperator, count: int, random: np.random.Generator
) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """The ``count`` smallest and the ``count`` largest, each ascending, by ARPACK from a random start.

    Raises ValueError where ``count`` is not below d.
    """
    if not 0 < count < matrix.shape[0]:
        raise ValueError(
            f"count: {count} eigenvalues of a matrix of {matrix.shape[0]} rows; at least 1, and fewer than it"
        )
    start = random.standard_normal(matrix.shape[0])
    ends = [eigsh(matrix, k=count, which=which, v0=start, return_eigenvectors=False) for which in ("SA", "LA")]
    return np.sort(ends[0]), np.sort(ends[1])


# What is read off a spectrum ---------------------------------------------------------------------


def index(eigenvalues: Float[Tensor, "n d"], tolerance: float = FLAT) -> Int[Tensor, " n"]:
    """Number of eigenvalues below −tolerance · the largest modulus, of each row."""
    return (eigenvalues < -tolerance * eigenvalues.abs().amax(1, keepdim=True)).sum(1)


@dataclass(frozen=True)
class NullSpace:
    """Eigenvalues that count as 0, and how clear the cut is."""

    dimension: int
    largest: float  # modulus among those, over the largest of all; 0 where there are none
    next: float  # the smallest modulus above the cut, over the largest of all; 1 where there are none

    @property
    def gap(self) -> float:
        """How many times the first eigenvalue that is kept exceeds the last that counts as 0."""
        return self.next / self.largest if self.largest else float("inf")


def null_space(eigenvalues: Float[Tensor, " d"], tolerance: float = FLAT) -> NullSpace:
    """Eigenvalues of modulus at most tolerance · the largest modulus."""
    sizes = (eigenvalues.abs() / eigenvalues.abs().max()).sort().values
    dimension = int((sizes <= tolerance).sum())
    last = float(sizes[dimension - 1]) if dimension else 0.0
    return NullSpace(dimension, last, float(sizes[dimension]) if dimension < len(sizes) else 1.0)
