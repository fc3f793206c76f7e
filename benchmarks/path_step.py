"""A step of the normal-gradient flow of a 19-point path of the 784-32⁴-10 MLP, batch 128: ours, and plain modules.

    python benchmarks/path_step.py [--points 19] [--paths 1] [--batch 128] [--rounds 201] [--threads 1]

The plain program has a module for each point: gradients by autograd one module after another, Algorithm 3 of
Topological obstructions over their tensors, torch.optim.SGD. The two are timed in turn, A B A B …, so that a drift
of the machine's speed touches both; warm-up is left out. Printed: least, median and quartiles in milliseconds, the
ratio round by round, where our time goes, and the share of the machine's float32 peak (a 1024³ product, same run).
Of several paths in one step, as the workflow takes them, the time of one is given.
"""

import argparse
import itertools
import platform
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.mlp import MLP
from lossbars.optimise.descent import ROW_MULTIPLE
from lossbars.optimise.flow import _Flow
from lossbars.optimise.optimisers import Optimiser
from lossbars.optimise.path_points import project
from lossbars.recipes import Paths
from lossbars.seeding import generator
from lossbars.simplices.base import straight

LR, WIDTH, DEPTH = 0.01, 32, 4
SAMPLES = 12_800
WARM_UP = 5


def make_net() -> nn.Sequential:
    widths = [784, *[WIDTH] * DEPTH]
    hidden = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, 10))


class PlainPath:
    """A module for each point of the path."""

    def __init__(self, points: Tensor) -> None:
        self.nets = [make_net() for _ in points]
        for net, point in zip(self.nets, points, strict=True):
            nn.utils.vector_to_parameters(point.clone(), net.parameters())
        self.optimisers = [torch.optim.SGD(net.parameters(), lr=LR) for net in self.nets[1:-1]]

    def step(self, x: Tensor, y: Tensor) -> None:
        for net, optimiser in zip(self.nets[1:-1], self.optimisers, strict=True):
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
        with torch.no_grad():
            normal = [self._normal(i) for i in range(1, len(self.nets) - 1)]
            for net, gradients, optimiser in zip(self.nets[1:-1], normal, self.optimisers, strict=True):
                for parameter, gradient in zip(net.parameters(), gradients, strict=True):
                    parameter.grad = gradient
                optimiser.step()

    def _normal(self, i: int) -> list[Tensor]:
        left, centre, right = (list(net.parameters()) for net in self.nets[i - 1 : i + 2])
        gradients = [p.grad for p in centre if p.grad is not None]
        found = [g.clone() for g in gradients]
        for a, b in ((left, centre), (centre, right)):
            unit = [q - p for p, q in zip(a, b, strict=True)]
            square = sum(float(u.square().sum()) for u in unit)
            along = sum(float((g * u).sum()) for g, u in zip(gradients, unit, strict=True))
            for g, u in zip(found, unit, strict=True):
                g -= along / square / 2 * u
        return found


class OurPaths:
    """The same path, several times, by this library's own parts, as its descent uses them."""

    def __init__(self, points: Tensor, landscape: NetworkLandscape) -> None:
        family = {"kind": "path", "points": points.shape[1]}
        schedule = {"kind": "constant", "lr": LR}
        recipe = Paths(optimiser="sgd", momentum=0.0, schedule=schedule, epochs=1, family=family)
        landscape.steps_per_epoch = 10**9  # one epoch, however many rounds
        self.flow = _Flow(landscape, points[:, [0, -1]], recipe)
        self.d = points.shape[-1]
        self.optimiser = Optimiser(recipe, F.pad(points[:, 1:-1], (0, -self.d % ROW_MULTIPLE)))
        self.variables = self.optimiser.variables[..., : self.d]
        self.out = self.optimiser.gradient[..., : self.d]

    def step(self, batch: Batch) -> None:
        self.flow.gradient(self.variables, 0, batch, self.out)
        self.optimiser.step(LR)

    def losses(self, batch: Batch) -> Tensor:
        return self.flow.landscape.value_and_gradient(self.variables.flatten(0, 1), batch)[1]

    def losses_by_autograd(self, batch: Batch) -> None:
        chain, self.flow.landscape.chain = self.flow.landscape.chain, None
        self.losses(batch)
        self.flow.landscape.chain = chain

    def projection(self, gradient: Tensor) -> None:
        project(self.flow.ends, self.variables, gradient, self.out)


class Products:
    """The matrix products of a step and nothing else: what no arrangement around them can beat."""

    def __init__(self, moving: int, batch: int) -> None:
        self.x, self.first = torch.randn(batch, 784), torch.randn(moving * WIDTH, 784)
        self.wide = torch.empty(moving * WIDTH, batch)
        outs = [WIDTH] * (DEPTH - 1) + [10]
        self.layers = [(torch.randn(moving, o, WIDTH), torch.randn(moving, o, batch)) for o in outs]
        self.hidden = torch.randn(moving, WIDTH, batch)

    def __call__(self) -> None:
        torch.mm(self.first, self.x.t(), out=self.wide)
        self.wide @ self.x
        for weight, errors in self.layers:
            weight @ self.hidden
            errors @ self.hidden.mT
            weight.mT @ errors


def in_turn(called: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Milliseconds of each, a round of all after another, warm-up left out."""
    times: list[list[float]] = [[] for _ in called]
    for i in range(rounds + WARM_UP):
        for function, kept in zip(called, times, strict=True):
            begin = time.perf_counter()
            function()
            if i >= WARM_UP:
                kept.append(1e3 * (time.perf_counter() - begin))
    return times


def spread(numbers: list[float]) -> str:
    low, middle, high = statistics.quantiles(numbers, n=4)
    return f"least {min(numbers):6.2f}, median {middle:6.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("points", 19), ("paths", 1), ("batch", 128), ("rounds", 201), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    x, y = torch.rand(SAMPLES, 784), torch.randint(0, 10, (SAMPLES,))
    landscape = NetworkLandscape(lambda: MLP((784,), 10, DEPTH, WIDTH), Split(x, y), options.batch, x.device)
    (points,) = straight(landscape.init(2, generator("ends")).unsqueeze(0), options.points)
    plain, ours = PlainPath(points), OurPaths(points.expand(options.paths, -1, -1), landscape)
    batch = Batch(torch.randint(0, SAMPLES, (options.batch,)))
    bx, by = x[batch.index], y[batch.index]
    gradient, matrix = torch.randn(ours.variables.shape), torch.rand(1024, 1024)

    products = Products(options.points - 2, options.batch)
    parts = [
        lambda: ours.losses(batch),
        lambda: ours.losses_by_autograd(batch),
        lambda: ours.projection(gradient),
        products,
        lambda: matrix @ matrix,
    ]
    slow, fast = in_turn([lambda: plain.step(bx, by), lambda: ours.step(batch)], options.rounds)
    ends = torch.stack([nn.utils.parameters_to_vector(net.parameters()) for net in plain.nets[1:-1]]).detach()
    error, moved = float((ends - ours.variables[0]).abs().max()), float((ends - points[1:-1]).abs().max())
    *whole, floor, product = in_turn(parts, options.rounds)
    fast, gradients, autograd, projections = ([t / options.paths for t in times] for times in (fast, *whole))
    first, rest = 784 * WIDTH, (DEPTH - 1) * WIDTH**2 + WIDTH * 10
    flops = 2 * options.batch * (options.points - 2) * (2 * first + 3 * rest)  # no gradient of the inputs is needed
    peak = 2 * 1024**3 / min(product) / 1e6

    print(f"{platform.machine()}, torch {torch.__version__}, {options.threads} thread(s), {options.rounds} rounds")
    print(f"step of a path of {options.points} points, batch {options.batch}, ms; {options.paths} of ours at once")
    print(f"  plain modules, one by one   {spread(slow)}")
    print(f"  ours                        {spread(fast)}")
    print(f"  ratio round by round        {spread([a / b for a, b in zip(slow, fast, strict=True)])}")
    print(f"  ours: losses and gradients  {spread(gradients)}")
    print(f"  the same, by autograd       {spread(autograd)}")
    print(f"  ours: projection and norms  {spread(projections)}")
    print(f"  its matrix products alone   {spread(floor)}")
    print(f"  largest difference of a point after {options.rounds + WARM_UP} steps: {error:.1e}, moved by {moved:.1e}")
    reached, best = flops / min(fast) / 1e6, flops / min(floor) / 1e6
    shares = f"our step {reached:.1f} = {100 * reached / peak:.0f}%, the products {best:.1f} = {100 * best / peak:.0f}%"
    print(f"  least times: float32 peak {peak:.1f} GFLOP/s, {shares} of it")


if __name__ == "__main__":
    main()
