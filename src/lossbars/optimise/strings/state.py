"""The state of Dynamic String Sampling: strings as tensors, saved between rounds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.stopping import Stopped
from lossbars.optimise.strings.sampler import BeadString

PARTS = ("beads", "values", "tops", "places")


class Saver:
    """Saves the state between rounds; when asked to stop within one, what was there before it."""

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        self.checkpoint = checkpoint
        self.last: State | None = None

    def save(self, state: Callable[[], State]) -> None:
        """After a round."""
        if self.checkpoint:
            self.last = state()
            if self.checkpoint.due():
                self.checkpoint.save(self.last)
            self.going_on()

    def going_on(self) -> None:
        """Raise Stopped where the checkpoint was asked to stop."""
        if self.checkpoint and self.checkpoint.stopping:
            if self.last:
                self.checkpoint.save(self.last)
            raise Stopped("stopped between two rounds of Dynamic String Sampling; run it again to go on from there")


def copied(string: BeadString) -> BeadString:
    """A string that changes apart."""
    return replace(string, **{part: getattr(string, part).clone() for part in PARTS})


def packed(name: str, strings: Sequence[BeadString]) -> State:
    """Strings as tensors."""
    counts = torch.tensor([[len(string.beads), *string.work.values()] for string in strings])
    parts = {part: torch.cat([getattr(string, part) for string in strings]) for part in PARTS}
    return {f"{name}.{part}": value for part, value in (parts | {"counts": counts}).items()}


def unpacked(name: str, state: State) -> list[BeadString]:
    """The strings that :func:`packed` turned into tensors."""
    counts = state[f"{name}.counts"].tolist()
    sizes = [count for count, *_ in counts]
    parts = [state[f"{name}.{part}"].split(sizes) for part in PARTS[:2]]
    parts += [state[f"{name}.{part}"].split([size - 1 for size in sizes]) for part in PARTS[2:]]
    return [
        BeadString(beads.clone(), values.clone(), tops.clone(), places.clone(), *work)
        for beads, values, tops, places, (_, *work) in zip(*parts, counts, strict=True)
    ]
