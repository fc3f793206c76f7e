"""The lowest threshold at which a string connects two minima: an upper bound of their saddle."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.strings.sampler import BeadString, Sampler
from lossbars.optimise.strings.state import Saver, copied, packed, unpacked
from lossbars.recipes import Grid, Strings
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices

Order = Callable[[int, int], Generator]  # number of a threshold and of a round → what orders the data


@dataclass(frozen=True)
class Lowered:
    """The string of one pair at the lowest threshold that connects it, and the highest that did not; NaN: none."""

    beads: Float[Tensor, "k d"]
    highest: float  # largest value found on it
    failed: float
    gradients: int  # of single beads, that all thresholds took


@dataclass
class _Halving:
    """The progress of the search of the lowest thresholds; thresholds (n,) of each pair."""

    best: list[BeadString]
    strings: list[BeadString]
    low: Tensor
    high: Tensor
    failed: Tensor
    step: int = 0
    round: int = 0

    def state(self) -> State:
        """As tensors."""
        place = {"place": torch.tensor([self.step, self.round])}
        limits = {name: getattr(self, name).clone() for name in ("low", "high", "failed")}
        return place | limits | packed("best", self.best) | packed("now", self.strings)

    @classmethod
    def restored(cls, state: State) -> "_Halving":
        """The inverse of :meth:`state`."""
        step, round_ = state["place"].tolist()
        limits = state["low"], state["high"], state["failed"]
        return cls(unpacked("best", state), unpacked("now", state), *limits, step, round_)

    def begin(self) -> None:
        """The next thresholds, each from the best string."""
        self.strings, self.round = [copied(string) for string in self.best], 0

    def judge(self, thresholds: list[float]) -> None:
        """Move the limits of each pair."""
        for i, (string, top) in enumerate(zip(self.strings, thresholds, strict=True)):
            if string.connects(top):
                self.best[i], self.high[i] = copied(string), string.highest
                self.low[i] = self.low[i].clamp(max=string.highest)  # lower than what failed: it was the budget
            else:
                self.low[i] = self.failed[i] = top
                self.best[i] = replace(self.best[i], **string.work)


def lowest(
    landscape: Landscape,
    corners: Float[Tensor, "n 2 d"],
    recipe: Strings,
    order: Order,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Lowered]:
    """The lowest thresholds at which n pairs of minima were connected: upper bounds of their saddles.

    Both minima stay, to the bit. Halves, ``recipe.halvings`` times, what lies between the higher of the two minima
    (or the last threshold that failed) and the highest place of the best string, at first of the straight segment.
    Raises Diverged and Stopped.
    """
    state = checkpoint.load() if checkpoint else None
    now = _Halving.restored(state) if state else _straight(landscape, corners, recipe)
    floors = [float(string.values[[0, -1]].max()) for string in now.best]
    saver = Saver(checkpoint)
    sampler = Sampler(landscape, landscape, recipe, saver.going_on)

    def after_round(number: int) -> None:
        now.round = number
        saver.save(now.state)

    for step in range(now.step, recipe.halvings):
        now.step = step
        thresholds = ((now.low + now.high) / 2).tolist()
        sampler.connect(now.strings, thresholds, floors, lambda number: order(now.step, number), now.round, after_round)
        now.judge(thresholds)
        if report:
            tops = now.high.tolist()
            lost = sum(string.diverged for string in now.best)
            text = f"{step + 1} of {recipe.halvings} thresholds, connected at {min(tops):.4g} to {max(tops):.4g}"
            report(text + (f"; {lost} times a bead was lost: try a smaller learning rate" if lost else ""))
        now.step = step + 1
        now.begin()
        saver.save(now.state)
    return [
        Lowered(string.beads, string.highest, failed, string.gradients)
        for string, failed in zip(now.best, now.failed.tolist(), strict=True)
    ]


def _straight(landscape: Landscape, corners: Tensor, recipe: Strings) -> _Halving:
    grid = Grid(points=recipe.grid.between + 2, refinements=recipe.grid.refinements)
    strings = [BeadString.of(pair) for pair in corners]
    for string, profile in zip(strings, profiles(landscape, Simplices(Chain(0), corners), grid), strict=True):
        string.values, string.tops = profile.loss[[0, -1]], profile.loss.max()[None]
        string.places, string.measured = profile.t[1:-1][profile.loss[1:-1].argmax()].double(), len(profile.loss)
    high = torch.tensor([string.highest for string in strings], dtype=torch.float64)
    low = torch.stack([string.values.max() for string in strings])
    now = _Halving(strings, [], low, high, torch.full_like(high, torch.nan))
    now.begin()
    return now
