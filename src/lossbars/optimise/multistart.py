"""Minima of a landscape on a box by descents from many starts, curves between them, and their barcode.

Barcodes of small functions by optimisation (Barannikov et al. 2020, Barcodes as summary, §4.2.1) instead of by a point
cloud. The landscape is unfolded: beyond a face of the box it goes on as its mirror image. A path there folds back to a
path in the box with the same losses, so that nothing escapes, and minima on the boundary are minima like others. They
count, as they do in a point cloud (Barannikov et al. 2020, Barcodes as summary, appendix 6.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, Simplex, direct_barcode, merged_barcode
from lossbars.hessian.derivatives import RECORD, hessian
from lossbars.landscape import Landscape
from lossbars.optimise.connect import connect
from lossbars.optimise.minimise import minimise
from lossbars.optimise.saddles.certificates import Certificate, Certified, ClosedComplex, closed_complex
from lossbars.optimise.saddles.certify import certify as certified_saddles
from lossbars.optimise.saddles.certify import loss_in_box
from lossbars.optimise.saddles.closing_search import Closing
from lossbars.optimise.saddles.closure import close
from lossbars.optimise.saddles.graph import SaddleGraph, components
from lossbars.optimise.saddles.unfolded import Box, Unfolded, low_corner, sides
from lossbars.recipes import Curves, Minima
from lossbars.seeding import generator
from lossbars.simplices.families import curve_family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices

SAME = 1e-4  # two minima closer than this, in sides of the box and in every coordinate, are one
ALL_PAIRS = 40  # up to so many minima every pair has a curve
ROUNDS = 30  # of Newton's method
BENT = 0.01  # how far curves start from straight ones, in sides of the box: by symmetry these may lie on a ridge
CLOSING = Closing(rounds=3, lowering=0)  # where curves and saddles leave a death uncertified
REACH = 0.02  # the longest Newton step, in sides of the box


@dataclass(frozen=True)
class OptimisedBarcode:
    """Minima (m, d) by increasing value (m,), and barcodes of the complex of minima and curves.

    ``saddle_places``: where each curve (p, q) is highest, (d,), inside the box; of an edge whose value is a certified
    saddle, that saddle. ``certificates`` has these edges alone. A bar's minimum is ``minima[bar.born_at[0]]``, its
    saddle ``saddle_places[bar.dies_at]``. ``found`` are the numbers of minima that only descents from saddles reached.
    """

    minima: Float[Tensor, "m d"]
    values: Float[Tensor, " m"]
    complex: FilteredComplex
    saddle_places: Mapping[Simplex, Tensor]
    direct: Barcode
    merged: Barcode
    certificates: Mapping[Simplex, Certificate] = field(default_factory=dict)
    found: tuple[int, ...] = ()


def optimised_barcode(
    landscape: Landscape,
    box: Box,
    starts: int,
    minima: Minima,
    curves: Curves,
    seed: int,
    *,
    neighbours: int = 8,
    certify: bool = True,
    report: Callable[[str], None] | None = None,
) -> OptimisedBarcode:
    """Barcode of a landscape without data on a box, from ``starts`` uniform starts.

    With ``certify`` every curve's highest place is followed to a saddle
    (:func:`lossbars.optimise.saddles.certify.certify`). A
    saddle that passes joins the minima below it at its own value, and minima that it leads to and the starts did not
    reach are added. Without, a death is the largest value found on a curve, an upper bound of the saddle.

    With more than ``ALL_PAIRS`` minima curves join each minimum to its ``neighbours`` nearest ones and to the nearest
    lower one (a connected graph, which is what the merged barcode needs; direct deaths are then least over these
    curves alone). Raises :class:`lossbars.optimise.descent.Diverged`, and ValueError for a profile that is not finite.
    """
    places, values = find_minima(landscape, box, starts, minima, seed, report)
    unit = (places - low_corner(places, box)) / sides(places, box)
    pairs = _pairs(unit, neighbours)
    heights, tops = _curves(landscape, box, places, pairs, curves, seed, report) if pairs else ([], {})
    if certify and pairs:
        certified = certified_saddles(landscape, torch.stack([tops[pair] for pair in pairs]), places, box=box)
        closed = closed_complex(pairs, heights, certified)
        graph = _joined(landscape, box, certified, closed, report)
        return _with_saddles(closed, graph, {edge: tops[pairs[i]] for edge, i in closed.curves.items()})
    simplices: dict[Simplex, float] = {(i,): float(value) for i, value in enumerate(values)}
    filtered = FilteredComplex.of(simplices | dict(zip(pairs, heights, strict=True)))
    return OptimisedBarcode(places, values, filtered, tops, direct_barcode(filtered), merged_barcode(filtered))


def _joined(
    landscape: Landscape,
    box: Box,
    certified: Certified,
    closed: ClosedComplex,
    report: Callable[[str], None] | None,
) -> SaddleGraph:
    """Certified saddles, and more where not all finite bars die at one of these."""
    graph = SaddleGraph(loss_in_box(landscape, certified.minima, RECORD, box), CLOSING.certifying, certified.minima)
    graph.edges |= {edge: certified.certificates[i] for edge, i in closed.certificates.items()}
    deaths = {bar.dies_at for bar in merged_barcode(closed.complex).bars if bar.dies_at}
    if not deaths <= graph.edges.keys():
        close(graph, landscape, CLOSING, box=box, report=report)
    return graph


def _with_saddles(closed: ClosedComplex, graph: SaddleGraph, tops: Mapping[Simplex, Tensor]) -> OptimisedBarcode:
    """The complex of curves with all certified saddles, and all minima numbered by increasing value."""
    minima = graph.minima
    values = graph.objective.value(minima)
    order = values.argsort(stable=True)
    number = {old: new for new, old in enumerate(order.tolist())}

    def renamed(simplex: Simplex) -> Simplex:
        return tuple(sorted(number[i] for i in simplex))

    heights = dict(closed.complex.values)
    saddles = {edge: c for edge, c in graph.edges.items() if c.value <= heights.get(edge, torch.inf)}
    joined = [part for part in components(len(minima), saddles) if any((i,) in heights for i in part)]
    heights |= {(i,): float(values[i]) for part in joined for i in part}
    heights |= {edge: certificate.value for edge, certificate in saddles.items() if (edge[0],) in heights}
    filtered = FilteredComplex.of({renamed(simplex): value for simplex, value in heights.items()})
    passed = {renamed(edge): certificate for edge, certificate in saddles.items() if edge in heights}
    places = {renamed(edge): top for edge, top in tops.items()}
    places |= {edge: certificate.saddle for edge, certificate in passed.items()}
    found = tuple(sorted(number[i] for i in range(closed.given, len(minima)) if (i,) in heights))
    direct, merged = direct_barcode(filtered), merged_barcode(filtered)
    return OptimisedBarcode(minima[order], values[order], filtered, places, direct, merged, passed, found)


def find_minima(
    landscape: Landscape,
    box: Box,
    starts: int,
    recipe: Minima,
    seed: int,
    report: Callable[[str], None] | None = None,
) -> tuple[Float[Tensor, "m d"], Float[Tensor, " m"]]:
    """Places (m, d) and values (m,) of the distinct minima reached from ``starts`` uniform starts in the box.

    Descents are made exact by Newton's method and merged within ``SAME`` of the box's sides, the lowest kept.
    """
    unit = torch.rand(starts, len(box), generator=generator("optimised", seed, "starts"), dtype=torch.float64)
    start = low_corner(unit, box) + unit * sides(unit, box)
    unfolded = Unfolded(landscape, box)
    names = [generator("optimised", seed, "descent", i) for i in range(starts)]
    end = unfolded.fold(minimise(unfolded, start, recipe, names, report=report))
    low = low_corner(end, box)
    places = _polished(landscape, end, low, low + sides(end, box))
    values = landscape.loss(places)
    order = values.argsort(stable=True)
    kept = _distinct((places[order] - low) / sides(end, box))
    return places[order][kept], values[order][kept]


def _polished(landscape: Landscape, place: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Places (n, d) after steps of Newton's method inside the box, none of which goes up.

    Curvatures count by their size, so that a saddle is left; a coordinate that is held at a face stays there. At a
    kink no step goes down, and the descent's own place remains.
    """
    for _ in range(ROUNDS):
        before = place
        value, gradient = landscape.value_and_gradient(place, None)
        held = ((place <= low) & (gradient > 0)) | ((place >= high) & (gradient < 0))
        gradient = gradient.masked_fill(held, 0.0)
        bent = hessian(landscape, place, at_once=1)  # more would change the last bits of minima that were found before
        bent = bent.masked_fill(held.unsqueeze(1) | held.unsqueeze(2), 0.0)
        curvature, axes = torch.linalg.eigh(bent)
        size = curvature.abs()
        size = torch.maximum(size, 1e-8 * size.amax(1, keepdim=True) + torch.finfo(size.dtype).tiny)
        step = -(axes @ ((axes.mT @ gradient.unsqueeze(-1)) / size.unsqueeze(-1))).squeeze(-1)
        step = step / ((step / (high - low)).abs().amax(1, keepdim=True) / REACH).clamp(min=1)
        for scale in (1.0, 0.25, 0.0625, 0.015625):
            trial = torch.minimum(torch.maximum(place + scale * step, low), high)
            lower = landscape.loss(trial)
            better = lower < value
            place, value = torch.where(better.unsqueeze(1), trial, place), torch.where(better, lower, value)
            step = torch.where(better.unsqueeze(1), 0.0, step)
        if not bool((place != before).any()):
            break
    return place


def _distinct(unit: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
    """Which rows are farther than ``SAME`` from every kept row before them."""
    kept: list[int] = []
    for i, place in enumerate(unit):
        if not kept or float((unit[kept] - place).abs().amax(1).min()) > SAME:
            kept.append(i)
    return torch.isin(torch.arange(len(unit)), torch.tensor(kept))


def _pairs(unit: Float[Tensor, "m d"], neighbours: int) -> list[tuple[int, int]]:
    """Pairs of minima, numbered by increasing value, that a curve is to join; distances in sides of the box."""
    m = len(unit)
    if m <= ALL_PAIRS:
        return [(p, q) for p in range(m) for q in range(p + 1, m)]
    distance = torch.cdist(unit, unit)
    distance.fill_diagonal_(torch.inf)
    near = distance.topk(min(neighbours, m - 1), largest=False).indices
    joined = {tuple(sorted((p, q))) for p, row in enumerate(near.tolist()) for q in row}
    joined |= {(int(distance[p, :p].argmin()), p) for p in range(1, m)}
    return sorted((p, q) for p, q in joined)


def _curves(
    landscape: Landscape,
    box: Box,
    places: Tensor,
    pairs: list[tuple[int, int]],
    recipe: Curves,
    seed: int,
    report: Callable[[str], None] | None,
) -> tuple[list[float], dict[Simplex, Tensor]]:
    """The largest loss on an optimised curve of each pair, and where it is."""
    family = curve_family(recipe)
    draws = [generator("optimised", seed, "places", p, q) for p, q in pairs]
    nodes = family.start(places[torch.tensor(pairs)])
    bends = torch.stack([torch.randn(len(family.free), len(box), generator=g, dtype=nodes.dtype) for g in draws])
    nodes[:, list(family.free)] += BENT * sides(nodes, box) * bends
    unfolded = Unfolded(landscape, box)
    names = [f"curve {p}+{q}" for p, q in pairs]
    order = generator("optimised", seed, "order")
    curves = connect(unfolded, Simplices(family, nodes), recipe, order, draws, names, report=report)
    along = profiles(unfolded, curves, recipe.grid, report, names)
    highest = torch.stack([profile.t[profile.loss.argmax()] for profile in along])
    tops = unfolded.fold(curves.at(highest))
    return [profile.value for profile in along], dict(zip(pairs, tops, strict=True))
