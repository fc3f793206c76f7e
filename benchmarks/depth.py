"""TO-scores of fully connected networks against depth and weight decay, before and after convergence.

    OMP_NUM_THREADS=1 python benchmarks/depth.py --data mnist --data-root DATA --samples 6000 --keep depth.jsonl

For each activation, weight decay and depth: minima by Adam and Bezier curves with three bends between all pairs by
Adam (``trained``); then the minima polished, the curves led to their new ends and settled (``converged``); then
descents from all dips of the curves (``closed``: the minima they find are minima of the barcode). All on the objective,
float32. A cell is a line of ``--keep``; cells that it has are not computed again. Printed: TO-scores (√2, merged) and
what is not known: ``minima``, the largest residue of a minimum, and ``curves``, the largest of a curve, both as shares
of the longest bar; ``found`` is how many minima were found, ``below`` how far the lowest of all lies below the lowest
given one.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.measured import Measured, MeasuredComplex
from lossbars.datasets.dataset import Split, as_inputs
from lossbars.datasets.load import load_dataset
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.connect import connect
from lossbars.optimise.dips import Curve, descend_from
from lossbars.optimise.minimise import minimise
from lossbars.optimise.polish import polish
from lossbars.optimise.settle import settle
from lossbars.recipes import Descents, Grid, Minima, Polish, Settle
from lossbars.recipes import Simplices as Training
from lossbars.seeding import generator
from lossbars.simplices import Bezier
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}
FAMILY = Bezier(3)
GRID = Grid(points=31, refinements=3)
Asked = argparse.Namespace


def make_net(inputs: int, depth: int, width: int, unit: type[nn.Module]) -> nn.Module:
    widths = [inputs, *[width] * depth]
    hidden = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), unit())]
    return nn.Sequential(nn.Flatten(-3), *hidden, nn.Linear(width, 10))


def adam(top: float, asked: Asked, decay: float) -> dict[str, Any]:
    """What the recipes of minima and curves share."""
    schedule = {"kind": "cyclical", "lr_max": top, "lr_min": 1e-6}
    return {"optimiser": "adam", "epochs": asked.epochs, "schedule": schedule, "weight_decay": decay, "batch_size": 128}


def cell(train: Split, activation: str, decay: float, depth: int, asked: Asked) -> dict[str, Any]:
    """All that is measured for one activation, weight decay and depth."""
    inputs, unit, at = train.x[0].numel(), ACTIVATIONS[activation], time.process_time()
    net = NetworkLandscape(lambda: make_net(inputs, depth, asked.width, unit), train, 128, torch.device("cpu"))
    landscape, numbers = objective(net, decay), range(asked.minima)
    start = net.init(asked.minima, generator("start", depth))
    theta = minimise(net, start, Minima(**adam(5e-3, asked, decay)), [generator("order", i) for i in numbers])
    pairs = list(itertools.combinations(numbers, 2))
    places = [generator("place", i) for i in range(len(pairs))]
    flat = Simplices(FAMILY, FAMILY.start(_corners(theta, pairs)))
    trained = connect(landscape, flat, Training(**adam(2e-3, asked, decay)), generator("order"), places)
    before = _barcode(landscape.loss(theta), pairs, profiles(landscape, trained, GRID))
    end = polish(landscape, theta, Polish(passes=asked.polish, precision="float32"))
    nodes = trained.nodes.clone()
    nodes[:, [0, -1]] = _corners(end.theta, pairs)
    curves = settle(landscape, Simplices(FAMILY, nodes), Settle(passes=asked.settle, precision="float32"), GRID)
    after = _barcode(end.value, pairs, curves.profiles)
    closed, found, lowest = _closed(landscape, end.theta, end.value, pairs, curves.simplices, curves.profiles, asked)
    return {
        "activation": activation, "decay": decay, "depth": depth,
        "losses": landscape.loss(theta).tolist(), "polished": end.value.tolist(),
        "gradients": end.gradient_norm.tolist(), "minima_residues": end.residue.tolist(),
        "curve_residues": curves.residue.tolist(), "trained": before.to_score("sqrt2"),
        "converged": after.to_score("sqrt2"), "closed": closed.to_score("sqrt2"),
        "found": found, "lowest": lowest, "seconds": time.process_time() - at,
    }  # fmt: skip


def _corners(theta: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    return torch.stack([theta[list(pair)] for pair in pairs])


def _barcode(values: Tensor, pairs: list[tuple[int, int]], measured: list[Profile]) -> Barcode:
    """The merged barcode of minima and curves."""
    points = [Measured((i,), float(value)) for i, value in enumerate(values)]
    curves = [Measured(pair, profile.value) for pair, profile in zip(pairs, measured, strict=True)]
    return MeasuredComplex.of([*points, *curves]).barcodes()[1]


def _closed(
    landscape: Landscape,
    theta: Tensor,
    values: Tensor,
    pairs: list[tuple[int, int]],
    simplices: Simplices,
    measured: list[Profile],
    asked: Asked,
) -> tuple[Barcode, int, float]:
    """The merged barcode in which minima that are found count; how many there are, and the lowest of all minima."""

    def at(number: int, t: Tensor) -> Tensor:
        return Simplices(FAMILY, simplices.nodes[number : number + 1]).at(t[None, :, None])[0]

    curves = [Curve(pair, measured[i], lambda t, i=i: at(i, t), i) for i, pair in enumerate(pairs)]
    found = descend_from(landscape, theta, curves, Descents(places="dips", passes=asked.descents))
    every = torch.cat([values, found.value])
    points = [Measured((i,), float(value)) for i, value in enumerate(every)]
    edges = [Measured(pair, profile.value) for pair, profile in zip(pairs, measured, strict=True)]
    edges += [Measured((min(piece.ends), max(piece.ends)), piece.height) for piece in found.pieces]
    return MeasuredComplex.of([*points, *edges]).barcodes()[1], len(found.value), float(every.min())


def row(one: dict[str, Any]) -> str:
    """A line of the table."""
    bar = one["converged"] * 2**0.5
    shares = [max(one[name]) / bar if bar else float("nan") for name in ("minima_residues", "curve_residues")]
    below = min(one["polished"]) - one["lowest"]
    numbers = f"{min(one['losses']):.5f} to {max(one['losses']):.5f} | {one['trained']:.2e} | "
    numbers += f"{min(one['polished']):.5f} to {max(one['polished']):.5f} | {one['converged']:.2e} | "
    numbers += f"{shares[0]:.2f} | {shares[1]:.2f} | {one['found']} | {below:.1e} | {one['closed']:.2e}"
    return f"| {one['activation']} | {one['decay']:g} | {one['depth']} | {numbers} | {one['seconds']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--minima", type=int, default=4)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--polish", type=int, default=300)
    parser.add_argument("--settle", type=int, default=300)
    parser.add_argument("--descents", type=int, default=100)
    parser.add_argument("--depths", nargs="+", type=int, default=[2, 4, 8])
    parser.add_argument("--decays", nargs="+", type=float, default=[5e-4, 0.0, 1e-4, 1e-3, 1e-5])
    parser.add_argument("--activations", nargs="+", default=list(ACTIVATIONS))
    parser.add_argument("--keep", type=Path, help="a file of cells, continued where it is there")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset(asked.data, asked.data_root, Path())
    train = Split(as_inputs(data.train_x[: asked.samples]), data.train_y[: asked.samples])
    kept = (
        [json.loads(line) for line in asked.keep.read_text().splitlines()] if asked.keep and asked.keep.exists() else []
    )
    done = {(one["activation"], one["decay"], one["depth"]): one for one in kept}
    names = (
        "activation | λ | depth | minima, trained | TO, trained | minima, polished | TO, converged | minima | curves"
    )
    print(f"| {names} | found | below | TO, closed | CPU s |\n" + "|---" * 13 + "|")
    for decay, depth, activation in itertools.product(asked.decays, asked.depths, asked.activations):
        one = done.get((activation, decay, depth)) or cell(train, activation, decay, depth, asked)
        if asked.keep and (activation, decay, depth) not in done:
            with asked.keep.open("a") as file:
                file.write(json.dumps(one) + "\n")
        print(row(one), flush=True)


if __name__ == "__main__":
    main()
