"""Curves brought to convergence: what each optimiser makes of them, at equal numbers of gradients.

    OMP_NUM_THREADS=1 python benchmarks/settle.py [--passes 600 1200 2400 4800] [--activations tanh gelu relu]
    OMP_NUM_THREADS=1 python benchmarks/settle.py --data mnist --data-root DATA --samples 1000 --depth 4 --width 32 \
        --minima 10 --decay 5e-4 --precision float32 --passes 600 1200 2400 --activations gelu relu

Fully connected networks; minima from 100 epochs of Adam, polished; all pairs of them. A pass is one gradient over all
samples at one place of a curve. ``Adam``: a Bezier curve with three bends, all passes are epochs of random-t
optimisation. ``flow``: paths of 9 points, of which 7 move, by the normal-gradient flow. ``settled``: a Bezier curve
whose first 120 passes are random-t optimisation and the others quasi-Newton on the control points
(lossbars.optimise.settle). Printed: the mean rise of the curves' maxima above the higher ends; by what share of it half
as many passes end higher (the residue); gradients (samples × passes × curves); seconds.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lossbars.datasets.dataset import Split, as_inputs
from lossbars.datasets.load import load_dataset
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.connect import connect
from lossbars.optimise.flow import flow, path_profiles
from lossbars.optimise.minimise import minimise
from lossbars.optimise.polish import polish
from lossbars.optimise.settle import settle
from lossbars.recipes import Grid, Minima, PathGrid, Paths, Polish, Settle
from lossbars.recipes import Simplices as Training
from lossbars.seeding import generator
from lossbars.simplices import Bezier
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "gelu": nn.GELU, "relu": nn.ReLU}
FIRST = 120
POINTS = 9
GRID = Grid(points=61, refinements=4)
FAMILY = Bezier(3)
CYCLE = {"kind": "cyclical", "lr_max": 1e-2, "lr_min": 1e-5}


def make_net(inputs: int, asked: argparse.Namespace, unit: type[nn.Module]) -> nn.Module:
    widths = [inputs, *[asked.width] * asked.depth]
    hidden = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), unit())]
    return nn.Sequential(nn.Flatten(-3), *hidden, nn.Linear(asked.width, 10))


def minima(net: NetworkLandscape, asked: argparse.Namespace) -> Tensor:
    """θ (n, d), in the precision that is asked for."""
    schedule = {"kind": "garipov", "lr": 5e-3}
    adam = Minima(optimiser="adam", epochs=100, schedule=schedule, weight_decay=asked.decay)
    orders = [generator("order", i) for i in range(asked.minima)]
    start = minimise(net, net.init(asked.minima, generator("settle")), adam, orders)
    how = Polish(passes=asked.polish, precision=asked.precision)
    return polish(objective(net, asked.decay), start, how).theta


def trained(landscape: Landscape, corners: Tensor, epochs: int, asked: argparse.Namespace) -> Simplices:
    """Curves after so many epochs of random-t optimisation, their ends as they were."""
    recipe = Training(optimiser="adam", epochs=epochs, schedule=CYCLE, batch_size=asked.batch, weight_decay=asked.decay)
    start = FAMILY.start(corners)
    places = [generator("place", i) for i in range(len(corners))]
    end = connect(landscape, Simplices(FAMILY, start.float()), recipe, generator("order"), places)
    start[:, 1:-1] = end.nodes[:, 1:-1].to(start)
    return Simplices(FAMILY, start)


def flowed(landscape: Landscape, corners: Tensor, passes: int, asked: argparse.Namespace) -> list[Profile]:
    """The loss along paths of which each moving point takes its share of the passes."""
    recipe = Paths(
        optimiser="adam",
        epochs=max(1, passes // (POINTS - 2)),
        schedule=CYCLE | {"lr_max": 3e-3},
        batch_size=asked.batch,
        weight_decay=asked.decay,
        family={"kind": "path", "points": POINTS},
    )
    end = flow(landscape, corners.float(), recipe, generator("order"))
    return path_profiles(landscape, end.paths, PathGrid(between=6, refinements=4))


def settled(landscape: Landscape, begun: Simplices, passes: int, asked: argparse.Namespace) -> list[Profile]:
    """The loss along curves that were trained for :data:`FIRST` passes and take the others by quasi-Newton."""
    how = Settle(passes=max(1, passes - FIRST), precision=asked.precision)
    return settle(landscape, begun, how, GRID).profiles


def rise(measured: Sequence[Profile]) -> float:
    """Mean of the maxima less the higher ends."""
    return sum(profile.value - float(profile.loss[[0, -1]].max()) for profile in measured) / len(measured)


def compare(name: str, landscape: Landscape, theta: Tensor, samples: int, asked: argparse.Namespace) -> None:
    """Print a row for each optimiser and each number of passes."""
    corners = torch.stack([theta[list(pair)] for pair in itertools.combinations(range(len(theta)), 2)])
    begun = trained(landscape, corners, min(FIRST, *asked.passes), asked)
    optimisers: dict[str, Callable[[int], list[Profile]]] = {
        "settled": lambda passes: settled(landscape, begun, passes, asked),
        "Adam": lambda passes: profiles(landscape, trained(landscape, corners, passes, asked), GRID),
        "flow": lambda passes: flowed(landscape, corners, passes, asked),
    }
    for optimiser in asked.optimisers:
        before = float("nan")
        for passes in asked.passes:
            at = time.perf_counter()
            now = rise(optimisers[optimiser](passes))
            share, gradients = (before - now) / now, samples * passes * len(corners)
            took = time.perf_counter() - at
            numbers = f"{passes} | {gradients:.1e} | {now:.3e} | {100 * share:.0f} | {took:.0f}"
            print(f"| {name} | {optimiser} | {numbers} |", flush=True)
            before = now


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--minima", type=int, default=3)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--decay", type=float, default=1e-3)
    parser.add_argument("--precision", default="float64")
    parser.add_argument("--polish", type=int, default=1500)
    parser.add_argument("--passes", nargs="+", type=int, default=[600, 1200, 2400, 4800])
    parser.add_argument("--optimisers", nargs="+", default=["settled", "Adam", "flow"])
    parser.add_argument("--activations", nargs="+", default=list(ACTIVATIONS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset(asked.data, asked.data_root, Path())
    train = Split(as_inputs(data.train_x[: asked.samples]), data.train_y[: asked.samples])
    inputs = train.x[0].numel()
    print("| activation | optimiser | passes | gradients | rise | residue, % | s |\n" + "|---" * 7 + "|")
    for name in asked.activations:
        unit = ACTIVATIONS[name]
        make = lambda unit=unit: make_net(inputs, asked, unit)  # noqa: E731
        net = NetworkLandscape(make, train, asked.batch, torch.device("cpu"))
        compare(name, objective(net, asked.decay), minima(net, asked), len(train.x), asked)


if __name__ == "__main__":
    main()
