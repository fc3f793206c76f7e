"""Barcodes of small networks whose deaths are certified saddles, and a search by brute force for lower ways.

Networks 16 → width → classes with one hidden layer on digits whose pixels are averaged to 4 × 4 inputs, squared error
plus λ/2 ‖θ‖². ``certified_barcode`` joins minima from random starts by certified saddles. Then brute force, with other
random numbers: minima from many more random starts; Bezier curves with random control points between random minima of
the two parts that meet at each death, relaxed; climbs from random places around minima, in all directions. Saddles from
all of these are examined and added, and each curve counts at its maximum. A way is lower if the death of a bar, with
all that brute force found, is less than the certified one by more than 1e-9 of it.
"""

import argparse
import itertools
import time
from collections.abc import Mapping

import torch
from sklearn.datasets import load_digits
from torch import Generator, Tensor

from lossbars.barcodes.barcode import Bar, Barcode
from lossbars.barcodes.complex import FilteredComplex, Simplex, merged_barcode
from lossbars.hessian.derivatives import RECORD
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.optimise.polish import polish
from lossbars.optimise.saddles.certificates import among_given
from lossbars.optimise.saddles.certify import loss_in_box
from lossbars.optimise.saddles.closure import CertifiedBarcode, Closing, certified_barcode
from lossbars.optimise.saddles.graph import SaddleGraph, components
from lossbars.optimise.saddles.humps import CurveSearch
from lossbars.recipes import Polish, Settle
from lossbars.seeding import generator
from lossbars.simplices.bezier import Bezier
from lossbars.simplices.simplex import Simplices

LOWER = 1e-9  # share of a death by which a way must be lower
COPY = 1e-10  # relative difference of values up to which a minimum of brute force is no lower than a known one
FAMILY = Bezier(3)


def network(activation: str, width: int, decay: float, samples: int, classes: int) -> Perceptron:
    digits = load_digits(n_class=classes)
    x = torch.tensor(digits.images[:samples]).double().view(-1, 4, 2, 4, 2).mean((2, 4)).flatten(1) / 8 - 1
    y = torch.nn.functional.one_hot(torch.tensor(digits.target[:samples]), classes).double()
    return Perceptron(Architecture((width,), activation, True), x, y, "half-square", decay)


def minima(net: Perceptron, count: int, random: Generator) -> Tensor:
    """θ (n, d) of polished minima by increasing value, those that are one taken once."""
    start = net.init(count, random)
    end = polish(net, start, Polish(passes=20000, gradient=1e-11, fall=0.0))
    kept: list[Tensor] = []
    for place in end.theta[end.value.argsort()]:
        if not kept or float(torch.cdist(torch.stack(kept), place[None]).min()) > 1e-4:
            kept.append(place)
    return torch.stack(kept)


class BruteForce:
    """All that random starts, curves and climbs find beside a certified barcode."""

    def __init__(self, net: Perceptron, result: CertifiedBarcode, starts: int, random: Generator) -> None:
        self.net, self.result, self.random = net, result, random
        more = minima(net, starts, random)
        new = more[torch.cdist(more, result.minima).amin(1) > 1e-4]
        places = torch.cat([result.minima, new])
        self.graph = SaddleGraph(loss_in_box(net, places, RECORD, None), Closing().certifying, places)
        self.graph.edges |= result.certificates
        self.heights: dict[Simplex, float] = {}

    def curves(self, each: int) -> None:
        """Random curves across each death."""
        pairs = []
        for bar in self.result.closed.bars:
            if bar.dies_at:
                one, other = self._parts(bar)
                for _ in range(each):
                    p, q = (part[int(torch.randint(len(part), (1,), generator=self.random))] for part in (one, other))
                    pairs.append((min(p, q), max(p, q)))
        if not pairs:
            return
        corners = self.graph.minima[torch.tensor(pairs)]
        nodes = FAMILY.start(corners)
        noise = torch.randn(nodes[:, 1:-1].shape, generator=self.random, dtype=torch.float64)
        length = torch.linalg.vector_norm(corners[:, 0] - corners[:, 1], dim=1) / self.net.dim**0.5
        nodes[:, 1:-1] += length[:, None, None] * noise
        search = CurveSearch(settle=Settle(passes=1200), refinements=12)
        curves = search.humps(self.net, Simplices(FAMILY, nodes))
        for pair, height in zip(pairs, curves.heights, strict=True):
            self.heights[pair] = min(height, self.heights.get(pair, height))
        self.graph.climb(curves.tops)

    def climbs(self, count: int) -> None:
        """From random places at random distances around the minima of the barcode."""
        places = self.result.minima
        chosen = places[torch.randint(len(places), (count,), generator=self.random)]
        apart = torch.cdist(places, places).fill_diagonal_(torch.inf).amin(1).median()
        noise = torch.randn(chosen.shape, generator=self.random, dtype=torch.float64)
        length = apart * torch.rand(count, 1, generator=self.random, dtype=torch.float64)
        self.graph.climb(chosen + length * noise / self.net.dim**0.5)

    def _parts(self, bar: Bar) -> tuple[list[int], list[int]]:
        values = self.result.complex.values
        below = [edge for edge, value in values.items() if len(edge) == 2 and value < bar.death]
        parts = components(len(self.result.minima), below)
        one, other = (next(part for part in parts if end in part) for end in bar.dies_at or ())
        return one, other

    def lower_ways(self) -> tuple[int, int]:
        """How many bars, of the closed barcode and among given minima, have a lower way."""
        found = self.graph.complex()
        values = dict(found.values) | self._births(found.minima)
        for edge, height in self.heights.items():
            values[edge] = min(height, values.get(edge, height))
        complex_ = FilteredComplex.of(values)
        between, _ = among_given(complex_, self.result.given)
        return (
            _lower(self.result.closed, merged_barcode(complex_)),
            _lower(self.result.among_given, merged_barcode(between)),
        )

    def _births(self, minima: Mapping[int, float]) -> dict[Simplex, float]:
        """Known values of known minima, and of those that equal one, up to rounding."""
        known = self.result.values
        births: dict[Simplex, float] = {}
        for i, value in minima.items():
            nearest = float(known[(known - value).abs().argmin()])
            births[(i,)] = nearest if abs(nearest - value) <= COPY * abs(value) else value
            if i < len(known):
                births[(i,)] = float(known[i])
        return births


def _lower(certified: Barcode, brute: Barcode) -> int:
    deaths = {bar.born_at: bar.death for bar in brute.bars}
    return sum(deaths[bar.born_at] < bar.death - LOWER * abs(bar.death) for bar in certified.bars if bar.dies_at)


def row(activation: str, width: int, decay: float, asked: argparse.Namespace) -> str:
    """One line of the table."""
    net = network(activation, width, decay, asked.samples, asked.classes)
    random = generator("certified-networks", activation, width, asked.seed)
    given = minima(net, asked.given, random)
    report = (lambda line: print(f"{activation} {width}: {line}", flush=True)) if asked.verbose else None
    at = time.process_time()
    result = certified_barcode(net, given, settings=Closing(lowering=asked.lowering), report=report)
    seconds = time.process_time() - at
    largest = max((certificate.gradient for certificate in result.certificates.values()), default=float("nan"))
    at = time.process_time()
    brute = BruteForce(net, result, asked.starts, random)
    brute.curves(asked.curves)
    brute.climbs(asked.climbs)
    lower = brute.lower_ways()
    spent = time.process_time() - at
    shares = [f"{share}/{bars}" for share, bars in (result.certified_given, result.certified_closed)]
    known = f"{len(given)} + {len(result.minima) - len(given)} | {len(brute.graph.minima) - len(result.minima)}"
    ways = f"{lower[1]} + {lower[0]}"
    name = f"16-{width}-{asked.classes} {activation}"
    return (
        f"| {name} | {net.dim} | {decay:g} | {known} | {shares[0]} | {shares[1]} | "
        f"{largest:.0e} | {brute.graph.climbs} | {ways} | {seconds:.0f} | {spent:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--activations", nargs="+", default=["tanh", "gelu"])
    parser.add_argument("--widths", nargs="+", type=int, default=[2])
    parser.add_argument("--decays", nargs="+", type=float, default=[1e-2, 3e-3])
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--given", type=int, default=5)
    parser.add_argument("--lowering", type=int, default=8)
    parser.add_argument("--starts", type=int, default=40)
    parser.add_argument("--curves", type=int, default=4)
    parser.add_argument("--climbs", type=int, default=200)
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| network | d | λ | minima: given + found | more by brute force | certified among given | certified, closed "
        "| largest gradient | climbs of brute force | lower ways: among given + closed | CPU s | CPU s, brute force |\n"
        + "|---" * 12
        + "|"
    )
    for of_network in itertools.product(asked.activations, asked.widths, asked.decays):
        print(row(*of_network, asked), flush=True)


if __name__ == "__main__":
    main()
