"""Polish of stacked networks on the digits: passes and seconds to a gradient, against torch.optim.LBFGS one by one.

    OMP_NUM_THREADS=1 python benchmarks/polish.py [--networks 2] [--epochs 100] [--passes 1500]
    OMP_NUM_THREADS=1 python benchmarks/polish.py --gradients 31

64-16-16-10 networks with tanh, GELU and ReLU, λ = 1e-3 and 1e-4, 1,438 images, from minima of Adam, in float64 on one
thread. A pass is a gradient over all images at one θ. Printed for each way: passes and seconds to gradients of 1e-4,
1e-6 and 1e-8 (medians over the networks, – where half of them did not reach it; seconds are those of one network:
stacked networks share the time of each pass), and the mean objective after 100, 300, 1000 passes and at the end.
With --gradients: CPU milliseconds of one gradient of networks of the default experiment (64-32ᵏ-10, ReLU) in float32,
by autograd and without it, in turn, and of the inner products of a direction of L-BFGS, as products of a matrix and a
column and of a row and a matrix.
"""

import argparse
import itertools
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.datasets.load import load_dataset
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.networks.mlp import MLP
from lossbars.optimise.minimise import minimise
from lossbars.optimise.polish import polish
from lossbars.recipes import Minima, Polish
from lossbars.seeding import generator

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "gelu": nn.GELU, "relu": nn.ReLU}
TOLERANCES, PLACES = (1e-4, 1e-6, 1e-8), (100, 300, 1000)


@dataclass(frozen=True)
class Way:
    """Objective and gradient's norm (n, p) after each pass, and the seconds of all."""

    values: Tensor
    norms: Tensor
    seconds: float

    def cells(self) -> list[str]:
        most = self.norms.shape[1]
        cost = self.seconds / self.norms.numel()
        cells = []
        for tolerance in TOLERANCES:
            below = self.norms <= tolerance
            first = [int(row.nonzero()[0]) + 1 if bool(row.any()) else most + 1 for row in below]
            middle = statistics.median_high(first)
            cells.append("–" if middle > most else f"{middle} ({cost * middle:.1f} s)")
        places = [min(place, most) - 1 for place in PLACES] + [most - 1]
        return cells + [f"{float(self.values[:, place].mean()):.7f}" for place in places]


def ours(preconditioner: str) -> Callable[[Landscape, Tensor, int], Way]:
    def run(landscape: Landscape, start: Tensor, passes: int) -> Way:
        begun = time.perf_counter()
        end = polish(landscape, start, Polish(passes=passes, fall=0.0, preconditioner=preconditioner))
        seconds = time.perf_counter() - begun
        return Way(end.values, end.norms, seconds * passes * len(start) / float(end.passes.sum()))

    return run


def torchs(landscape: Landscape, start: Tensor, passes: int) -> Way:
    """torch.optim.LBFGS with the strong Wolfe line search and the same history, network by network."""
    values, norms, begun, spent = [], [], time.perf_counter(), 0
    for row in start.double():
        theta, seen = row.clone().requires_grad_(), list[tuple[float, float]]()
        optimiser = torch.optim.LBFGS(
            [theta], 1.0, passes, passes, 1e-10, 0.0, Polish().history, line_search_fn="strong_wolfe"
        )

        def closure(theta: Tensor = theta, seen: list[tuple[float, float]] = seen) -> Tensor:
            value, gradient = landscape.value_and_gradient(theta.detach()[None], None)
            theta.grad = gradient[0].clone()
            seen.append((float(value), float(gradient.norm())))
            return value[0]

        optimiser.step(closure)
        spent += len(seen)
        kept = (seen + [seen[-1]] * passes)[:passes]
        lowest = torch.tensor([value for value, _ in kept], dtype=torch.float64).cummin(0).values
        values.append(lowest)  # trials of the line search are no results
        norms.append(torch.tensor([norm for _, norm in kept], dtype=torch.float64))
    seconds = time.perf_counter() - begun
    return Way(torch.stack(values), torch.stack(norms), seconds * passes * len(start) / spent)


def cpu(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return 1e3 * (time.process_time() - begun)


def in_turn(name: str, before: Callable[[], Tensor], now: Callable[[], Tensor], rounds: int) -> None:
    """Print medians of both, the ratio round by round with its quartiles, and the largest difference."""
    error = float((before().clone() - now()).abs().max())
    times = [(cpu(before), cpu(now)) for _ in range(rounds)]
    low, ratio, high = statistics.quantiles([a / b for a, b in times], n=4)
    middle = " | ".join(f"{statistics.median(column):.2f}" for column in zip(*times, strict=True))
    print(f"| {name} | {middle} | {ratio:.2f} ({low:.2f} to {high:.2f}) | {error:.0e} |", flush=True)


def gradients(train: Split, rounds: int) -> None:
    print("| what | before, ms | now, ms | ratio | difference |\n" + "|---" * 5 + "|")
    for depth, networks in itertools.product((1, 2, 3), (8, 336)):
        plain, net = (
            NetworkLandscape(partial(MLP, (1, 8, 8), 10, depth, 32), train, 64, torch.device("cpu")) for _ in range(2)
        )
        plain.full_batch.chain = None
        theta = net.init(networks, generator("gradients"))
        before, now = (lambda of=of, theta=theta: of.value_and_gradient(theta, None)[1] for of in (plain, net))
        in_turn(f"gradient of {networks}, {depth} hidden", before, now, rounds)
    pairs, vectors = torch.randn(8, 100, 3466), torch.randn(8, 3466)
    rows = lambda: (vectors[:, None] @ pairs.mT)[:, 0]  # noqa: E731
    in_turn("100 inner products of 8", lambda: (pairs @ vectors[:, :, None])[:, :, 0], rows, rounds)


WAYS = {"torch": torchs, "L-BFGS": ours("none"), "K-FAC": ours("kfac")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--passes", type=int, default=1500)
    parser.add_argument("--activations", nargs="+", default=list(ACTIVATIONS))
    parser.add_argument("--decays", nargs="+", type=float, default=[1e-3, 1e-4])
    parser.add_argument("--gradients", type=int)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    digits = load_dataset("digits", None, Path())
    if asked.gradients:
        gradients(Split(digits.train_x, digits.train_y), asked.gradients)
        return
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread, "
        f"{asked.networks} networks"
    )
    print("| activation | λ | way | 1e-4 | 1e-6 | 1e-8 | objective at " + " | ".join(map(str, PLACES)) + " | end |")
    print("|---" * 10 + "|")
    for name in asked.activations:
        unit = ACTIVATIONS[name]
        for decay in asked.decays:
            net = NetworkLandscape(
                lambda unit=unit: make_net(unit), Split(digits.train_x, digits.train_y), 128, torch.device("cpu")
            )
            schedule = {"kind": "garipov", "lr": 5e-3}
            adam = Minima(optimiser="adam", epochs=asked.epochs, schedule=schedule, weight_decay=decay)
            orders = [generator("polish", "order", i) for i in range(asked.networks)]
            start = minimise(net, net.init(asked.networks, generator("polish")), adam, orders)
            for way, run in WAYS.items():
                if way == "K-FAC" and name == "relu":
                    continue
                cells = run(objective(net, decay), start, asked.passes).cells()
                print(f"| {name} | {decay:g} | {way} | " + " | ".join(cells) + " |", flush=True)


def make_net(unit: type[nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Flatten(-3), nn.Linear(64, 16), unit(), nn.Linear(16, 16), unit(), nn.Linear(16, 10))


if __name__ == "__main__":
    main()
