"""Dynamic String Sampling: strings of models that stay below a threshold (Freeman & Bruna 2017, §3).

A string is a number of beads joined by straight segments. While a segment is above the threshold a bead is put in
there and trained to below it. The answer is "connected", with a string of which every segment was checked on a stated
grid, or "not connected within the budget"; nothing is ever said to be disconnected. The constrained version (appendix
A) holds a bead that is trained near the hyperplane between its neighbours, and pulls it to them.

All beads of all strings that need it are trained at once, round by round, so that strings grow breadth-first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.objective import trained_on
from lossbars.optimise.descent import ROW_MULTIPLE, Diverged
from lossbars.optimise.optimisers import Optimiser
from lossbars.optimise.schedules import learning_rate
from lossbars.recipes import Beads, Grid
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices


@dataclass
class BeadString:
    """One string: its beads, what is known of them, and what that cost. NaN is what has not been measured."""

    beads: Float[Tensor, "k d"]
    values: Float[Tensor, " k"]  # the measure at each bead, float64
    tops: Float[Tensor, " s"]  # the largest on each of its k − 1 segments, ends included
    places: Float[Tensor, " s"]  # where on the segment that is, 0..1
    gradients: int = 0  # of single beads, that training took
    measured: int = 0  # places where the measure was taken
    diverged: int = 0  # times that a bead in training was lost to a measure that is not finite, and put back

    @classmethod
    def of(cls, beads: Float[Tensor, "k d"]) -> "BeadString":
        """A string of which nothing is measured yet."""
        values, tops, places = (torch.full((len(beads) - i,), torch.nan, dtype=torch.float64) for i in (0, 1, 1))
        return cls(beads, values, tops, places)

    @property
    def work(self) -> dict[str, Any]:
        """Counts of the work that went into it."""
        return {name: getattr(self, name) for name in ("gradients", "measured", "diverged")}

    @property
    def highest(self) -> float:
        """The largest value found on the whole string."""
        return float(torch.cat([self.values, self.tops]).max())

    @property
    def length(self) -> float:
        """Σ |θ_{i+1} − θ_i| / |θ_1 − θ_n|, the normalised length of section 3.1; 1 is straight."""
        beads = self.beads.double()
        steps = torch.linalg.vector_norm(beads.diff(dim=0), dim=1)
        return float(steps.sum() / torch.linalg.vector_norm(beads[-1] - beads[0]))

    def connects(self, threshold: float) -> bool:
        """Whether every bead and every segment was found to be at or below the threshold."""
        return self.highest <= threshold  # False where something is not measured: NaN is the largest then

    def insert(self, segments: Sequence[int], middle: bool) -> None:
        """A new bead on each of these segments."""
        for i in reversed(segments):
            place = 0.5 if middle else float(self.places[i])
            new = torch.lerp(self.beads[i], self.beads[i + 1], place)
            self.beads = torch.cat([self.beads[: i + 1], new[None], self.beads[i + 1 :]])
            unknown = self.values.new_full((2,), torch.nan)
            self.values = torch.cat([self.values[: i + 1], unknown[:1], self.values[i + 1 :]])
            self.tops = torch.cat([self.tops[:i], unknown, self.tops[i + 1 :]])
            self.places = torch.cat([self.places[:i], unknown, self.places[i + 1 :]])

    def move(self, bead: int, to: Float[Tensor, " d"], value: float) -> None:
        """A trained bead; its segments have to be checked anew."""
        self.beads[bead], self.values[bead] = to, value
        self.tops[max(bead - 1, 0) : bead + 1] = torch.nan


@dataclass
class Sampler:
    """Connects strings below thresholds, on one landscape by one recipe.

    ``measure`` is what the thresholds are on, a landscape whose ``loss`` is the measure; ``landscape`` is what beads
    are trained on. ``floor`` is the least value that the measure can have. ``going_on`` is asked after every step of
    training, and may raise.
    """

    landscape: Landscape
    measure: Landscape
    recipe: Beads
    going_on: Callable[[], None] = field(default=lambda: None)

    def __post_init__(self) -> None:
        self.landscape = trained_on(self.landscape, self.recipe.penalty)

    def connect(
        self,
        strings: Sequence[BeadString],
        thresholds: Sequence[float],
        floors: Sequence[float],
        order: Callable[[int], Generator],
        first: int = 0,
        after_round: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Change the strings, in place, until each connects below its threshold, or the rounds are over.

        A string's ends are moved only where they are above the threshold. ``order(round)`` makes the generator that
        orders the data of a round, for all beads alike, so that a string is what it would be alone, up to rounding.
        ``first`` is the round to go on with after ``after_round(first)``. A bead that is lost in training, to a measure
        that is not finite, is put back where it began. Raises Diverged for one that begins so.
        """
        for number in range(first, self.recipe.family.rounds):
            share = self.recipe.family.margin * self.recipe.family.tighten**number
            targets = [top - share * (top - low) for top, low in zip(thresholds, floors, strict=True)]
            if number:
                self._insert(strings, thresholds)
            self._train(strings, thresholds, targets, order(number))
            self._check(strings, thresholds)
            after_round(number + 1)
            if all(string.connects(top) for string, top in zip(strings, thresholds, strict=True)):
                break

    # Measuring --------------------------------------------------------------------------------------

    def _look(self, strings: Sequence[BeadString]) -> None:
        """Measure the beads that are not."""
        new = [(string, i) for string in strings for i in string.values.isnan().nonzero().flatten().tolist()]
        if not new:
            return
        measured = self.values(torch.stack([string.beads[i] for string, i in new]))
        if not bool(measured.isfinite().all()):
            raise Diverged("the measure of a bead is not finite before it is trained: are the ends?")
        for (string, i), value in zip(new, measured.tolist(), strict=True):
            string.values[i] = value
            string.measured += 1

    def values(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The measure at places, float64."""
        return torch.cat([self.measure.loss(rows) for rows in theta.split(self.measure.rows_at_once)]).double().cpu()

    def _check(self, strings: Sequence[BeadString], thresholds: Sequence[float]) -> None:
        """Find the highest place of each segment that is not checked, and whose two beads are below the threshold."""
        new = [
            (string, i)
            for string, top in zip(strings, thresholds, strict=True)
            for i in string.tops.isnan().nonzero().flatten().tolist()
            if float(string.values[i : i + 2].max()) <= top
        ]
        if not new:
            return
        grid = Grid(points=self.recipe.grid.between + 2, refinements=self.recipe.grid.refinements)
        segments = Simplices(Chain(0), torch.stack([string.beads[i : i + 2] for string, i in new]))
        for (string, i), profile in zip(new, profiles(self.measure, segments, grid), strict=True):
            inside = profile.loss[1:-1]  # a bead put in at an end would be that end
            string.tops[i] = profile.value
            string.places[i] = float(profile.t[1:-1][inside.argmax(), 0])
            string.measured += len(profile.loss)

    # Beads ------------------------------------------------------------------------------------------

    def _insert(self, strings: Sequence[BeadString], thresholds: Sequence[float]) -> None:
        """A bead into each segment that is above the threshold, the highest first where not all fit."""
        for string, top in zip(strings, thresholds, strict=True):
            high = (string.tops > top).nonzero().flatten()
            fit = max(0, self.recipe.family.most - len(string.beads))
            highest = high[string.tops[high].argsort(descending=True)][:fit]
            string.insert(sorted(highest.tolist()), self.recipe.family.insertion == "middle")

    def _train(
        self, strings: Sequence[BeadString], thresholds: Sequence[float], targets: Sequence[float], order: Generator
    ) -> None:
        """Train every bead that is above its string's threshold, until it is at its target or the epochs are over."""
        self._look(strings)
        moving = [
            (s, i)
            for s, (string, top) in enumerate(zip(strings, thresholds, strict=True))
            for i in (string.values > top).nonzero().flatten().tolist()
        ]
        if not moving:
            return
        batch = _Moving(self, strings, moving, torch.tensor([targets[s] for s, _ in moving], dtype=torch.float64))
        for epoch in range(self.recipe.epochs):
            for step, samples in enumerate(self.landscape.batches([order])):
                at = epoch + step / self.landscape.steps_per_epoch
                batch.step(samples, learning_rate(self.recipe.schedule, at, self.recipe.epochs))
                self.going_on()
                if batch.steps % self.recipe.check_every == 0 and batch.settle():
                    return
        batch.settle(last=True)


class _Moving:
    """Beads being trained: rows of one optimiser, each put back into its string once it is there."""

    def __init__(
        self, sampler: Sampler, strings: Sequence[BeadString], moving: list[tuple[int, int]], targets: Tensor
    ) -> None:
        self.sampler, self.strings, self.moving, self.targets = sampler, strings, moving, targets
        start = torch.stack([strings[s].beads[i] for s, i in moving])
        self.d, self.steps = start.shape[1], 0
        self.start = start
        padded = F.pad(start, (0, -self.d % ROW_MULTIPLE)).unsqueeze(1)
        self.optimiser = Optimiser(sampler.recipe, padded)

    @property
    def theta(self) -> Tensor:
        """(n, d), a view."""
        return self.optimiser.variables[:, 0, : self.d]

    def step(self, samples: Batch | None, rate: float) -> None:
        """One step of every bead."""
        recipe, theta = self.sampler.recipe, self.theta
        _, gradient = self.sampler.landscape.value_and_gradient(theta, samples)
        out = self.optimiser.gradient[:, 0, : self.d]
        out.copy_(gradient)
        if recipe.family.spring or recipe.family.hyperplane:
            self._constrain(out)
        self.optimiser.step(rate)
        self.steps += 1

    def _constrain(self, out: Tensor) -> None:
        """Add the gradients of appendix A's two terms, of beads that have two neighbours; all as they are now."""
        family = self.sampler.recipe.family
        for (s, i), bead in zip(self.moving, self.theta, strict=True):
            self.strings[s].beads[i] = bead
        for row, (s, i) in enumerate(self.moving):
            beads = self.strings[s].beads
            if not 0 < i < len(beads) - 1:
                continue
            left, bead, right = beads[i - 1 : i + 2]
            off = bead - (left + right) / 2
            along = F.normalize(right - left, dim=0)
            out[row] += 2 * family.spring * off + family.hyperplane * (off @ along) * along

    def settle(self, last: bool = False) -> bool:
        """Put the beads that are at their targets back, with ``last`` all of them; whether none is left."""
        values = self.sampler.values(self.theta)
        for s, _ in self.moving:
            self.strings[s].measured += 1
        lost = ~values.isfinite()
        done = (values <= self.targets) | lost
        for row in (done | last).nonzero().flatten().tolist():
            s, i = self.moving[row]
            self.strings[s].gradients += self.steps
            if lost[row]:  # a rate too large for this bead; the others go on
                self.strings[s].diverged += 1
                self.strings[s].beads[i] = self.start[row]
            else:
                self.strings[s].move(i, self.theta[row], float(values[row]))
        left = (~done).nonzero().flatten()
        if bool(done.any()) and len(left):
            self.optimiser.keep(left.to(self.theta.device))
            self.moving, self.targets, self.start = [self.moving[i] for i in left], self.targets[left], self.start[left]
        return last or not len(left)
