"""The frame of the steps that join pairs of minima by curves: all of them but how the curves are optimised."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.experiments.networks.settings import CurvesSettings, R
from lossbars.experiments.networks.steps.common import read_minima
from lossbars.experiments.networks.steps.corners import corners_of, with_minima_at_ends
from lossbars.experiments.networks.steps.optimised import losses_of, report_maxima
from lossbars.landscape import Landscape
from lossbars.landscapes.objective import objective
from lossbars.recipes import Grid
from lossbars.seeding import generator
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.blocks import Pair, block_pairs
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.training_step import begin, saved_on_stop
from lossbars.workflow.work import Work


@dataclass(frozen=True)
class Joining:
    """The pairs of minima that one job joins, and what it optimises curves with."""

    pairs: list[Pair]
    corners: Float[Tensor, "n 2 d"]  # of aligned curves, the second is a permuted copy of the minimum
    landscape: Landscape  # the objective
    checkpoint: CheckpointFile
    report: Callable[[str], None]
    random: Callable[..., Generator]  # made from experiment, model, and further names

    @property
    def start(self) -> Float[Tensor, "n 2 d"]:
        """The corners as curves are trained between them: in float32."""
        return self.corners.float()

    def exact(self, points: Sequence[Float[Tensor, "_ d"]]) -> list[Float[Tensor, "_ d"]]:
        """Points of each curve in the precision of the minima, which are its first and its last, to the bit."""
        ends = zip(points, self.corners, strict=True)
        return [torch.cat([pair[:1], inner[1:-1].to(pair), pair[1:]]) for inner, pair in ends]

    def names(self, curve: str) -> list[str]:
        """What reports and errors call the curves: ``path 0+1``."""
        return [f"{curve} {a}+{b}" for a, b in self.pairs]


class Joined(NamedTuple):
    """Optimised curves, and how they are measured once nothing needs to be saved any more."""

    tensors: dict[str, Tensor]  # control points under ``nodes``, and what else is kept of the curves
    measure: Callable[[], list[Profile]]
    segment_places: int  # at which the straight segments are measured
    residues: list[float] | None = None  # by how much the second half of an optimisation lowered each maximum, if known


def join(work: Work[CurvesSettings[R]], optimise: Callable[[R, Joining], Joined]) -> None:
    """Optimise the curves between the minima of two blocks, and write them with the loss along them.

    The first of a model's recipes measures the straight segments too. So does an aligned recipe, whose segments lead to
    the permuted copies: see :func:`lossbars.experiments.networks.steps.corners.corners_of`. Tensors have the rows of
    ``pairs``, beside what the family of curves keeps; aligned ones have ``distances``, before and after.
    """
    recipe, pairs = work.settings.curves, block_pairs(*work.part.split("+"))
    training, minima = begin(work, recipe.batch_size), read_minima(work)
    network, landscape = training.landscape, objective(training.landscape, work.settings.weight_decay)
    corners, distances = corners_of(pairs, minima, network, work)

    def random(*names: str | int) -> Generator:
        return generator(work.experiment, work.model, "curves", *names)

    with saved_on_stop(training.checkpoint):
        joined = optimise(recipe, Joining(pairs, corners, landscape, training.checkpoint, work.report, random))
    along = joined.measure()
    straight: list[Profile] = []
    if work.job.kind == "curves" or recipe.align != "none":
        grid = Grid(points=joined.segment_places, refinements=0)
        straight = profiles(landscape, Simplices(Chain(0), corners), grid)
    if recipe.align != "none":
        exact = with_minima_at_ends([*along, *straight], 2 * pairs, minima, landscape, work.report)
        along, straight = exact[: len(pairs)], exact[len(pairs) :]
    work.write_table("table", _table(pairs, along, straight, joined.residues))
    facts = network.facts | {"family": recipe.family.kind, "align": recipe.align}
    work.write_tensors("tensors", {"pairs": torch.tensor(pairs)} | joined.tensors | distances, facts)
    report_maxima(work, along)


def padded(several: list[Float[Tensor, "_ d"]]) -> dict[str, Tensor]:
    """Chains of different lengths: ``nodes`` (n, k, d) with NaN after the last point, and ``lengths`` (n,)."""
    nodes = torch.nn.utils.rnn.pad_sequence(several, batch_first=True, padding_value=float("nan"))
    return {"nodes": nodes, "lengths": torch.tensor([len(points) for points in several])}


def _table(
    pairs: list[Pair], along: list[Profile], straight: list[Profile], residues: list[float] | None
) -> pd.DataFrame:
    """A row per place: minima a and b, ``curve`` or ``segment``, t in 0..1, objective and data loss."""
    unknown = [math.nan] * len(pairs)
    measured = {"curve": (along, residues or unknown)} | ({"segment": (straight, unknown)} if straight else {})
    rows = [
        pd.DataFrame({"a": a, "b": b, "kind": kind, "t": profile.t[:, 0].double()} | losses_of(profile, residue))
        for kind, several in measured.items()
        for (a, b), profile, residue in zip(pairs, *several, strict=True)
    ]
    return pd.concat(rows, ignore_index=True)
