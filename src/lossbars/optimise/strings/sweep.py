"""Strings at falling thresholds, going on from what was found at the one before, or from new ends at each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.strings.sampler import BeadString, Sampler
from lossbars.optimise.strings.state import Saver, copied, packed, unpacked
from lossbars.recipes import Beads

Order = Callable[[int, int], Generator]  # number of a threshold and of a round → what orders the data
Above = Literal["nothing", "end", "bead", "segment"]
ABOVE: tuple[Above, ...] = ("nothing", "end", "bead", "segment")


@dataclass(frozen=True)
class Answer:
    """The result of one pair at one threshold; counts of work include all thresholds before."""

    pair: int
    threshold: float
    above: Above  # the first that is still above the threshold; nothing: the pair is connected
    beads: int  # between the two ends
    length: float  # normalised
    distance: float  # of the ends
    highest: float  # largest value found; NaN where a segment was not checked
    gradients: int
    measured: int

    @property
    def connected(self) -> bool:
        """Whether every segment was found to be at or below the threshold; else it was not, within the budget."""
        return self.above == "nothing"

    @classmethod
    def of(cls, pair: int, string: BeadString, threshold: float) -> "Answer":
        """Of a string as it stands."""
        distance = float(torch.linalg.vector_norm((string.beads[-1] - string.beads[0]).double()))
        lengths = len(string.beads) - 2, string.length, distance
        work = string.gradients, string.measured
        return cls(pair, threshold, _above(string, threshold), *lengths, string.highest, *work)


def _above(string: BeadString, threshold: float) -> Above:
    if string.connects(threshold):
        return "nothing"
    if float(string.values[[0, -1]].max()) > threshold:
        return "end"
    return "bead" if float(string.values.max()) > threshold else "segment"


@dataclass
class _Sweep:
    """The progress of a sweep."""

    strings: list[BeadString]  # as they are now
    best: list[BeadString]  # each at the lowest threshold that it connects at; its start before that
    answers: list[Answer]
    level: int = 0
    round: int = 0

    def state(self) -> State:
        """As tensors."""
        names = ("pair", "beads", "gradients", "measured")
        integers = [[getattr(one, name) for name in names] + [ABOVE.index(one.above)] for one in self.answers]
        numbers = [[one.threshold, one.length, one.distance, one.highest] for one in self.answers]
        tensors = {
            "place": torch.tensor([self.level, self.round]),
            "integers": torch.tensor(integers, dtype=torch.long).view(-1, 5),
            "numbers": torch.tensor(numbers, dtype=torch.float64).view(-1, 4),
        }
        return tensors | packed("now", self.strings) | packed("best", self.best)

    @classmethod
    def restored(cls, state: State) -> "_Sweep":
        """The inverse of :meth:`state`."""
        answers = [
            Answer(pair, threshold, ABOVE[above], beads, length, distance, highest, gradients, measured)
            for (pair, beads, gradients, measured, above), (threshold, length, distance, highest) in zip(
                state["integers"].tolist(), state["numbers"].tolist(), strict=True
            )
        ]
        level, round_ = state["place"].tolist()
        return cls(unpacked("now", state), unpacked("best", state), answers, level, round_)

    def alive(self) -> list[int]:
        """Pairs that connected at every threshold so far."""
        failed = {one.pair for one in self.answers if not one.connected}
        return [i for i in range(len(self.strings)) if i not in failed]

    def begin(self, level: int, starts: Float[Tensor, "n 2 d"] | None) -> None:
        """The next threshold, where there are ``starts`` from their straight segments."""
        self.level, self.round = level, 0
        if starts is not None:
            self.strings = [
                replace(BeadString.of(pair.clone()), **string.work)
                for pair, string in zip(starts, self.strings, strict=True)
            ]


def sweep(
    landscape: Landscape,
    measure: Landscape,
    starts: Callable[[int], Float[Tensor, "n 2 d"]],
    thresholds: Sequence[float],
    recipe: Beads,
    order: Order,
    reuse: bool = True,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> tuple[list[Answer], list[Float[Tensor, "_ d"]]]:
    """Answers of n pairs at falling thresholds, and the beads of each pair at the lowest one that it connects at.

    The ends are trained too, to below each threshold, like every bead: the text's models of a loss are no better than
    that. With ``reuse`` a threshold goes on from the string found at the one before, all pairs from ``starts(0)``; a
    pair that does not connect is not tried at lower ones. Without it, as in the text's experiments, the threshold with
    number i begins from the straight segments between ``starts(i)``. Values are taken to be at least 0. Raises Diverged
    and Stopped, and ValueError for thresholds that do not fall.
    """
    if list(thresholds) != sorted(set(thresholds), reverse=True):
        raise ValueError(f"thresholds must fall, not {list(thresholds)}")
    state = checkpoint.load() if checkpoint else None
    now = _Sweep.restored(state) if state else _begun(starts(0))
    saver = Saver(checkpoint)
    sampler = Sampler(landscape, measure, recipe, saver.going_on)
    while now.level < len(thresholds) and (now.alive() or not reuse):
        threshold = thresholds[now.level]
        _at_level(now, now.alive() if reuse else range(len(now.strings)), sampler, threshold, order, saver)
        if report:
            report(_summary(now.answers, threshold))
            if lost := sum(string.diverged for string in now.strings):
                report(f"{lost} times a bead was lost in training and put back, so far: try a smaller learning rate")
        following = now.level + 1
        now.begin(following, None if reuse or following == len(thresholds) else starts(following))
        saver.save(now.state)
    return now.answers, [string.beads for string in now.best]


def _begun(starts: Tensor) -> _Sweep:
    return _Sweep([BeadString.of(pair.clone()) for pair in starts], [BeadString.of(pair) for pair in starts], [])


def _at_level(
    now: _Sweep, pairs: Sequence[int], sampler: Sampler, threshold: float, order: Order, saver: Saver
) -> None:
    some = [now.strings[i] for i in pairs]

    def after_round(number: int) -> None:
        now.round = number
        saver.save(now.state)

    tops, floors = [threshold] * len(some), [0.0] * len(some)
    sampler.connect(some, tops, floors, lambda number: order(now.level, number), now.round, after_round)
    for i in pairs:
        answer = Answer.of(i, now.strings[i], threshold)
        now.answers.append(answer)
        if answer.connected:
            now.best[i] = copied(now.strings[i])


def _summary(answers: Sequence[Answer], threshold: float) -> str:
    asked = [one for one in answers if one.threshold == threshold]
    there = [one for one in asked if one.connected]
    if not there:
        return f"threshold {threshold:.4g}: none of {len(asked)} pairs connected within the budget"
    beads, lengths = [one.beads for one in there], [one.length for one in there]
    text = f"threshold {threshold:.4g}: {len(there)} of {len(asked)} pairs connected"
    return f"{text}, {min(beads)} to {max(beads)} beads, lengths {min(lengths):.3f} to {max(lengths):.3f}"
