"""Which pairs of minima a curve is tried between next."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from lossbars.barcodes.complex import Simplex, merged_barcode
from lossbars.optimise.saddles.graph import SaddleGraph, components


def missing_connections(
    places: Float[Tensor, "k d"], parts: Sequence[Sequence[int]], tried: set[Simplex]
) -> list[Simplex]:
    """Pairs that would join all parts, of the least total distance, among pairs that were not tried; shortest first."""
    pairs: dict[tuple[int, int], Simplex] = {}
    distances = np.zeros((len(parts), len(parts)))
    for one, other in combinations(range(len(parts)), 2):
        for pair in nearest_across(places, parts[one], parts[other], tried, 1):
            pairs[one, other] = pair
            distances[one, other] = float(torch.dist(places[pair[0]], places[pair[1]]))
    tree = minimum_spanning_tree(distances).tocoo()
    edges = sorted(zip(tree.data.tolist(), tree.row.tolist(), tree.col.tolist(), strict=True))
    return [pairs[one, other] for _, one, other in edges]


def across_deaths(graph: SaddleGraph, tried: set[Simplex], count: int, most: int) -> list[Simplex]:
    """For each finite bar, the longest first, ``count`` pairs of minima of the two parts that meet at its death."""
    complex_ = graph.complex()
    bars = sorted((bar for bar in merged_barcode(complex_).bars if bar.dies_at), key=lambda bar: -bar.length)
    chosen: list[Simplex] = []
    for bar in bars:
        below = [edge for edge, value in complex_.values.items() if len(edge) == 2 and value < bar.death]
        parts = components(len(graph.names.places), below)
        one, other = (next(part for part in parts if end in part) for end in bar.dies_at or ())
        if one is not other:
            chosen += nearest_across(graph.names.places, one, other, tried.union(chosen), count)
        if len(chosen) >= most:
            break
    return chosen[:most]


def nearest_across(
    places: Float[Tensor, "k d"], one: Sequence[int], other: Sequence[int], tried: set[Simplex], count: int
) -> list[Simplex]:
    """The ``count`` nearest pairs of one minimum of each part that were not tried."""
    distance = torch.cdist(places[list(one)], places[list(other)])
    pairs: list[Simplex] = []
    for number in distance.flatten().argsort().tolist():
        p, q = one[number // len(other)], other[number % len(other)]
        pair = (min(p, q), max(p, q))
        if pair not in tried:
            pairs.append(pair)
        if len(pairs) == count:
            break
    return pairs
