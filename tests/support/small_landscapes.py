"""Landscapes whose every number is written out by hand, and checkpoints in memory."""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.optimise.descent import State

DATA = 8  # samples


class Points(Landscape):
    """Mean over samples of Σ log cosh(θ − x): smooth, convex; two samples a batch, row by row independent."""

    def __init__(self, dim: int = 7, dtype: torch.dtype = torch.float64) -> None:
        self.dim, self.dtype, self.device = dim, dtype, torch.device("cpu")
        self.steps_per_epoch = DATA // 2
        self.points = torch.randn(DATA, dim, generator=Generator().manual_seed(1), dtype=dtype)

    def init(self, n: int, generator: Generator) -> Tensor:
        return torch.randn(n, self.dim, generator=generator, dtype=self.dtype)

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch]:
        orders = [torch.randperm(DATA, generator=g) for g in generators]
        for start in range(0, DATA, 2):
            index = torch.stack([order[start : start + 2] for order in orders])
            yield Batch(index if len(generators) > 1 else index[0])

    def loss(self, theta: Tensor, batch: Batch | None = None) -> Tensor:
        chosen = Batch(torch.arange(DATA)) if batch is None else batch
        rows = zip(theta, chosen.rows(len(theta)), strict=True)
        return torch.stack([log_cosh(row, self.points[one.index]) for row, one in rows])


def log_cosh(theta: Tensor, points: Tensor) -> Tensor:
    return (theta - points).cosh().log().sum(-1).mean()


class Interrupted(Exception):  # noqa: N818 (it says what happened)
    """The machine went down."""


class Memory:
    """A checkpoint in memory, after every ``every``-th step, that brings the run down after some number of saves."""

    def __init__(self, saves: int | None = None, every: int = DATA // 2) -> None:
        self.state: State | None = None
        self.saves, self.every = saves, every
        self.steps = 0
        self.stopping = False
        self.places: list[tuple[int, int]] = []

    def due(self) -> bool:
        self.steps += 1
        return self.steps % self.every == 0 or self.stopping

    def load(self) -> State | None:
        return self.state

    def save(self, state: State) -> None:
        self.state = {name: value.clone() for name, value in state.items()}
        self.places.append((int(state["epoch"]), int(state["step"])))
        if self.saves is not None and len(self.places) == self.saves:
            raise Interrupted


class Saved:
    """A checkpoint in memory that is always due and brings the run down after some number of saves."""

    stopping = False

    def __init__(self, saves: int) -> None:
        self.state: State | None = None
        self.saves = saves

    def due(self) -> bool:
        return True

    def load(self) -> State | None:
        return self.state

    def save(self, state: State) -> None:
        self.state = {name: value.clone() for name, value in state.items()}
        self.saves -= 1
        if self.saves == 0:
            raise Interrupted
