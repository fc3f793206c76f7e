"""How far Dynamic String Sampling has come: strings as tensors, saved between rounds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.stopping import Stopped
from lossbars.optimise.strings.sampler import BeadString


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


def copied(own: BeadString) -> BeadString:
    """A string that changes apart."""
    tensors = {name: getattr(own, name).clone() for name in ("beads", "values", "tops", "places")}
    return replace(own, **tensors)


def packed(name: str, strings: Sequence[BeadString]) -> State:
    """Strings as tensors."""
    counts = torch.tensor([[len(own.beads), own.gradients, own.measured, own.diverged] for own in strings])
    parts = {part: torch.cat([getattr(own, part) for own in strings]) for part in ("beads", "values", "tops", "places")}
    return {f"{name}.{part}": value for part, value in (parts | {"counts": counts}).items()}


def unpacked(name: str, state: State) -> list[BeadString]:
    """What :func:`packed` put together."""
    counts = state[f"{name}.counts"].tolist()
    sizes = [count for count, *_ in counts]
    parts = [state[f"{name}.{part}"].split(sizes) for part in ("beads", "values")]
    parts += [state[f"{name}.{part}"].split([size - 1 for size in sizes]) for part in ("tops", "places")]
    return [
        BeadString(beads.clone(), values.clone(), tops.clone(), places.clone(), *work)
        for beads, values, tops, places, (_, *work) in zip(*parts, counts, strict=True)
    ]
