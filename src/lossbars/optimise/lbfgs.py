"""Limited-memory BFGS directions of n rows at once (Nocedal & Wright 2006, §7.2), with any initial matrix.

The two-loop recursion is written with the triangle R of products sᵢᵀyⱼ, i ≤ j, as in Byrd, Nocedal & Schnabel 1994:
its first loop solves R α = Sᵀg, its second Rᵀ δ = diag(R) α − Yᵀz. So a direction reads the pairs of all rows four
times, in batched products of a row vector and a matrix, and costs no loop over the history. As products of a matrix and
a column they take three to five times longer on a CPU (benchmarks/README.md, polish.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lossbars.optimise.rows import Rows

InitialMatrix = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]  # inverse Hessian times a vector, of every row


@dataclass
class Pairs(Rows):
    """The last m steps s and changes of the gradient y of every row, in a ring: the oldest is overwritten.

    Memory is 2 n m d numbers. An empty place has s = y = 0 and a 1 on the diagonal of the products.
    """

    steps: Float[Tensor, "n m d"]
    changes: Float[Tensor, "n m d"]
    products: Float[Tensor, "n m m"]  # float64; [i, j] is sᵢᵀyⱼ where pair j is no older than pair i
    oldest: Int[Tensor, " n"]  # the place that is written next
    filled: Int[Tensor, " n"]  # pairs that there are
    scale: Float[Tensor, " n"]  # factor of the initial matrix: sᵀy / yᵀH₀y of the newest pair; 1 where there is none

    @classmethod
    def empty(cls, like: Float[Tensor, "n d"], history: int) -> "Pairs":
        """No pairs yet, for rows such as these."""
        n, d = like.shape
        pairs = like.new_zeros(n, history, d)
        products = torch.eye(history, dtype=torch.float64, device=like.device).repeat(n, 1, 1)
        count = torch.zeros(n, dtype=torch.long, device=like.device)
        return cls(pairs, pairs.clone(), products, count, count.clone(), like.new_ones(n, dtype=torch.float64))

    def forget(self, rows: Bool[Tensor, " n"]) -> None:
        """Drop all pairs of these rows."""
        self.steps[rows] = 0
        self.changes[rows] = 0
        self.products[rows] = torch.eye(self.steps.shape[1], dtype=torch.float64, device=self.steps.device)
        self.oldest[rows] = 0
        self.filled[rows] = 0
        self.scale[rows] = 1.0

    def add(
        self, rows: Bool[Tensor, " n"], step: Float[Tensor, "n d"], change: Float[Tensor, "n d"], initial: InitialMatrix
    ) -> None:
        """A new pair for ``rows`` where its curvature sᵀy is above rounding, so that the matrix stays positive."""
        curvature = dots(step, change)
        sizes = torch.linalg.vector_norm(step, dim=1) * torch.linalg.vector_norm(change, dim=1)
        rows = rows & (curvature > torch.finfo(step.dtype).eps * sizes.double())
        (numbers,) = rows.nonzero(as_tuple=True)
        if not len(numbers):
            return
        place = self.oldest[numbers]
        self.steps[numbers, place], self.changes[numbers, place] = step[numbers], change[numbers]
        self.oldest[numbers] = (place + 1) % self.steps.shape[1]
        self.filled[numbers] = (self.filled[numbers] + 1).clamp_max(self.steps.shape[1])
        used = self._used()
        self.products[numbers, :used, place] = _along(self.steps[:, :used], change)[numbers]
        self.scale = torch.where(rows, curvature / dots(change, initial(change)), self.scale)

    def direction(self, gradient: Float[Tensor, "n d"], initial: InitialMatrix) -> Float[Tensor, "n d"]:
        """−H g of every row, H being the inverse Hessian by the pairs from ``scale`` times the initial matrix."""
        used = self._used()
        steps, changes = self.steps[:, :used], self.changes[:, :used]
        order = (self.oldest[:, None] + torch.arange(used, device=gradient.device)) % used  # by age, the oldest first
        products = self.products.gather(1, order[:, :, None].expand(-1, -1, self.products.shape[2]))
        products = products.gather(2, order[:, None, :].expand(-1, used, -1)).triu()
        along = _along(steps, gradient).gather(1, order)
        alpha = torch.linalg.solve_triangular(products, along[:, :, None], upper=True)[:, :, 0]
        start = initial(gradient - _combined(changes, alpha, order))
        start = start * self.scale[:, None].to(start.dtype)
        rest = products.diagonal(dim1=1, dim2=2) * alpha - _along(changes, start).gather(1, order)
        delta = torch.linalg.solve_triangular(products.mT, rest[:, :, None], upper=False)[:, :, 0]
        return -(start + _combined(steps, delta, order))

    def _used(self) -> int:
        """Number of places, counted from the first, that hold the pairs of all rows; at least 1.

        It is below m only while no row has m pairs. Each row's pairs are then in its first places, by age.
        """
        return max(1, int(self.filled.max()))


def dots(a: Float[Tensor, "n d"], b: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Inner products of rows, in float64."""
    return torch.linalg.vecdot(a.double(), b.double())


def _along(pairs: Tensor, vectors: Tensor) -> Float[Tensor, "n m"]:
    """Products of each row's pairs with its vector."""
    return (vectors[:, None, :] @ pairs.mT)[:, 0].double()


def _combined(pairs: Tensor, weights: Tensor, order: Tensor) -> Float[Tensor, "n d"]:
    """Sums of each row's pairs with weights that are ordered by age."""
    placed = torch.zeros_like(weights).scatter(1, order, weights).to(pairs.dtype)
    return (placed[:, None, :] @ pairs)[:, 0]
