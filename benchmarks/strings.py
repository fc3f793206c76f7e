"""Dynamic String Sampling of ten pairs of 1-4-4-1 networks: all beads in one step, against pair after pair.

    OMP_NUM_THREADS=1 python benchmarks/strings.py [--pairs 10] [--rounds 7] [--epochs 2000]

Both find the same strings on the cubic task, down to a threshold of .05, on one thread. They are timed in turn, A B A B
…; printed are median and quartiles in seconds, and the ratio round by round. Warm-up is left out.
"""

import argparse
import platform
import statistics
import time

import torch
from torch import Tensor

from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.toy_data import cubic
from lossbars.optimise.strings.sweep import sweep
from lossbars.recipes import Beads
from lossbars.seeding import generator

THRESHOLDS = [0.2, 0.15, 0.1, 0.07, 0.05]


def recipe(epochs: int) -> Beads:
    schedule = {"kind": "constant", "lr": 1e-2}
    family = {"kind": "string", "rounds": 12}
    return Beads(optimiser="adam", schedule=schedule, epochs=epochs, check_every=20, family=family)


def run(net: Perceptron, starts: Tensor, beads: Beads) -> list[tuple[bool, int]]:
    """Whether each pair was connected, and by how many beads, at each threshold."""
    answers, _ = sweep(net, net, lambda _: starts, THRESHOLDS, beads, lambda *place: generator("strings", *place))
    return [(one.connected, one.beads) for one in sorted(answers, key=lambda one: (one.pair, -one.threshold))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=2000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    net = Perceptron(Architecture((4, 4), "sigmoid", True), *cubic(), "l1")
    starts = net.init(2 * asked.pairs, generator("ends")).view(asked.pairs, 2, -1)
    times: dict[str, list[float]] = {"stacked": [], "pair after pair": []}
    found: dict[str, list[tuple[bool, int]]] = {}
    for number in range(asked.rounds + 1):
        for name in times:
            begun = time.perf_counter()
            parts = [starts] if name == "stacked" else list(starts.split(1))
            found[name] = [answer for part in parts for answer in run(net, part, recipe(asked.epochs))]
            if number:
                times[name].append(time.perf_counter() - begun)
    same = sum(a == b for a, b in zip(*found.values(), strict=True))
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {asked.rounds} rounds, one thread")
    print(f"the same answers: {same} of {len(found['stacked'])}")
    ratios = [slow / fast for fast, slow in zip(*times.values(), strict=True)]
    for name, own in (times | {"ratio": ratios}).items():
        low, median, high = statistics.quantiles(own, n=4)
        print(f"{name:16} median {median:.2f}, quartiles {low:.2f} to {high:.2f}")


if __name__ == "__main__":
    main()
