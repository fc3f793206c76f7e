"""Curves brought to convergence: how far their maxima lie above their higher ends, at equal numbers of gradients.

    OMP_NUM_THREADS=1 python benchmarks/settle.py [--networks 3] [--passes 600 1200 2400 4800]

64-16-16-10 networks with tanh, GELU and ReLU, λ = 1e-3, on the digits (1,438 images); minima from 100 epochs of Adam,
polished for 1,500 passes in float64; a Bezier curve with three bends for every pair. A pass is one gradient over all
images at one place of a curve. ``Adam``: all passes are epochs of random-t optimisation. ``settled``: the first 120
passes are, the others are quasi-Newton on the control points (lossbars.optimise.settle), in float64. Printed: mean rise
of the curves' maxima above the higher end, and of settled curves the mean residue.
"""

import argparse
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.datasets.load import load_dataset
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.connect import connect
from lossbars.optimise.minimise import minimise
from lossbars.optimise.polish import polish
from lossbars.optimise.settle import settle
from lossbars.recipes import Grid, Minima, Polish, Settle
from lossbars.recipes import Simplices as Training
from lossbars.seeding import generator
from lossbars.simplices import Bezier
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "gelu": nn.GELU, "relu": nn.ReLU}
DECAY, FIRST, BATCH = 1e-3, 120, 64
GRID = Grid(points=61, refinements=4)
FAMILY = Bezier(3)


def make_net(unit: type[nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Flatten(-3), nn.Linear(64, 16), unit(), nn.Linear(16, 16), unit(), nn.Linear(16, 10))


def minima(net: NetworkLandscape, count: int, passes: int) -> Tensor:
    """θ (n, d), float64."""
    adam = Minima(optimiser="adam", epochs=100, schedule={"kind": "garipov", "lr": 5e-3}, weight_decay=DECAY)
    start = minimise(net, net.init(count, generator("settle")), adam, [generator("order", i) for i in range(count)])
    return polish(objective(net, DECAY), start, Polish(passes=passes)).theta


def trained(landscape: Landscape, corners: Tensor, epochs: int) -> Simplices:
    """Curves after so many epochs of random-t optimisation, their ends as they were."""
    schedule = {"kind": "cyclical", "lr_max": 1e-2, "lr_min": 1e-5}
    recipe = Training(optimiser="adam", epochs=epochs, schedule=schedule, batch_size=BATCH, weight_decay=DECAY)
    start = FAMILY.start(corners)
    places = [generator("place", i) for i in range(len(corners))]
    end = connect(landscape, Simplices(FAMILY, start.float()), recipe, generator("order"), places)
    start[:, 1:-1] = end.nodes[:, 1:-1].double()
    return Simplices(FAMILY, start)


def rise(measured: Sequence[Profile]) -> float:
    """Mean of the maxima less the higher ends."""
    return sum(profile.value - float(profile.loss[[0, -1]].max()) for profile in measured) / len(measured)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--polish", type=int, default=1500)
    parser.add_argument("--passes", nargs="+", type=int, default=[600, 1200, 2400, 4800])
    parser.add_argument("--activations", nargs="+", default=list(ACTIVATIONS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    digits = load_dataset("digits", None, Path())
    print("| activation | passes | Adam | s | settled | residue | s |\n" + "|---" * 7 + "|")
    for name in asked.activations:
        unit = ACTIVATIONS[name]
        data = Split(digits.train_x, digits.train_y)
        net = NetworkLandscape(lambda unit=unit: make_net(unit), data, BATCH, torch.device("cpu"))
        landscape, theta = objective(net, DECAY), minima(net, asked.networks, asked.polish)
        corners = torch.stack([theta[list(pair)] for pair in itertools.combinations(range(asked.networks), 2)])
        begun = trained(landscape, corners, min(FIRST, *asked.passes))
        for passes in asked.passes:
            at = time.perf_counter()
            alone = rise(profiles(landscape, trained(landscape, corners, passes), GRID))
            between = time.perf_counter()
            settled = settle(landscape, begun, Settle(passes=max(1, passes - FIRST)), GRID)
            seconds = f"{between - at:.0f}", f"{time.perf_counter() - between:.0f}"
            numbers = f"{alone:.3e} | {seconds[0]} | {rise(settled.profiles):.3e} | {float(settled.residue.mean()):.1e}"
            print(f"| {name} | {passes} | {numbers} | {seconds[1]} |", flush=True)


if __name__ == "__main__":
    main()
