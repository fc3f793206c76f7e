"""Look for saddles that join the minima of a model, and write what is known of each, and of all minima."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.datasets.dataset import Dataset, Split
from lossbars.experiments.networks.settings import CertificatesSettings
from lossbars.experiments.networks.steps.certificate_tables import joins_table, minima_table, saddles_table
from lossbars.experiments.networks.steps.common import ERRORS, keep, read_minima  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.measured_curves import Origin, lowest_of_pairs, read_curves
from lossbars.experiments.networks.steps.minima import metrics
from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.memory import kept_bytes
from lossbars.landscapes.network.smoothness import not_smooth
from lossbars.landscapes.objective import objective
from lossbars.networks.make import DataShape, network_maker
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.dips import Curve
from lossbars.optimise.polish import polish
from lossbars.optimise.quasi_newton import REASONS
from lossbars.optimise.saddles.certificates import Certifying
from lossbars.optimise.saddles.certify import loss_in_box
from lossbars.optimise.saddles.closing_search import TOGETHER, Closing, ClosingSearch, Places
from lossbars.optimise.saddles.closure import certified_result, distinct
from lossbars.optimise.saddles.graph import SaddleGraph
from lossbars.optimise.saddles.humps import CurveSearch, humps
from lossbars.optimise.stages import Stages
from lossbars.recipes import Certificates, Polish, Settle
from lossbars.workflow.training_step import Training, begin, inputs_of, saved_on_stop
from lossbars.workflow.work import Work

GRADIENT = 1e-11  # norm to which minima are polished
KEPT = 2**29  # bytes of what Hessians of several networks keep of a batch
ROWS_OF_HESSIANS = 64  # lossbars.hessian.derivatives.AT_ONCE, for each network


@dataclass(frozen=True)
class Ends:
    """The minima that a search begins with: the given ones, then those that descents from curves found.

    Polished, in float64. ``first`` are the numbers of those that are no copies, up to rounding, of one before them;
    ``row`` names for each its place among these.
    """

    seeds: list[int]
    given: int
    theta: Float[Tensor, "n d"]
    polished: State
    kept: list[int]
    row: list[int]

    @property
    def kept_given(self) -> int:
        """How many of those that count were given."""
        return sum(number < self.given for number in self.kept)

    def name(self, row: int) -> int:
        """The number of a minimum of the search: its seed, or for found ones the next after the largest."""
        return self.seeds[self.kept[row]] if row < len(self.kept) else max(self.seeds) + 1 + row - len(self.kept)


def step(work: Work[CertificatesSettings]) -> None:
    """Write a table of all minima, one of saddles, and the joins of two barcodes; and all their places.

    Minima are numbered by their seeds, those that descents from curves found as there, and others after the largest
    number. ``found_by`` names the saddle from which a minimum was reached, −1 for those that were there before;
    ``same_as`` is the minimum that one is up to rounding, −1 for none. Of each saddle ``a`` and ``b`` are the minima at
    which the descents from it end, −1 where one does not, and ``found_by`` says where the climb to it began. A join of
    the barcode ``given`` or ``closed`` is the saddle, or where none is known the curve, between two of its minima.
    Raises ValueError for a network that is not known to be smooth.
    """
    training, minima = begin(work, work.settings.batch_size), read_minima(work)
    _check_smooth(training.landscape)
    network = _exact_network(work.settings, training.data)
    origins, curves = read_curves(work, list(minima))
    lowest = lowest_of_pairs(curves)
    with saved_on_stop(training.checkpoint):
        stages = Stages(training.checkpoint)
        ends = _ends(objective(network, work.settings.weight_decay), minima, stages, work)
        closes = _searched(work, network, ends, _humps(lowest, origins), stages)
    _write(work, training, ends, closes, lowest)


def _searched(
    work: Work[CertificatesSettings], network: NetworkLandscape, ends: Ends, first: Places, stages: Stages
) -> ClosingSearch:
    """The search for saddles, at its end."""
    settings, function = closing(work.settings.certificates), objective(network, work.settings.weight_decay)
    kept, given = ends.theta[ends.kept], ends.kept_given
    mean = loss_in_box(function, kept, _batches(network), None)
    graph = SaddleGraph(mean, settings.certifying, kept[:given], kept[given:])
    search = ClosingSearch(graph, function, settings, work.report, stages.part("search"), ends.name)
    search.climb(first, "humps of the curves")
    search.join()
    search.lower()
    return search


def _write(
    work: Work[CertificatesSettings], training: Training, ends: Ends, search: ClosingSearch, curves: Sequence[Curve]
) -> None:
    """Write what was found; where no saddles join given minima, the lowest of all curves do."""
    settings, graph, heights = work.settings, search.graph, dict(search.heights)
    for curve in curves:
        a, b = sorted(ends.row[end] for end in curve.ends)
        if a != b:
            heights[a, b] = min(curve.profile.value, heights.get((a, b), torch.inf))
    result = certified_result(graph, heights)
    places = torch.cat([ends.theta, graph.minima[len(ends.kept) :]])
    seeds = [*ends.seeds, *(ends.name(row) for row in range(len(ends.kept), len(graph.minima)))]
    device = training.landscape.device
    measured = metrics(settings, training, places.to(device), seeds)
    values = objective(training.landscape, settings.weight_decay).losses(_saddles(graph).to(device))
    saddles = saddles_table(graph, ends.name, values)
    work.write_table("table", minima_table(graph, ends, seeds, places, measured))
    work.write_table("saddles", saddles)
    work.write_table("joins", joins_table(graph, result, ends.name, saddles))
    tensors = {"seeds": torch.tensor(seeds), "theta": places, "saddles": _saddles(graph)}
    work.write_tensors("tensors", tensors, training.landscape.facts)
    shares = [f"{done} of {bars}" for done, bars in (result.certified_given, result.certified_closed)]
    work.report(f"certified: {shares[0]} finite bars of the given minima, {shares[1]} closed; {graph.climbs} climbs")


def closing(recipe: Certificates) -> Closing:
    """The settings of the search."""
    return Closing(
        certifying=Certifying(tolerance=recipe.tolerance, climb_steps=100, exact_up_to=recipe.exact_up_to),
        search=CurveSearch(settle=Settle(passes=recipe.passes)),
        rounds=recipe.rounds,
        lowering=recipe.lowering,
        curves=recipe.curves,
    )


def _check_smooth(landscape: NetworkLandscape) -> None:
    few = landscape.train.x[:3].to(landscape.device)
    reason = None
    if landscape.random:
        reason = "it draws random numbers in training"
    elif landscape.record.norms:
        reason = "BatchNorm's statistics depend on the parameters, which second derivatives do not follow"
    elif name := not_smooth(landscape.module, few):
        reason = f"{name} is not known to be smooth"
    if reason:
        raise ValueError(f"certificates: this network has no certified saddles: {reason}. State certificates: null")


def _exact_network(settings: CertificatesSettings, data: Dataset) -> NetworkLandscape:
    """The landscape of the network and its data in float64."""
    x, y = inputs_of(data.train_x, settings, data.tokens).double(), data.train_y
    maker = network_maker(settings.network, DataShape(tuple(x.shape[1:]), data.outputs, data.tokens))
    split = Split(x, y.double() if y.is_floating_point() else y)
    return NetworkLandscape(lambda: maker().double(), split, settings.batch_size, torch.device("cpu"))


def _batches(network: NetworkLandscape) -> list[Batch]:
    """All samples, as many at a time as Hessians of the networks of one climb have memory for."""
    of_sample = ROWS_OF_HESSIANS * TOGETHER * kept_bytes(network.module, network.train.x[:3])
    size = max(1, KEPT // max(1, of_sample))
    return [Batch(index) for index in torch.arange(len(network.train)).split(size)]


def _rows(tensors: dict[str, Tensor]) -> list[tuple[int, Tensor]]:
    return list(zip(tensors["seeds"].tolist(), tensors["theta"], strict=True))


def _ends(function: Landscape, minima: dict[int, Tensor], stages: Stages, work: Work[CertificatesSettings]) -> Ends:
    """The given minima, and those that descents from curves found, polished."""
    found = {seed: theta for _, tensors, _ in work.all_tensors("found") for seed, theta in _rows(tensors)}
    every = minima | found
    start = torch.stack([theta.double() for theta in every.values()])
    how = Polish(passes=work.settings.certificates.polish, gradient=GRADIENT, fall=0.0)
    polished = stages.run("polish", partial(_polished, function, start, how, [f"minimum {i}" for i in every], work))
    theta = polished["theta"]
    first = distinct(theta)
    kept = first.nonzero().flatten().tolist()
    return Ends(list(every), len(minima), theta, polished, kept, _nearest(theta, first))


def _polished(
    function: Landscape,
    start: Tensor,
    how: Polish,
    names: Sequence[str],
    work: Work[CertificatesSettings],
    saved: Checkpoint | None,
) -> State:
    end = polish(function, start, how, names, saved, work.report)
    stopped = torch.tensor([REASONS.index(reason) for reason in end.stopped])
    return {"theta": end.theta, "residue": end.residue, "passes": end.passes, "stopped": stopped}


def _nearest(theta: Float[Tensor, "n d"], first: Bool[Tensor, " n"]) -> list[int]:
    """Of each minimum the number, among those that count, of the one that is nearest: itself where it counts."""
    return torch.cdist(theta, theta[first], compute_mode="donot_use_mm_for_euclid_dist").argmin(1).tolist()


def _humps(curves: Sequence[Curve], origins: Sequence[Origin]) -> Places:
    """Local maxima of the loss along curves."""
    places, names = [], []
    for curve in curves:
        by, a, b = origins[curve.origin]
        for i in humps(curve.profile.loss):
            t = curve.profile.t[i, 0]
            places.append(curve.at(t[None])[0].double())
            names.append(f"hump of {by} {a}+{b}, t = {float(t):.3g}")
    dim = curves[0].at(torch.zeros(1, dtype=torch.float64)).shape[1] if curves else 0
    return Places(torch.stack(places) if places else torch.zeros(0, dim, dtype=torch.float64), names)


def _saddles(graph: SaddleGraph) -> Float[Tensor, "s d"]:
    """Places of all saddles."""
    saddles = [certificate.saddle for certificate in graph.certificates]
    return torch.stack(saddles) if saddles else graph.names.places[:0]
