"""The one training loop: variables (n, f, d) moved downhill, row by row independent, restartable to the same bits."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lossbars.landscape import Batch
from lossbars.optimisers import Optimiser
from lossbars.recipes import Descent
from lossbars.schedules import learning_rate

State = dict[str, Tensor]
ROW_MULTIPLE = 16  # rows are padded to this many numbers: a fused optimiser rounds an array's odd tail otherwise


class Diverged(RuntimeError):  # noqa: N818 (it says what happened)
    """A loss became infinite or NaN; nothing can be made of the variables."""


@runtime_checkable
class Checkpoint(Protocol):
    """Where a descent leaves its state on the way."""

    def load(self) -> State | None:
        """The last state saved, None at a fresh start."""

    def save(self, state: State) -> None:
        """Keep a state; a crash while saving leaves the one before."""


@dataclass
class Problem:
    """What is descended: n rows, each named for messages.

    ``gradient(variables (n, f, d), step of the epoch, batch, out (n, f, d)) -> losses (n,)`` writes the gradients
    into ``out``; ``begin_epoch()`` draws what an epoch needs; ``generators`` are all generators that it draws from.
    """

    gradient: Callable[[Tensor, int, Batch | None, Tensor], Tensor]
    batches: Callable[[], Iterator[Batch | None]]
    steps_per_epoch: int
    generators: Sequence[Generator]
    names: Sequence[str]
    begin_epoch: Callable[[], None] = field(default=lambda: None)


def descend(
    start: Tensor,
    problem: Problem,
    recipe: Descent,
    checkpoint: Checkpoint | None = None,
    checkpoint_seconds: float = 30.0,
    report: Callable[[str], None] | None = None,
) -> Tensor:
    """Variables (n, f, d) after ``recipe.epochs`` passes.

    With a checkpoint the state is saved at ends of epochs, every ``checkpoint_seconds`` or more rarely,
    and an earlier state is continued from. Raises Diverged, naming rows, step and learning rate.
    """
    d = start.shape[-1]
    optimiser = Optimiser(recipe, F.pad(start.detach(), (0, -d % ROW_MULTIPLE)))
    first = _restore(checkpoint, optimiser, problem.generators)
    saved = reported = time.monotonic()
    for epoch in range(first, recipe.epochs):
        losses = _epoch(optimiser, d, problem, recipe, epoch)
        now = time.monotonic()
        done = epoch + 1 == recipe.epochs
        if checkpoint and not done and now - saved >= checkpoint_seconds:
            checkpoint.save(_state(epoch + 1, optimiser, problem.generators))
            saved = now
        if report and (done or now - reported >= 5.0):
            report(f"epoch {epoch + 1}/{recipe.epochs}, mean training loss {float(losses.mean()):.4g}")
            reported = now
    return optimiser.variables[..., :d].contiguous()


def _epoch(optimiser: Optimiser, d: int, problem: Problem, recipe: Descent, epoch: int) -> Tensor:
    """One pass; the mean training loss of every row (n,)."""
    variables, gradient = optimiser.variables[..., :d], optimiser.gradient[..., :d]
    problem.begin_epoch()
    n = len(variables)
    total = torch.zeros(n, dtype=torch.float64, device=variables.device)
    bad = torch.full((n,), torch.iinfo(torch.long).max, device=variables.device)  # first step whose loss is not finite
    step = 0
    for step, batch in enumerate(problem.batches()):
        rate = learning_rate(recipe.schedule, epoch + step / problem.steps_per_epoch, recipe.epochs)
        losses = problem.gradient(variables, step, batch, gradient)
        optimiser.step(rate)
        total += losses
        bad = torch.where(losses.isfinite(), bad, bad.clamp(max=step))
    if not bool(total.isfinite().all()):
        _raise_diverged(bad, problem, recipe, epoch)
    return total / (step + 1)


def _raise_diverged(bad: Tensor, problem: Problem, recipe: Descent, epoch: int) -> None:
    step = int(bad.min())
    rate = learning_rate(recipe.schedule, epoch + step / problem.steps_per_epoch, recipe.epochs)
    rows = [name for name, when in zip(problem.names, bad.tolist(), strict=True) if when == step]
    raise Diverged(
        f"the loss of {', '.join(rows)} is no longer finite at step {step + 1} of epoch {epoch + 1} "
        f"(step {epoch * problem.steps_per_epoch + step + 1} in all), learning rate {rate:.4g}: "
        "try a smaller learning rate"
    )


def _state(epoch: int, optimiser: Optimiser, generators: Sequence[Generator]) -> State:
    moments = {f"moment.{name}": moment for name, moment in optimiser.moments.items()}
    randomness = {f"generator.{i}": g.get_state() for i, g in enumerate(generators)}
    return {"epoch": torch.tensor(epoch), "variables": optimiser.variables, **moments, **randomness}


def _restore(checkpoint: Checkpoint | None, optimiser: Optimiser, generators: Sequence[Generator]) -> int:
    """Put the last state back; the number of epochs that are done."""
    state = checkpoint.load() if checkpoint else None
    if state is None:
        return 0
    optimiser.variables.copy_(state["variables"])
    device = optimiser.variables.device
    for key, value in state.items():
        if key.startswith("moment."):
            optimiser.moments[key.removeprefix("moment.")] = value.to(device, copy=True)
    for i, generator in enumerate(generators):
        generator.set_state(state[f"generator.{i}"])
    return int(state["epoch"])
