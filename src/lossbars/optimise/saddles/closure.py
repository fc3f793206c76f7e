"""Barcodes whose deaths are certified saddles, of networks and functions: search until saddles join all minima.

Curves between minima that no saddles join are relaxed, and from each of their humps a saddle is climbed to. Descents
from there end in minima, new ones among them, which are joined in turn (the missing connections of Carr, Trygubenko and
Wales 2005). Then lower ways are looked for: by climbs out of each minimum along its softest directions, and by curves
across each death, between other minima of the two parts that meet there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, Simplex, merged_barcode
from lossbars.hessian.derivatives import RECORD, Batches
from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint
from lossbars.optimise.saddles.certificates import Certificate, among_given
from lossbars.optimise.saddles.certify import Box, loss_in_box
from lossbars.optimise.saddles.closing_search import Closing, ClosingSearch
from lossbars.optimise.saddles.graph import SaddleGraph
from lossbars.optimise.saddles.unfolded import Unfolded

ROUNDING = 1e-6  # distance of given minima that are one, as a share of the norm of θ or, where that is less, of 1


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
    checkpoint: Checkpoint | None = None,
) -> CertifiedBarcode:
    """Join m polished minima (float64) by certified saddles; the barcode of these, and that with all minima found.

    The function is as in :func:`~lossbars.optimise.saddles.certify.certify`: a network needs ``batches`` of its data,
    and a weight decay, without which its minima are no isolated points. Of given minima that are one up to rounding the
    first counts; permuted copies are distinct. With a ``checkpoint`` a stopped search goes on to the same bits. Raises
    ValueError where no minimum is given.
    """
    if not len(minima):
        raise ValueError("certified_barcode: at least one minimum is needed")
    settings, minima = settings or Closing(), minima.double()
    minima = minima[distinct(minima)]
    graph = SaddleGraph(loss_in_box(landscape, minima, batches, box), settings.certifying, minima)
    heights = close(graph, landscape, settings, box=box, report=report, checkpoint=checkpoint)
    return certified_result(graph, heights)


def distinct(minima: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
    """Which are no nearer than rounding to one before them."""
    apart = torch.cdist(minima, minima, compute_mode="donot_use_mm_for_euclid_dist")
    near = apart <= ROUNDING * minima.norm(dim=1).clamp_min(1.0)
    return ~near.tril(-1).any(1)


def close(
    graph: SaddleGraph,
    landscape: Landscape,
    settings: Closing,
    *,
    box: Box | None = None,
    report: Callable[[str], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[Simplex, float]:
    """Add saddles to the graph until they join all given minima, then until no lower ways are found.

    In a box curves are reflected at its faces. Returns the largest value on each curve that was tried.
    """
    search = ClosingSearch(graph, Unfolded(landscape, box) if box else landscape, settings, report, checkpoint)
    search.join()
    search.lower()
    return search.heights


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
