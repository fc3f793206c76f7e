"""A step of curve training of 45 pairs of the 784-32⁴-10 MLP, batch 128: stacked, and pair by pair in plain modules.

    python benchmarks/curve_step.py [--pairs 45] [--batch 128] [--rounds 31] [--threads 1]

The two are timed in turn, A B A B …, so that a drift of the machine's speed touches both. Warm-up is left
out. Printed: median and quartiles in milliseconds, the ratio round by round, the share of the machine's
float32 matrix-product peak (a 1024³ product, same run), and the same for evaluating the 45 curves at one t.
"""

import argparse
import copy
import platform
import statistics
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.mlp import MLP
from lossbars.optimise.connect import _Connection
from lossbars.optimise.descent import ROW_MULTIPLE
from lossbars.optimise.optimisers import Optimiser
from lossbars.recipes import Curves
from lossbars.seeding import generator
from lossbars.simplices import Chain
from lossbars.simplices.simplex import Simplices

LR, MOMENTUM = 0.01, 0.9
SAMPLES = 12_800


def make_net() -> MLP:
    return MLP((784,), 10, depth=4, width=32)


class PlainCurves:
    """A one-bend chain per pair as in the field's public codes: modules, one t, backward, torch.optim.SGD."""

    def __init__(self, ends: Tensor, landscape: NetworkLandscape) -> None:
        self.net, self.landscape = make_net(), landscape
        self.ends = [[self._parameters(end) for end in pair] for pair in ends]
        self.bends = []
        for pair in ends:
            bend = copy.deepcopy(self.net)
            nn.utils.vector_to_parameters(pair.mean(0), bend.parameters())
            self.bends.append(bend)
        self.optimisers = [torch.optim.SGD(b.parameters(), lr=LR, momentum=MOMENTUM) for b in self.bends]

    def _parameters(self, theta: Tensor) -> dict[str, Tensor]:
        return {name: p.clone() for name, p in self.landscape.unflatten(theta).items()}

    def _at(self, pair: int, weights: Sequence[float]) -> dict[str, Tensor]:
        (a, b), bend = self.ends[pair], dict(self.bends[pair].named_parameters())
        return {k: weights[0] * a[k] + weights[1] * bend[k] + weights[2] * b[k] for k in bend}

    def step(self, weights: list[list[float]], x: Tensor, y: Tensor) -> None:
        for pair, optimiser in enumerate(self.optimisers):
            optimiser.zero_grad()
            F.cross_entropy(functional_call(self.net, self._at(pair, weights[pair]), (x,)), y).backward()
            optimiser.step()

    @torch.no_grad()
    def evaluate(self, weights: list[list[float]], x: Tensor, y: Tensor) -> list[float]:
        return [
            sum(
                float(F.cross_entropy(functional_call(self.net, theta, (part,)), labels, reduction="sum"))
                for part, labels in zip(x.split(1000), y.split(1000), strict=True)
            )
            for theta in (self._at(pair, weights[pair]) for pair in range(len(self.bends)))
        ]


class StackedCurves:
    """The same pairs by this library's own parts."""

    def __init__(self, ends: Tensor, landscape: NetworkLandscape) -> None:
        family = Chain(1)
        self.start = Simplices(family, family.start(ends))
        recipe = Curves(
            optimiser="sgd",
            momentum=MOMENTUM,
            schedule={"kind": "constant", "lr": LR},
            epochs=1,
            family={"kind": "chain"},
        )
        places = [generator("place", i) for i in range(len(ends))]
        self.connection = _Connection(landscape, self.start, recipe, generator("order"), places)
        self.landscape, self.d = landscape, ends.shape[-1]
        self.variables = F.pad(self.start.nodes[:, 1:2].clone(), (0, -self.d % ROW_MULTIPLE))
        self.optimiser = Optimiser(recipe, self.variables)

    def step(self, weights: Tensor, batch: Batch) -> None:
        self.connection.weights = weights[None, :, None]
        variables, gradient = self.variables[..., : self.d], self.optimiser.gradient[..., : self.d]
        self.connection.gradient(variables, 0, batch, gradient)
        self.optimiser.step(LR)

    def evaluate(self, t: Tensor) -> Tensor:
        return self.landscape.loss(self.start.at(t))


def in_turn(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both, a round of each after the other, two rounds of warm-up left out."""
    times: tuple[list[float], list[float]] = ([], [])
    for i in range(rounds + 2):
        for called, kept in zip((one, other), times, strict=True):
            begin = time.perf_counter()
            called()
            if i >= 2:
                kept.append(1e3 * (time.perf_counter() - begin))
    return times


def spread(numbers: list[float]) -> str:
    low, middle, high = statistics.quantiles(numbers, n=4)
    return f"{middle:8.2f}  ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("pairs", 45), ("batch", 128), ("rounds", 31), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    x, y = torch.rand(SAMPLES, 784), torch.randint(0, 10, (SAMPLES,))
    landscape = NetworkLandscape(make_net, Split(x, y), options.batch, torch.device("cpu"))
    ends = landscape.init(2 * options.pairs, generator("ends")).view(options.pairs, 2, -1)
    plain, stacked = PlainCurves(ends, landscape), StackedCurves(ends, landscape)
    t = torch.rand(options.pairs, 1)
    weights = Chain(1).blend(t)
    batch = Batch(torch.randint(0, SAMPLES, (options.batch,)))
    bx, by = x[batch.index], y[batch.index]
    listed = weights.tolist()

    slow, fast = in_turn(lambda: plain.step(listed, bx, by), lambda: stacked.step(weights, batch), options.rounds)
    bends = torch.stack([nn.utils.parameters_to_vector(b.parameters()) for b in plain.bends]).detach()
    error = float((bends - stacked.variables[:, 0, : stacked.d]).abs().max())
    matrix = torch.rand(1024, 1024)
    product, _ = in_turn(lambda: matrix @ matrix, lambda: None, 31)
    peak = 2 * 1024**3 / statistics.median(product) / 1e6
    first, rest = 784 * 32, 3 * 32 * 32 + 32 * 10
    flops = 2 * options.batch * options.pairs * (2 * first + 3 * rest)  # no gradient of the inputs is needed
    reached = flops / statistics.median(fast) / 1e6

    print(f"{platform.machine()}, torch {torch.__version__}, {options.threads} thread(s), {options.rounds} rounds")
    print(f"step of {options.pairs} pairs, batch {options.batch}: median ms (quartiles)")
    print(f"  plain modules, pair by pair  {spread(slow)}")
    print(f"  stacked                      {spread(fast)}")
    print(f"  ratio round by round         {spread([a / b for a, b in zip(slow, fast, strict=True)])}")
    print(f"  largest difference of a bend after {options.rounds + 2} steps: {error:.1e}")
    print(f"  float32 peak {peak:.1f} GFLOP/s, stacked step {reached:.1f} GFLOP/s = {100 * reached / peak:.0f}% of it")
    slow, fast = in_turn(lambda: plain.evaluate(listed, x, y), lambda: stacked.evaluate(t), 5)
    print(f"evaluation of {options.pairs} curves at one t on {SAMPLES} samples: median ms (quartiles)")
    print(f"  plain modules, pair by pair  {spread(slow)}")
    print(f"  stacked                      {spread(fast)}")
    print(f"  ratio round by round         {spread([a / b for a, b in zip(slow, fast, strict=True)])}")
    reached = 2 * SAMPLES * options.pairs * (first + rest) / statistics.median(fast) / 1e6
    print(f"  stacked {reached:.1f} GFLOP/s = {100 * reached / peak:.0f}% of the peak")


if __name__ == "__main__":
    main()
