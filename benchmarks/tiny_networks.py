"""Which activation, biases, L2 and box do the published barcodes of tiny networks belong to?

The networks are those of Barcodes as summary, §4.2 and figure 7, which names none of these. For each
candidate: minima from many starts (or those of a cloud's bars), bars, and the largest value in the box, a line of a
table for each network. docs/tiny-networks.md says what follows.
"""

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np
import torch

from lossbars.landscapes.perceptron import ACTIVATIONS
from lossbars.landscapes.regression import Regression
from lossbars.optimise.multistart import find_minima, optimised_barcode
from lossbars.recipes import Curves, Minima
from lossbars.seeding import generator
from lossbars.sublevel import function_barcode

PUBLISHED = {(2,): (0.55, 0.65), (2, 2): (0.35, 0.45), (2, 2, 2): (0.1, 0.3)}  # tops of bars, section 4.2
SHORT = 1e-3  # bars shorter than this are not counted
LARGEST = 20  # bars of a cloud that count, by the size of their clusters: the rest is mostly noise


def ramp(lr: float, steps: int) -> dict[str, object]:
    schedule = {"kind": "ramp", "m1": steps / 2, "m2": float(steps), "lr_max": lr, "lr_min": lr / 1000}
    return {"optimiser": "adam", "schedule": schedule, "epochs": steps}


def curves(steps: int) -> Curves:
    family, grid = {"kind": "chain", "bends": 7}, {"points": 101, "refinements": 4}
    return Curves(**ramp(0.05, steps), family=family, points=12, tilt=50.0, grid=grid)


@dataclass(frozen=True)
class Measured:
    """Losses of the minima, and births and deaths (b, 2) of the finite bars; no bars where none were asked for."""

    losses: np.ndarray
    bars: np.ndarray | None

    def cells(self, hidden: tuple[int, ...]) -> list[str]:
        cells = quantiles(self.losses)
        if self.bars is None:
            return cells
        tops = self.bars[self.bars[:, 1] - self.bars[:, 0] > SHORT, 1]
        low, high = PUBLISHED.get(hidden, (np.nan, np.nan))
        inside = f"{np.mean((tops >= low) & (tops <= high)):.0%}" if len(tops) and low == low else "–"
        return [*cells, str(len(tops)), *(quantiles(tops) if len(tops) else ["–"] * 3), inside]


def quantiles(values: np.ndarray) -> list[str]:
    return [f"{value:.3f}" for value in np.quantile(values, [0.0, 0.5, 1.0])]


def largest(net: Regression, n: int = 100_000) -> str:
    """The largest value among n uniform places, and among n corners of the box."""
    places = net.init(n, generator("tiny-networks", "largest"))
    return f"{net.loss(places).max():.3g}, {net.loss(places.sign() * net.box[0][1]).max():.3g}"


def of_cloud(net: Regression, n: int) -> Measured:
    """The paper's graph of n uniform points (k = 2 D, cut 2): the bars of the largest clusters, and their minima."""
    found = function_barcode(net, net.box, n, 0, sampling="random", k=2 * net.dim, cut=2.0)
    finite = np.isfinite(found.deaths)
    order = np.argsort(-found.sizes[finite])[:LARGEST]
    bars = np.stack([found.births[finite][order], found.deaths[finite][order]], axis=1)
    return Measured(np.append(bars[:, 0], found.value_range[0]), bars)


def measure(net: Regression, options: argparse.Namespace) -> Measured:
    if options.cloud:
        return of_cloud(net, options.cloud)
    minima = Minima(**ramp(0.05, options.steps))
    if not options.bars:
        return Measured(find_minima(net, net.box, options.starts, minima, 0)[1].numpy(), None)
    found = optimised_barcode(net, net.box, options.starts, minima, curves(options.curve_steps), 0)
    finite = [(bar.birth, bar.death) for bar in found.merged.bars if bar.dies_at]
    return Measured(found.values.numpy(), np.array(finite).reshape(-1, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activations", nargs="+", default=["sigmoid"], choices=list(ACTIVATIONS))
    parser.add_argument("--biases", nargs="+", type=int, default=[0], choices=[0, 1])
    parser.add_argument("--weight-decay", nargs="+", type=float, default=[1e-3])
    parser.add_argument("--box", nargs="+", type=float, default=[8.0])
    parser.add_argument("--nets", nargs="+", default=["2", "2,2", "2,2,2"])
    for name, default in (("starts", 100), ("steps", 1000), ("curve-steps", 300)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--bars", action="store_true", help="optimise curves too")
    parser.add_argument("--cloud", type=int, default=0, help="points of a cloud, instead of descents")
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = ["activation", "biases", "L2", "box", "net", "dim", "minima: least", "median", "most"]
    head += ["bars", "tops: least", "median", "most", "in the interval"] if options.bars or options.cloud else []
    print("| " + " | ".join([*head, "largest value", "s"]) + " |\n" + "|---" * (len(head) + 2) + "|")
    for activation, biases, decay, box, hidden in itertools.product(
        options.activations, options.biases, options.weight_decay, options.box, options.nets
    ):
        begin = time.perf_counter()
        net = Regression([int(width) for width in hidden.split(",")], activation, bool(biases), decay, box)
        line = [activation, "yes" if biases else "no", f"{decay:g}", f"{box:g}", net.name, str(net.dim)]
        line += [*measure(net, options).cells(net.hidden), largest(net)]
        print("| " + " | ".join([*line, f"{time.perf_counter() - begin:.0f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
