"""Start → where descent on the objective has stopped, on the whole training set and without noise.

L-BFGS, stacked over rows: every evaluation is one call for all rows that have not stopped, each at its own place in its
own line search. For networks with smooth units the inverse K-FAC matrix is the initial matrix (:mod:`.kfac`).

The gradient of a network with BatchNorm is that of the objective too, its statistics being functions of θ, where the
graph of one batch of them fits in memory (:mod:`lossbars.landscapes.network.batch_norm`). Elsewhere statistics are held
in it. Values are exact, so no step goes up; where the two gradients disagree too much, no step goes down either, and
the row stops for ``precision`` although its gradient is not small.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint
from lossbars.optimise.quasi_newton import REASONS, Ends, QuasiNewton, Reason
from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Polish


@dataclass(frozen=True)
class Polished:
    """Where n rows ended, and why.

    ``stopped``: the gradient's norm is at most the recipe's tolerance (``gradient``); the fall over the last doubling
    of passes is at most its share of the objective (``fall``); the passes are used up (``budget``); no step lowers the
    objective at this precision (``precision``). ``residue`` is what the last doubling of a row's passes gained: the
    value after half of them minus the value at the end; 0 for rows that stopped by ``gradient`` or ``precision``, where
    nothing is left to gain.
    """

    theta: Float[Tensor, "n d"]
    value: Float[Tensor, " n"]  # float64
    gradient_norm: Float[Tensor, " n"]
    residue: Float[Tensor, " n"]
    passes: Int[Tensor, " n"]  # gradients of the whole training set, those in K-FAC matrices included
    stopped: tuple[Reason, ...]
    values: Float[Tensor, "n p"]  # after 1, 2, … passes; the last value is repeated where a row has stopped
    norms: Float[Tensor, "n p"]  # of the gradient after 1, 2, … passes; the last is repeated where a row has stopped

    @property
    def converged(self) -> list[bool]:
        """Whether each row's gradient is below the tolerance."""
        return [reason == "gradient" for reason in self.stopped]


def polish(
    landscape: Landscape,
    start: Float[Tensor, "n d"],
    recipe: Polish,
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Polished:
    """Descend from n starts at once on the loss of record of ``landscape``, each row as alone up to rounding.

    A checkpoint is saved where it is due and at the end, and an earlier state is continued from, to the same bits; it
    must not be one that a training saved. Memory is about (2 · history + 10) n d numbers, up to twice that where rows
    stop. Raises ValueError where K-FAC is asked for and cannot be had, :class:`lossbars.optimise.descent.Diverged` for
    a start at which value or gradient is not finite, and Stopped where the checkpoint was asked to stop.
    """
    names = names or [f"row {i}" for i in range(len(start))]
    run = QuasiNewton(landscape, recipe)
    state = checkpoint.load() if checkpoint else None
    if state is None:
        run.begin(start, names)
    else:
        run.restore(state, start)
        if report:
            report(f"goes on after pass {run.passes}")
    reported = time.monotonic()
    while len(run.numbers):
        run.step()
        done = not len(run.numbers)
        if checkpoint and (checkpoint.due() or done):
            checkpoint.save(run.state())
            if checkpoint.stopping and not done:
                raise Stopped(f"stopped after pass {run.passes} of {recipe.passes}; run it again to go on from there")
        if report and (done or time.monotonic() - reported >= 5.0):
            report(run.progress())
            reported = time.monotonic()
    return _polished(run.ends)


def _polished(ends: Ends) -> Polished:
    """What is known, once all rows have stopped."""
    value, norm = ends.values[:, -1], ends.norms[:, -1]
    half = ends.values.gather(1, (ends.passes // 2).clamp_min(1)[:, None] - 1)[:, 0]
    reasons = tuple(REASONS[number] for number in ends.reason.tolist())
    done = torch.tensor([reason in ("gradient", "precision") for reason in reasons], device=value.device)
    residue = torch.where(done, 0.0, (half - value).clamp_min(0.0))  # rounding alone makes it negative
    return Polished(ends.theta, value, norm, residue, ends.passes, reasons, ends.values, ends.norms)
