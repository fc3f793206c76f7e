"""Landscapes: losses of many flat parameter vectors at once, and batches of their data."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

MEASURED_NUMBERS = 2**20  # coordinates of all rows that are measured at a time


@dataclass(frozen=True)
class Batch:
    """A mini-batch of a landscape's data: sample numbers, shared by all rows or each row's own."""

    index: Int[Tensor, " b"] | Int[Tensor, "n b"]
    noise: Int[Tensor, " n"] | None = None  # seeds of dropout and augmentation, one a row

    def rows(self, n: int) -> list["Batch"]:
        """The same batch for each of n rows taken alone."""
        pieces = self.pieces(n, 1)
        return pieces if self.index.dim() == 1 else [Batch(piece.index[0], piece.noise) for piece in pieces]

    def pieces(self, n: int, size: int) -> list["Batch"]:
        """The same batch for each ``size`` of n rows; the last may be fewer."""
        places = [slice(first, first + size) for first in range(0, n, size)]
        noise = self.noise.expand(n) if self.noise is not None else None
        indices = [self.index if self.index.dim() == 1 else self.index[place] for place in places]
        return [
            Batch(index, None if noise is None else noise[place]) for index, place in zip(indices, places, strict=True)
        ]


class Landscape(ABC):
    """A loss of many flat parameter vectors at once. Rows are independent of each other."""

    dim: int  # d
    device: torch.device
    steps_per_epoch: int = 1  # batches in one pass over the data

    @property
    def stack_size(self) -> int:
        """As many rows as are best taken at a time."""
        return sys.maxsize

    @property
    def rows_at_once(self) -> int:
        """As many rows as are measured at a time."""
        return max(1, MEASURED_NUMBERS // self.dim)

    @abstractmethod
    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n random starts."""

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:  # noqa: ARG002 (there is no data)
        """One pass over the data in random order; where there is no data, as here, a single None.

        One generator gives batches that all rows share; n generators give each of n rows its own order.
        """
        yield None

    @abstractmethod
    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """Loss of every row; ``batch=None`` is the exact loss of record."""

    def losses(self, theta: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Objective and data loss of every row, over all data; the two are one, but for a weight decay."""
        loss = self.loss(theta)
        return loss, loss

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss of every row and its gradient. The gradient may be overwritten by the next call."""
        theta = theta.detach().requires_grad_()
        with torch.enable_grad():
            loss = self.loss(theta, batch)
            (gradient,) = torch.autograd.grad(loss.sum(), theta)
        return loss.detach(), gradient
