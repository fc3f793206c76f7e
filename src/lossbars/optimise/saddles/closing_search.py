"""The search for saddles that join minima, and for lower ones: rounds of curves and climbs, which can be stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.barcodes.complex import Simplex, merged_barcode
from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.saddles.certificates import Certifying
from lossbars.optimise.saddles.connections import across_deaths, missing_connections
from lossbars.optimise.saddles.copies import copies_of_saddles
from lossbars.optimise.saddles.graph import Climbed, SaddleGraph
from lossbars.optimise.saddles.humps import CurveSearch
from lossbars.optimise.saddles.unfolded import Unfolded
from lossbars.optimise.stages import Stages
from lossbars.optimise.stopping import Stopped
from lossbars.seeding import generator

LOWERED = 1e-9  # share of a death by which it must fall for a search to have gained something
TOGETHER = 32  # climbs from one saved state to the next


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


class Places(NamedTuple):
    """Where climbs begin (n, d), and for each in words what it is."""

    places: Float[Tensor, "n d"]
    origins: list[str]

    def __add__(self, other: "Places") -> "Places":  # type: ignore[override]
        return Places(torch.cat([self.places, other.places]), self.origins + other.origins)


class ClosingSearch:
    """Adds saddles to a graph; ``heights`` has the largest value on each curve that it tried.

    With a checkpoint a stopped search goes on to the same bits: what each climb and each curve gave is kept, in order,
    and a search that starts again takes it from there as long as there is some. Raises Stopped once it is to stop.
    ``name`` gives the number by which origins call a minimum.
    """

    def __init__(
        self,
        graph: SaddleGraph,
        landscape: Landscape,
        settings: Closing,
        report: Callable[[str], None] | None = None,
        checkpoint: Checkpoint | None = None,
        name: Callable[[int], int] = lambda number: number,
    ) -> None:
        self.graph, self.landscape, self.settings = graph, landscape, settings
        self.report, self.name = report or (lambda _: None), name
        self.heights: dict[Simplex, float] = {}
        self.explored: set[int] = set()
        self.carried: set[tuple[int, float]] = set()
        self.random = generator("closure", settings.seed)
        self.stages = Stages(checkpoint)
        self.number = 0  # of the climbs and curves that were kept

    def climb(self, tops: Places, what: str) -> int:
        """Climb from places, named by what they are; returns the number of saddles that were not known."""
        before = len(self.graph.certificates)
        for first in range(0, len(tops.places), TOGETHER):
            some = slice(first, first + TOGETHER)
            climbed = self._kept("climbs", partial(self._climbed, tops.places[some]))
            self.graph.add(Climbed.of(climbed), tops.origins[some])
        new = len(self.graph.certificates) - before
        known = f"{len(self.graph.names.places)} minima, {len(self.graph.edges)} edges"
        self.report(f"{what}; {len(tops.places)} climbs, {new} new saddles; {known}")
        return new

    def _climbed(self, places: Tensor, _: Checkpoint | None) -> State:
        return self.graph.climbed(places).state()

    def _kept(self, name: str, stage: Callable[[Checkpoint | None], State]) -> State:
        """What a stage gives, or gave before a stop."""
        self.number += 1
        name = f"{name}-{self.number}"
        known = bool(self.stages.under(f"{name}/result/"))
        state = self.stages.run(name, stage)
        checkpoint = self.stages.checkpoint
        if checkpoint and not known and (checkpoint.due() or checkpoint.stopping):
            checkpoint.save(self.stages.kept)
            if checkpoint.stopping:
                raise Stopped(f"stopped after {self.graph.climbs} climbs; run it again to go on")
        return state

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
            new = self.climb(self._humps(pairs), f"joining, round {number + 1}: {len(parts)} parts")
            idle = 0 if new else idle + 1

    def lower(self) -> None:
        """Rounds of climbs and curves that may find lower ways, or ways where there are none."""
        idle = 0
        for number in range(self.settings.lowering):
            before, parts = self._deaths(), self._parts_with_given()
            tops = self._copies(before) + self._soft_places() + self._random_places()
            pairs = across_deaths(self.graph, set(self.heights), self.settings.across, self.settings.curves)
            if pairs:
                tops += self._humps(pairs)
            if not len(tops.places):
                break
            self.climb(tops, f"lower ways, round {number + 1}")
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

    # Places to climb from -------------------------------------------------------------------------

    def _humps(self, pairs: Sequence[Simplex]) -> Places:
        corners = torch.stack([self.graph.minima[list(pair)] for pair in pairs])

        def relaxed(checkpoint: Checkpoint | None) -> State:
            curves = self.settings.search.relaxed(self.landscape, corners, checkpoint)
            heights = torch.tensor(curves.heights, dtype=torch.float64)
            return {"heights": heights, "tops": curves.tops, "curve": torch.tensor(curves.curve, dtype=torch.long)}

        curves = self._kept("curves", relaxed)
        self.heights |= dict(zip(pairs, curves["heights"].tolist(), strict=True))
        tops = self.landscape.fold(curves["tops"]) if isinstance(self.landscape, Unfolded) else curves["tops"]
        ends = ["+".join(str(self.name(end)) for end in pair) for pair in pairs]
        return Places(tops, [f"relaxed curve {ends[i]}" for i in curves["curve"].tolist()])

    def _copies(self, deaths: dict[int, float]) -> Places:
        graph = self.graph
        places = copies_of_saddles(graph.names.places, graph.edges, deaths, self.carried, self.settings.copies)
        return Places(places, ["copy of a saddle"] * len(places))

    def _random_places(self) -> Places:
        """In random directions from random minima, up to the distance of minima from each other."""
        places, count = self.graph.names.places, self.settings.explored
        if len(places) == 1:
            return Places(places[:0], [])
        numbers = torch.randint(len(places), (count,), generator=self.random)
        chosen = places[numbers]
        apart = torch.cdist(places, places).fill_diagonal_(torch.inf).amin(1).median()
        length = apart * torch.rand(count, 1, generator=self.random, dtype=places.dtype)
        away = torch.randn(chosen.shape, generator=self.random, dtype=places.dtype)
        tops = self.graph.objective.inside(chosen + length * torch.nn.functional.normalize(away))
        return Places(tops, [f"random place near minimum {self.name(i)}" for i in numbers.tolist()])

    def _soft_places(self) -> Places:
        """Beside minima that were not climbed out of yet, the given ones first, as high as a usual saddle is."""
        left = [i for i in sorted(self.graph.complex().minima) if i not in self.explored][: self.settings.explored]
        self.explored |= set(left)
        places = self.graph.beside(left, self.settings.soft)
        each = len(places) // (2 * len(left)) if left else 0
        return Places(places, 2 * [f"soft direction of minimum {self.name(i)}" for i in left for _ in range(each)])
