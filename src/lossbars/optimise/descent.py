"""The one training loop: variables (n, f, d) moved downhill, row by row independent, restartable to the same bits."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lossbars.landscape import Batch
from lossbars.optimise.optimisers import Optimiser
from lossbars.optimise.schedules import learning_rate
from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Descent

State = dict[str, Tensor]
ROW_MULTIPLE = 16  # rows are padded to this many numbers: a fused optimiser rounds an array's odd tail otherwise


class Diverged(RuntimeError):  # noqa: N818 (it says what happened)
    """A loss became infinite or NaN; nothing can be made of the variables."""


@runtime_checkable
class Checkpoint(Protocol):
    """Saves the state of a descent on the way."""

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop: it saves its state then, and goes no further."""

    def due(self) -> bool:
        """Whether the state should be saved now; asked after every step."""

    def load(self) -> State | None:
        """The last state saved, None at a fresh start."""

    def save(self, state: State) -> None:
        """Keep a state; a crash while saving leaves the one before."""


@dataclass
class Problem:
    """An objective to be minimised, for n rows, each named for messages.

    ``gradient(variables (n, f, d), step of the epoch, batch, out (n, f, d)) -> losses (n,)`` writes the gradients
    into ``out``; ``begin_epoch()`` draws what an epoch needs; ``generators`` are all generators that it draws from.
    ``end_epoch(epoch, optimiser)`` may change variables and moments in place. A problem that changes on the way says
    all that it must keep in ``state()``, and is given it back by ``restore(state)``.
    """

    gradient: Callable[[Tensor, int, Batch | None, Tensor], Tensor]
    batches: Callable[[], Iterator[Batch | None]]
    steps_per_epoch: int
    generators: Sequence[Generator]
    names: Sequence[str]
    begin_epoch: Callable[[], None] = field(default=lambda: None)
    end_epoch: Callable[[int, Optimiser], None] = field(default=lambda *_: None)
    state: Callable[[], State] = field(default=dict)
    restore: Callable[[State], None] = field(default=lambda _: None)


@dataclass
class _Place:
    """The progress of a descent, inside an epoch too."""

    epoch: int
    step: int
    total: Tensor  # (n,) float64, losses of this epoch's steps
    bad: Tensor  # (n,) first step whose loss is not finite
    randomness: list[Tensor]  # of the generators, as this epoch began

    @classmethod
    def begin(cls, epoch: int, like: Tensor, generators: Sequence[Generator]) -> "_Place":
        n, device = len(like), like.device
        total = torch.zeros(n, dtype=torch.float64, device=device)
        bad = torch.full((n,), torch.iinfo(torch.long).max, device=device)
        return cls(epoch, 0, total, bad, [g.get_state() for g in generators])


def descend(
    start: Tensor,
    problem: Problem,
    recipe: Descent,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Tensor:
    """Variables (n, f, d) after ``recipe.epochs`` passes.

    A checkpoint is saved after any step where it is due, and at the end; an earlier state is continued from, to the
    same bits. Raises Diverged, naming rows, step and learning rate; Stopped, where the checkpoint was asked to stop.
    """
    d = start.shape[-1]
    optimiser = Optimiser(recipe, F.pad(start.detach(), (0, -d % ROW_MULTIPLE)))
    place = _restore(checkpoint, optimiser, problem)
    if report and (place.epoch or place.step):
        report(f"goes on in epoch {place.epoch + 1}, after step {place.step}")
    reported = time.monotonic()
    while place.epoch < recipe.epochs:
        losses = _epoch(optimiser, d, problem, recipe, place, checkpoint)
        problem.end_epoch(place.epoch, optimiser)
        place = _Place.begin(place.epoch + 1, start, problem.generators)
        done = place.epoch == recipe.epochs
        if checkpoint and done:  # what follows the descent may take long too, and be cut off
            checkpoint.save(_state(place, optimiser, problem))
        if report and (done or time.monotonic() - reported >= 5.0):
            report(f"epoch {place.epoch}/{recipe.epochs}, mean training loss {float(losses.mean()):.4g}")
            reported = time.monotonic()
    return optimiser.variables[..., :d].contiguous()


def _epoch(
    optimiser: Optimiser, d: int, problem: Problem, recipe: Descent, place: _Place, checkpoint: Checkpoint | None
) -> Tensor:
    """The rest of one pass; the mean training loss of every row (n,)."""
    variables, gradient = optimiser.variables[..., :d], optimiser.gradient[..., :d]
    problem.begin_epoch()
    steps = enumerate(problem.batches())
    for step, batch in itertools.islice(steps, place.step, None):  # what is done is drawn again, and passed over
        rate = learning_rate(recipe.schedule, place.epoch + step / problem.steps_per_epoch, recipe.epochs)
        losses = problem.gradient(variables, step, batch, gradient)
        optimiser.step(rate)
        place.total += losses
        place.bad = torch.where(losses.isfinite(), place.bad, place.bad.clamp(max=step))
        place.step = step + 1
        if checkpoint and checkpoint.due():
            checkpoint.save(_state(place, optimiser, problem))
            if checkpoint.stopping:
                raise Stopped(
                    f"stopped in epoch {place.epoch + 1} of {recipe.epochs}; run it again to go on from there"
                )
    if not bool(place.total.isfinite().all()):
        _raise_diverged(place.bad, problem, recipe, place.epoch)
    return place.total / place.step


def _raise_diverged(bad: Tensor, problem: Problem, recipe: Descent, epoch: int) -> None:
    step = int(bad.min())
    rate = learning_rate(recipe.schedule, epoch + step / problem.steps_per_epoch, recipe.epochs)
    rows = [name for name, when in zip(problem.names, bad.tolist(), strict=True) if when == step]
    raise Diverged(
        f"the loss of {', '.join(rows)} is no longer finite at step {step + 1} of epoch {epoch + 1} "
        f"(step {epoch * problem.steps_per_epoch + step + 1} in all), learning rate {rate:.4g}: "
        "try a smaller learning rate"
    )


def _state(place: _Place, optimiser: Optimiser, problem: Problem) -> State:
    moments = {f"moment.{name}": moment for name, moment in optimiser.moments.items()}
    randomness = {f"generator.{i}": state for i, state in enumerate(place.randomness)}
    count = {"epoch": torch.tensor(place.epoch), "step": torch.tensor(place.step)}
    of_problem = {f"problem.{name}": value for name, value in problem.state().items()}
    tensors = {"total": place.total, "bad": place.bad, "variables": optimiser.variables}
    return {**count, **tensors, **moments, **randomness, **of_problem}


def _restore(checkpoint: Checkpoint | None, optimiser: Optimiser, problem: Problem) -> _Place:
    """Put the last state back, the generators as they were when its epoch began; where it is."""
    generators = problem.generators
    place = _Place.begin(0, optimiser.variables, generators)
    state = checkpoint.load() if checkpoint else None
    if state is None:
        return place
    optimiser.variables.copy_(state["variables"])
    device = optimiser.variables.device
    for key, value in state.items():
        if key.startswith("moment."):
            optimiser.moments[key.removeprefix("moment.")] = value.to(device, copy=True)
    place.randomness = [state[f"generator.{i}"] for i in range(len(generators))]
    for generator, randomness in zip(generators, place.randomness, strict=True):
        generator.set_state(randomness)
    of_problem = {key.removeprefix("problem."): value for key, value in state.items() if key.startswith("problem.")}
    problem.restore(of_problem)
    place.epoch, place.step = int(state["epoch"]), int(state["step"])
    place.total, place.bad = state["total"].to(device, copy=True), state["bad"].to(device, copy=True)
    return place
