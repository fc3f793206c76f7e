"""Minima joined by certified saddles: an edge is a saddle of index 1 with the two descents from it."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, Simplex
from lossbars.optimise.saddles.certificates import Certificate, Certifying
from lossbars.optimise.saddles.certified_descent import LossInBox
from lossbars.optimise.saddles.climb import Saddles, Tops, climb
from lossbars.optimise.saddles.descents import descend_from_given, descend_from_saddles, gradient_scales
from lossbars.optimise.saddles.examination import Examination
from lossbars.optimise.saddles.minimum_names import MinimumNames
from lossbars.optimise.saddles.spectra import free_hessian, largest_by_products, largest_curvature

ANY_HEIGHT = 1e9  # slack: an edge is its saddle and its descents, so it matters not how high the climb began


class SaddleGraph:
    """All minima that are known, the given ones first, and certified saddles between them.

    A descent never climbs, so that the two descents from a saddle are a path between the minima at their ends whose
    highest place is the saddle. ``edges`` has the lowest saddle of each pair of minima that one joins.
    """

    def __init__(self, objective: LossInBox, settings: Certifying, given: Float[Tensor, "m d"]) -> None:
        self.objective, self.settings, self.given = objective, replace(settings, slack=ANY_HEIGHT), len(given)
        self.given_places = given
        at_minimum = Tops.of(objective, self.settings, given[:1], given)
        largest = (largest_curvature if at_minimum.exact else largest_by_products)(objective, given[:1])
        ended = descend_from_given(at_minimum, float(largest))
        self.names = MinimumNames(objective, self.settings, ended.theta, ended.value)
        self.saddles = given[:0]
        self.edges: dict[Simplex, Certificate] = {}
        self.climbs = 0

    @property
    def minima(self) -> Float[Tensor, "k d"]:
        """The given minima as they were given, then those found."""
        return torch.cat([self.given_places, self.names.places[self.given :]])

    def climb(self, places: Float[Tensor, "n d"]) -> list[Certificate]:
        """Climb from n places to saddles, and descend from those that are new; returns their certificates."""
        self.climbs += len(places)
        if not len(places):
            return []
        tops = Tops.of(self.objective, self.settings, places.double(), self.names.places)
        tops = tops.rows((~tops.at_minimum).nonzero().flatten())
        if not len(tops.places):
            return []
        saddles = climb(tops)
        new = self._new(tops, saddles).nonzero().flatten()
        tops, saddles = tops.rows(new), saddles.rows(new)
        if not len(new):
            return []
        self.saddles = torch.cat([self.saddles, saddles.theta])
        ends = descend_from_saddles(tops, saddles)
        certificates = list(Examination(tops, saddles, ends, self.names).certificates())
        for certificate in certificates:
            if certificate.separates and certificate.ends:
                known = self.edges.get(certificate.ends)
                if known is None or certificate.value < known.value:
                    self.edges[certificate.ends] = certificate
        return certificates

    def _new(self, tops: Tops, saddles: Saddles) -> Bool[Tensor, " n"]:
        """Which are saddles of index 1 that were not reached before."""
        exact = saddles.gradient <= self.settings.tolerance * gradient_scales(tops, saddles)
        good = exact & (saddles.index == 1)
        known = self.saddles
        for i in good.nonzero().flatten().tolist():
            place = saddles.theta[i]
            if len(known) and float(torch.linalg.vector_norm(known - place, dim=1).min()) <= (
                self.settings.same * float(tops.reach[i])
            ):
                good[i] = False
            else:
                known = torch.cat([known, place[None]])
        return good

    def components(self) -> list[list[int]]:
        """Numbers of minima that edges join, ascending."""
        return components(len(self.names.places), self.edges)

    def complex(self, heights: Mapping[Simplex, float] | None = None) -> FilteredComplex:
        """Minima and edges; minima that no edge joins to a given one are left out.

        Where no edges join given minima, the lowest of the curves whose ``heights`` are stated do.
        """
        edges = {edge: certificate.value for edge, certificate in self.edges.items()}
        for edge, height in sorted((heights or {}).items(), key=lambda item: (item[1], item[0])):
            if not any(set(edge) <= set(part) for part in components(len(self.names.places), edges)):
                edges[edge] = height
        kept = {i for part in components(len(self.names.places), edges) if part[0] < self.given for i in part}
        values = self.objective.value(self.minima).tolist()
        simplices: dict[Simplex, float] = {(i,): values[i] for i in sorted(kept)}
        return FilteredComplex.of(simplices | {edge: value for edge, value in edges.items() if edge[0] in kept})

    def beside(self, numbers: Sequence[int], soft: int) -> Float[Tensor, "k d"]:
        """Places beside minima, along each one's ``soft`` softest directions both ways, as high as a usual saddle is.

        There are none where no saddle is known, or where Hessians are known by products alone.
        """
        climbs = [c.value - float(self.names.values[end]) for edge, c in self.edges.items() for end in edge]
        if not climbs or not numbers or self.names.places.shape[1] > self.settings.exact_up_to:
            return self.names.places[:0]
        places = self.names.places[list(numbers)]
        curvature, axes = torch.linalg.eigh(free_hessian(self.objective, places))
        length = (2 * statistics.median(climbs) / curvature.abs().clamp_min(1e-300)).sqrt()
        steps = (axes * length.unsqueeze(1))[:, :, :soft].mT.flatten(0, 1)
        around = places.repeat_interleave(min(soft, places.shape[1]), 0)
        return self.objective.inside(torch.cat([around - steps, around + steps]))


def components(count: int, edges: Iterable[Simplex]) -> list[list[int]]:
    """Vertices 0 to count − 1 in parts that the edges join, each ascending."""
    ends = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    number, labels = connected_components(graph, directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in range(number)]
