"""Humps of relaxed curves between minima: places from which saddles are climbed to."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from scipy.signal import find_peaks
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint
from lossbars.optimise.settle import settle
from lossbars.recipes import Grid, Settle
from lossbars.simplices.chain import Chain
from lossbars.simplices.simplex import Simplices

PROMINENT = 1e-7  # least prominence of a hump, as a share of the range of losses on its curve


@dataclass(frozen=True)
class Humps:
    """Of n curves the largest loss on each; and all places of local maxima between the ends, each on one ``curve``."""

    heights: list[float]
    tops: Float[Tensor, "k d"]
    curve: list[int]


@dataclass(frozen=True)
class CurveSearch:
    """Chains with ``bends`` control points, relaxed by ``settle``, and measured at ``points`` places.

    ``refinements`` of the highest place, each halving the spacing, are for heights; climbs need none.
    """

    bends: int = 9
    settle: Settle = field(default_factory=lambda: Settle(passes=600))
    points: int = 121
    refinements: int = 0

    def relaxed(
        self, landscape: Landscape, corners: Float[Tensor, "n 2 d"], checkpoint: Checkpoint | None = None
    ) -> Humps:
        """Relax straight segments between n pairs of minima."""
        family = Chain(self.bends)
        return self.humps(landscape, Simplices(family, family.start(corners)), checkpoint)

    def humps(self, landscape: Landscape, start: Simplices, checkpoint: Checkpoint | None = None) -> Humps:
        """Relax curves, and find where each is higher than its neighbourhood."""
        grid = Grid(points=self.points, refinements=self.refinements)
        settled = settle(landscape, start, self.settle, grid, checkpoint=checkpoint)
        heights = [profile.value for profile in settled.profiles]
        curves = zip(settled.simplices.nodes.double(), settled.profiles, strict=True)
        tops = [start.family.blend(profile.t[humps(profile.loss)].double()) @ nodes for nodes, profile in curves]
        return Humps(heights, torch.cat(tops), [i for i, several in enumerate(tops) for _ in several])


def humps(loss: Float[Tensor, " g"]) -> list[int]:
    """Local maxima inside a profile, by number."""
    values = loss.numpy()
    peaks, _ = find_peaks(values, prominence=max(PROMINENT * float(values.max() - values.min()), 1e-300))
    return peaks.tolist()
