"""L-BFGS of n rows at once, one evaluation at a time: what :mod:`.polish` does between two looks at its checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.kfac import PASSES, Kfac, find_kfac
from lossbars.optimise.lbfgs import Pairs, dots
from lossbars.optimise.line_search import LineSearches
from lossbars.optimise.rows import Rows, State, prefixed, rows_of, under
from lossbars.recipes import Polish

Reason = Literal["gradient", "fall", "budget", "precision"]
REASONS: tuple[Reason, ...] = get_args(Reason)
FIRST_FALL = 64  # passes before which a small fall is no sign of an end
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class Active(Rows):
    """The rows that have not stopped."""

    number: Int[Tensor, " k"]  # of the row among all
    theta: Float[Tensor, "k d"]
    gradient: Float[Tensor, "k d"]
    direction: Float[Tensor, "k d"]
    value: Float[Tensor, " k"]
    failed_at: Float[Tensor, " k"]  # value at which the last line search without pairs failed; infinite before


@dataclass
class Ends(Rows):
    """What is known of all rows; of those that are active, while they are, only the traces are up to date."""

    theta: Float[Tensor, "n d"]
    reason: Int[Tensor, " n"]  # number among REASONS
    passes: Int[Tensor, " n"]
    values: Float[Tensor, "n p"]
    norms: Float[Tensor, "n p"]


class QuasiNewton:
    """The state of a polish on its way, row by row."""

    def __init__(self, landscape: Landscape, recipe: Polish) -> None:
        self.landscape, self.recipe = landscape, recipe
        self.precision = torch.finfo(DTYPES[recipe.precision]).eps
        self.kfac: Kfac | None = None if recipe.preconditioner == "none" else find_kfac(landscape)
        if recipe.preconditioner == "kfac" and self.kfac is None:
            raise ValueError("preconditioner: kfac is for networks of linear layers and smooth units: use auto")
        self.passes = 0
        self.built = 0  # passes at which the last K-FAC matrix was made; 0: none yet

    def begin(self, start: Tensor, names: Sequence[str]) -> None:
        """The first evaluation and the first directions."""
        theta = start.detach().to(DTYPES[self.recipe.precision], copy=True)
        n, most = len(theta), self.recipe.passes
        value, gradient = self._evaluate(theta)
        bad = ~(value.isfinite() & gradient.isfinite().all(1))
        if bool(bad.any()):
            rows = ", ".join(name for name, wrong in zip(names, bad.tolist(), strict=True) if wrong)
            raise Diverged(f"the objective of {rows} is not finite where its polish starts")
        numbers, traces = torch.arange(n, device=theta.device), value.new_empty(n, most)
        self.active = Active(
            numbers, theta, gradient.clone(), torch.empty_like(theta), value, torch.full_like(value, torch.inf)
        )
        self.ends = Ends(theta.clone(), torch.zeros_like(numbers), torch.zeros_like(numbers), traces, traces.clone())
        self.pairs = Pairs.empty(theta, min(self.recipe.history, self.recipe.passes))
        self.searches = LineSearches.begin(value, torch.zeros_like(value))
        self._spend(1)
        self._stop(torch.zeros_like(numbers, dtype=torch.bool))
        if len(self.numbers):
            self._prepare(torch.ones_like(self.numbers, dtype=torch.bool))

    @property
    def numbers(self) -> Int[Tensor, " k"]:
        """The rows that have not stopped."""
        return self.active.number

    def step(self) -> None:
        """One evaluation of every active row, and what follows from it."""
        active = self.active
        trial = active.theta + self.searches.length[:, None].to(active.theta.dtype) * active.direction
        value, gradient = self._evaluate(trial)
        accepted, failed = self.searches.judge(value, dots(gradient, active.direction), self.precision)
        moved = trial - active.theta
        still = accepted & ~moved.any(1)  # a step so short that rounding takes it
        accepted, failed = accepted & ~still, failed | still
        self.pairs.add(accepted, moved, gradient - active.gradient, self._initial)
        active.theta = torch.where(accepted[:, None], trial, active.theta)
        active.gradient = torch.where(accepted[:, None], gradient, active.gradient)
        active.value = torch.where(accepted, value, active.value)
        self._spend(1)
        hopeless = self._fail(failed)
        turning = (accepted | failed)[~self._stop(hopeless)]
        if bool(turning.any()):
            self._prepare(turning)

    def _evaluate(self, theta: Tensor) -> tuple[Float[Tensor, " k"], Float[Tensor, "k d"]]:
        value, gradient = self.landscape.value_and_gradient(theta, None)
        return value.detach().double(), gradient.detach()

    def _spend(self, passes: int) -> None:
        """Count passes, and note where every active row is after them."""
        until = min(self.passes + passes, self.recipe.passes)
        norms = torch.linalg.vector_norm(self.active.gradient.double(), dim=1)
        self.ends.values[self.numbers, self.passes : until] = self.active.value[:, None]
        self.ends.norms[self.numbers, self.passes : until] = norms[:, None]
        self.passes = until

    def _fail(self, failed: Tensor) -> Tensor:
        """Drop the pairs of rows whose line search failed; those for which that is no remedy."""
        active = self.active
        rounding = self.precision * active.value.abs()
        hopeless = failed & ((self.pairs.filled == 0) | (active.value >= active.failed_at - rounding))
        if bool(failed.any()):
            self.pairs.forget(failed)
            active.failed_at = torch.where(failed, active.value, active.failed_at)
        return hopeless

    def _stop(self, hopeless: Tensor) -> Tensor:
        """Take rows that are at their end off the stack; which these are."""
        numbers, value, p = self.numbers, self.active.value, self.passes
        reason = torch.full_like(numbers, -1)
        if p >= self.recipe.passes:
            reason[:] = REASONS.index("budget")
        if self.recipe.fall and p >= FIRST_FALL:
            fall = self.ends.values[numbers, p // 2 - 1] - value
            reason[fall <= self.recipe.fall * value.abs()] = REASONS.index("fall")
        reason[hopeless] = REASONS.index("precision")
        reason[self.ends.norms[numbers, p - 1] <= self.recipe.tolerance] = REASONS.index("gradient")
        stopped = reason >= 0
        if bool(stopped.any()):
            ended = numbers[stopped]
            self.ends.theta[ended], self.ends.reason[ended] = self.active.theta[stopped], reason[stopped]
            self.ends.passes[ended] = p
            self.ends.values[ended, p:] = value[stopped, None]
            self.ends.norms[ended, p:] = self.ends.norms[ended, p - 1 : p]
            parts: list[Rows | Kfac] = [self.active, self.pairs, self.searches, *([self.kfac] if self.kfac else [])]
            for part in parts:
                part.keep(~stopped)
        return stopped

    def _prepare(self, rows: Tensor) -> None:
        """New directions and line searches for these rows; before that a new K-FAC matrix for all, where it is due."""
        active, pairs = self.active, self.pairs
        due = not self.built or self.passes - self.built >= self.recipe.rebuild
        if self.kfac and due and self.passes + PASSES < self.recipe.passes:
            self.kfac.rebuild(active.theta)
            self._spend(PASSES)
            self.built = self.passes
        direction = self._aimed(pairs.direction(active.gradient, self._initial))
        slope = dots(direction, active.gradient)
        wrong = rows & ~(slope < 0)  # rounding has spoilt the pairs
        if bool(wrong.any()):
            pairs.forget(wrong)
            direction = self._aimed(pairs.direction(active.gradient, self._initial))
            slope = dots(direction, active.gradient)
        active.direction = torch.where(rows[:, None], direction, active.direction)
        self.searches.begin_again(rows, active.value, slope)

    def _aimed(self, direction: Tensor) -> Tensor:
        """A direction without curvature, that of steepest descent, is no longer than 1."""
        if self.kfac and self.built:
            return direction
        longest = torch.where(self.pairs.filled == 0, 1.0, torch.inf).to(direction.dtype)
        norm = torch.linalg.vector_norm(direction, dim=1)
        return direction * (longest / norm).clamp_max(1.0)[:, None]

    def _initial(self, vectors: Tensor) -> Tensor:
        return self.kfac(vectors) if self.kfac and self.built else vectors

    def progress(self) -> str:
        """A line for a log."""
        norms = self.ends.norms[:, self.passes - 1]
        return (
            f"pass {self.passes}/{self.recipe.passes}, {len(self.numbers)} of {len(norms)} rows, "
            f"mean objective {float(self.ends.values[:, self.passes - 1].mean()):.9g}, "
            f"largest gradient {float(norms.max()):.3g}"
        )

    def state(self) -> State:
        """All that a continued polish needs."""
        parts: dict[str, Rows | Kfac | None] = {
            "active": self.active,
            "ends": self.ends,
            "pairs": self.pairs,
            "searches": self.searches,
            "kfac": self.kfac,
        }
        found = {"passes": torch.tensor(self.passes), "built": torch.tensor(self.built)}
        for name, part in parts.items():
            found |= prefixed(name, part.state()) if part else {}
        return found

    def restore(self, state: State, like: Tensor) -> None:
        """Go on where :meth:`state` was taken."""
        self.passes, self.built = int(state["passes"]), int(state["built"])
        self.active = rows_of(Active, under("active", state), like)
        self.ends = rows_of(Ends, under("ends", state), like)
        self.pairs = rows_of(Pairs, under("pairs", state), like)
        self.searches = rows_of(LineSearches, under("searches", state), like)
        if self.kfac:
            self.kfac.restore(under("kfac", state))
