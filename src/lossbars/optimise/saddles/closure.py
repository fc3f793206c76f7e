"""Barcodes whose deaths are certified saddles, of networks and functions: search until saddles join all minima.

Curves between minima that no saddles join are relaxed, and from each of their humps a saddle is climbed to. Descents
from there end in minima, new ones among them, which are joined in turn (the missing connections of Carr, Trygubenko and
Wales 2005). Then lower ways are looked for: by climbs out of each minimum along its softest directions, and by curves
across each death, between other minima of the two parts that meet there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, Simplex, merged_barcode
from lossbars.hessian.derivatives import RECORD, Batches
from lossbars.landscape import Landscape
from lossbars.optimise.saddles.certificates import Certificate, Certifying, among_given
from lossbars.optimise.saddles.certify import Box, loss_in_box
from lossbars.optimise.saddles.connections import across_deaths, missing_connections
from lossbars.optimise.saddles.copies import copies_of_saddles
from lossbars.optimise.saddles.graph import SaddleGraph
from lossbars.optimise.saddles.humps import CurveSearch
from lossbars.optimise.saddles.unfolded import Unfolded
from lossbars.seeding import generator

ROUNDING = 1e-6  # distance of given minima that are one, as a share of the norm of θ or, where that is less, of 1
LOWERED = 1e-9  # share of a death by which it must fall for a search to have gained something


@dataclass(frozen=True)
class Closing:
    """How much is searched.

    At most ``rounds`` rounds of curves join parts; ``lowering`` rounds look for lower ways, and for ways where curves
    led to none. Both end early where ``patience`` rounds in succession gained nothing. A round has at most ``curves``
    curves, ``across`` of them for each death; climbs out of at most ``explored`` minima along ``soft`` directions, both
    ways, and from as many random places around minima; and climbs from at most ``copies`` places where copies of known
    saddles are expected.
    """

    certifying: Certifying = field(default_factory=lambda: Certifying(climb_steps=100))
    search: CurveSearch = field(default_factory=CurveSearch)
    rounds: int = 40
    lowering: int = 8
    patience: int = 2
    curves: int = 24
    across: int = 1
    explored: int = 12
    soft: int = 3
    copies: int = 60
    seed: int = 0


@dataclass(frozen=True)
class CertifiedBarcode:
    """Barcodes of minima joined by certified saddles.

    Minima (k, d) and their values are the ``given`` ones, as they were given, then those that descents from saddles
    ended in. ``certificates`` names the saddle of each edge of ``complex`` that has one; the other edges are curves
    between parts that no saddle joins, at the largest value measured on them. In ``among_given`` found minima are
    stations on the way; ``given_edges`` names the edges of ``complex`` that its bars die at.
    """

    minima: Float[Tensor, "k d"]
    values: Float[Tensor, " k"]
    given: int
    complex: FilteredComplex
    certificates: dict[Simplex, Certificate]
    closed: Barcode
    among_given: Barcode
    given_edges: dict[Simplex, Simplex]
    climbs: int

    @property
    def certified_closed(self) -> tuple[int, int]:
        """How many finite bars of the closed barcode die at a certified saddle, and how many there are."""
        edges = [bar.dies_at for bar in self.closed.bars if bar.dies_at]
        return sum(edge in self.certificates for edge in edges), len(edges)

    @property
    def certified_given(self) -> tuple[int, int]:
        """How many finite bars among given minima die at a certified saddle, and how many there are."""
        edges = [self.given_edges[bar.dies_at] for bar in self.among_given.bars if bar.dies_at]
        return sum(edge in self.certificates for edge in edges), len(edges)


def certified_barcode(
    landscape: Landscape,
    minima: Float[Tensor, "m d"],
    *,
    batches: Batches = RECORD,
    box: Box | None = None,
    settings: Closing | None = None,
    report: Callable[[str], None] | None = None,
) -> CertifiedBarcode:
    """Join m polished minima (float64) by certified saddles; the barcode of these, and that with all minima found.

    The function is as in :func:`~lossbars.optimise.saddles.certify.certify`: a network needs ``batches`` of its data,
    and a weight decay, without which its minima are no isolated points. Of given minima that are one up to rounding the
    first counts; permuted copies are distinct. Raises ValueError where no minimum is given.
    """
    if not len(minima):
        raise ValueError("certified_barcode: at least one minimum is needed")
    settings, minima = settings or Closing(), _distinct(minima.double())
    graph = SaddleGraph(loss_in_box(landscape, minima, batches, box), settings.certifying, minima)
    heights = close(graph, landscape, settings, box=box, report=report)
    return certified_result(graph, heights)


def _distinct(minima: Float[Tensor, "m d"]) -> Float[Tensor, "k d"]:
    """Those that are no nearer than rounding to one before them."""
    apart = torch.cdist(minima, minima, compute_mode="donot_use_mm_for_euclid_dist")
    near = apart <= ROUNDING * minima.norm(dim=1).clamp_min(1.0)
    return minima[~near.tril(-1).any(1)]


def close(
    graph: SaddleGraph,
    landscape: Landscape,
    settings: Closing,
    *,
    box: Box | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[Simplex, float]:
    """Add saddles to the graph until they join all given minima, then until no lower ways are found.

    In a box curves are reflected at its faces. Returns the largest value on each curve that was tried.
    """
    closing = _Closing(graph, Unfolded(landscape, box) if box else landscape, settings, report or (lambda _: None))
    closing.join()
    if settings.lowering:
        closing.lower()
    return closing.heights


class _Closing:
    """One call of :func:`close`."""

    def __init__(
        self, graph: SaddleGraph, landscape: Landscape, settings: Closing, report: Callable[[str], None]
    ) -> None:
        self.graph, self.landscape, self.settings, self.report = graph, landscape, settings, report
        self.heights: dict[Simplex, float] = {}
        self.explored: set[int] = set()
        self.carried: set[tuple[int, float]] = set()
        self.random = generator("closure", settings.seed)

    def join(self) -> None:
        """Rounds of curves between parts, nearest first, until one part has all given minima."""
        idle = 0
        for number in range(self.settings.rounds):
            parts = self.graph.components()
            if self._parts_with_given() == 1 or idle == self.settings.patience:
                break
            pairs = missing_connections(self.graph.names.places, parts, set(self.heights))[: self.settings.curves]
            if not pairs:
                break
            new = self._climb(self._humps(pairs), f"joining, round {number + 1}: {len(parts)} parts")
            idle = 0 if new else idle + 1

    def lower(self) -> None:
        """Rounds of climbs and curves that may find lower ways, or ways where there are none."""
        idle = 0
        for number in range(self.settings.lowering):
            before, parts = self._deaths(), self._parts_with_given()
            tops = torch.cat([self._copies(before), self._soft_places(), self._random_places()])
            pairs = across_deaths(self.graph, set(self.heights), self.settings.across, self.settings.curves)
            if pairs:
                tops = torch.cat([tops, self._humps(pairs)])
            if not len(tops):
                break
            self._climb(tops, f"lower ways, round {number + 1}")
            self.join()
            after = self._deaths()
            fell = any(after.get(i, d) < d - LOWERED * max(abs(d), 1e-300) for i, d in before.items())
            idle = 0 if fell or self._parts_with_given() < parts else idle + 1
            if idle == self.settings.patience:
                break

    def _parts_with_given(self) -> int:
        return sum(part[0] < self.graph.given for part in self.graph.components())

    def _deaths(self) -> dict[int, float]:
        return {bar.born_at[0]: bar.death for bar in merged_barcode(self.graph.complex()).bars if bar.dies_at}

    def _climb(self, tops: Float[Tensor, "k d"], what: str) -> int:
        """Returns the number of saddles that were not known."""
        new = self.graph.climb(tops)
        known = f"{len(self.graph.names.places)} minima, {len(self.graph.edges)} edges"
        self.report(f"{what}; {len(tops)} climbs, {len(new)} new saddles; {known}")
        return len(new)

    def _humps(self, pairs: list[Simplex]) -> Float[Tensor, "k d"]:
        corners = torch.stack([self.graph.minima[list(pair)] for pair in pairs])
        curves = self.settings.search.relaxed(self.landscape, corners)
        self.heights |= dict(zip(pairs, curves.heights, strict=True))
        return self.landscape.fold(curves.tops) if isinstance(self.landscape, Unfolded) else curves.tops

    def _copies(self, deaths: dict[int, float]) -> Float[Tensor, "k d"]:
        graph = self.graph
        return copies_of_saddles(graph.names.places, graph.edges, deaths, self.carried, self.settings.copies)

    def _random_places(self) -> Float[Tensor, "k d"]:
        """In random directions from random minima, up to the distance of minima from each other."""
        places, count = self.graph.names.places, self.settings.explored
        if len(places) == 1:
            return places[:0]
        chosen = places[torch.randint(len(places), (count,), generator=self.random)]
        apart = torch.cdist(places, places).fill_diagonal_(torch.inf).amin(1).median()
        length = apart * torch.rand(count, 1, generator=self.random, dtype=places.dtype)
        away = torch.randn(chosen.shape, generator=self.random, dtype=places.dtype)
        return self.graph.objective.inside(chosen + length * torch.nn.functional.normalize(away))

    def _soft_places(self) -> Float[Tensor, "k d"]:
        """Beside minima that were not climbed out of yet, the given ones first, as high as a usual saddle is."""
        left = [i for i in sorted(self.graph.complex().minima) if i not in self.explored][: self.settings.explored]
        self.explored |= set(left)
        return self.graph.beside(left, self.settings.soft)


def certified_result(graph: SaddleGraph, heights: dict[Simplex, float]) -> CertifiedBarcode:
    """The barcodes of the graph, with curves where no saddles join given minima."""
    minima = graph.minima
    complex_ = graph.complex(heights)
    between, given_edges = among_given(complex_, graph.given)
    certificates = {edge: graph.edges[edge] for edge in complex_.values if edge in graph.edges}
    return CertifiedBarcode(
        minima,
        graph.objective.value(minima),
        graph.given,
        complex_,
        certificates,
        merged_barcode(complex_),
        merged_barcode(between),
        dict(given_edges),
        graph.climbs,
    )
