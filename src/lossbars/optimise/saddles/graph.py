"""Minima joined by certified saddles: an edge is a saddle of index 1 with the two descents from it."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, Simplex
from lossbars.optimise.saddles.certificate_tensors import as_tensors, from_tensors
from lossbars.optimise.saddles.certificates import Certificate, Certifying
from lossbars.optimise.saddles.certified_descent import LossInBox
from lossbars.optimise.saddles.climb import Saddles, Tops, climb
from lossbars.optimise.saddles.descents import descend_from_given, descend_from_saddles, gradient_scales
from lossbars.optimise.saddles.examination import Examination
from lossbars.optimise.saddles.minimum_names import MinimumNames
from lossbars.optimise.saddles.spectra import free_hessian, largest_by_products, largest_curvature

ANY_HEIGHT = 1e9  # slack: an edge is its saddle and its descents, so it matters not how high the climb began


@dataclass(frozen=True)
class Climbed:
    """What n climbs gave that a graph did not have.

    ``tops`` are the numbers of the climbs that led to new saddles; places and values of minima found, (f, d) and (f,),
    go after the known ones, and ``found_by`` names for each the number among ``certificates`` of the first saddle that
    a descent came from.
    """

    climbs: int
    tops: tuple[int, ...]
    certificates: tuple[Certificate, ...]
    places: Float[Tensor, "f d"]
    values: Float[Tensor, " f"]
    found_by: tuple[int, ...]

    def state(self) -> dict[str, Tensor]:
        """As tensors, for a checkpoint."""
        numbers = {"climbs": [self.climbs], "tops": self.tops, "found_by": self.found_by}
        return (
            {f"certificate/{name}": rows for name, rows in as_tensors(self.certificates, self.places).items()}
            | {name: torch.tensor(several, dtype=torch.long) for name, several in numbers.items()}
            | {"places": self.places.clone(), "values": self.values.clone()}
        )

    @classmethod
    def of(cls, state: dict[str, Tensor]) -> "Climbed":
        """What :meth:`state` gave."""
        head = "certificate/"
        rows = {name.removeprefix(head): rows for name, rows in state.items() if name.startswith(head)}
        tops, found_by = (tuple(state[name].tolist()) for name in ("tops", "found_by"))
        certificates = tuple(from_tensors(rows))
        return cls(int(state["climbs"]), tops, certificates, state["places"], state["values"], found_by)


class SaddleGraph:
    """All minima that are known, the given ones first, and certified saddles between them.

    A descent never climbs, so that the two descents from a saddle are a path between the minima at their ends whose
    highest place is the saddle. ``edges`` has the lowest saddle of each pair of minima that one joins. ``certificates``
    are of all saddles of index 1 that climbs led to, ``origins`` says of each where its climb began; ``found_by`` names
    for each minimum that was not known the first of these saddles that a descent came from. ``known`` are minima that
    are neither given nor to be found: stations.
    """

    def __init__(
        self,
        objective: LossInBox,
        settings: Certifying,
        given: Float[Tensor, "m d"],
        known: Float[Tensor, "k d"] | None = None,
    ) -> None:
        self.objective, self.settings, self.given = objective, replace(settings, slack=ANY_HEIGHT), len(given)
        self.given_places = given
        every = given if known is None else torch.cat([given, known])
        at_minimum = Tops.of(objective, self.settings, given[:1], every)
        largest = (largest_curvature if at_minimum.exact else largest_by_products)(objective, given[:1])
        ended = descend_from_given(at_minimum, float(largest))
        self.names = MinimumNames(objective, self.settings, ended.theta, ended.value)
        self.known = len(every)
        self.certificates: list[Certificate] = []
        self.origins: list[str] = []
        self.found_by: list[int] = []
        self.edges: dict[Simplex, Certificate] = {}
        self.climbs = 0

    @property
    def minima(self) -> Float[Tensor, "k d"]:
        """The given minima as they were given, then the known ones and those found."""
        return torch.cat([self.given_places, self.names.places[self.given :]])

    def climb(self, places: Float[Tensor, "n d"], origins: Sequence[str] | None = None) -> list[Certificate]:
        """Climb from n places to saddles, and descend from those that are new; returns their certificates."""
        climbed = self.climbed(places)
        self.add(climbed, origins or [""] * len(places))
        return list(climbed.certificates)

    def climbed(self, places: Float[Tensor, "n d"]) -> Climbed:
        """What climbs from n places give, which :meth:`add` adds."""
        none = Climbed(len(places), (), (), self.names.places[:0], self.names.values[:0], ())
        if not len(places):
            return none
        tops = Tops.of(self.objective, self.settings, places.double(), self.names.places)
        numbers = (~tops.at_minimum).nonzero().flatten()
        tops = tops.rows(numbers)
        if not len(tops.places):
            return none
        saddles = climb(tops)
        new = self._new(tops, saddles).nonzero().flatten()
        tops, saddles, numbers = tops.rows(new), saddles.rows(new), numbers[new]
        if not len(new):
            return none
        names, before = self.names.copy(), len(self.names.places)
        names.found_by = []
        ends = descend_from_saddles(tops, saddles)
        certificates = Examination(tops, saddles, ends, names).certificates()
        found = names.places[before:], names.values[before:]
        return Climbed(len(places), tuple(numbers.tolist()), certificates, *found, tuple(names.found_by))

    def add(self, climbed: Climbed, origins: Sequence[str]) -> None:
        """Take what climbs gave, which began at places that ``origins`` names, n texts."""
        self.climbs += climbed.climbs
        self.found_by += [len(self.certificates) + number for number in climbed.found_by]
        self.certificates += climbed.certificates
        self.origins += [origins[number] for number in climbed.tops]
        self.names.places = torch.cat([self.names.places, climbed.places])
        self.names.values = torch.cat([self.names.values, climbed.values])
        for certificate in climbed.certificates:
            if certificate.separates and certificate.ends:
                known = self.edges.get(certificate.ends)
                if known is None or certificate.value < known.value:
                    self.edges[certificate.ends] = certificate

    def _new(self, tops: Tops, saddles: Saddles) -> Bool[Tensor, " n"]:
        """Which are saddles of index 1 that were not reached before."""
        exact = saddles.gradient <= self.settings.tolerance * gradient_scales(tops, saddles)
        good = exact & (saddles.index == 1)
        known = tops.places[:0]
        if self.certificates:
            known = torch.stack([certificate.saddle for certificate in self.certificates])
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
