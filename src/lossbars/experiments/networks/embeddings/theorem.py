"""Theorem 2 shown on runs: a minimum's penalty in a larger network is not above that in the smaller one.

Barannikov et al. 2022, §3.6. Minima p1, p2 of the small network and the curve γ between them are embedded; from p1 and
p2, which are saddles in the larger space, a descent with a small random fluctuation at its start leads to p1' and p2'.
The two trajectories and γ make a path from p1' to p2', whose maximum is an upper bound of the penalty of the higher of
the two; optimised in the larger space, it gives another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.connect import connect
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Descent, Grid, PathGrid
from lossbars.recipes import Simplices as Recipe
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

Report = Callable[[str], None]


class Trajectory:
    """A checkpoint that keeps what a descent's variables are after ``steps``, and leaves its state to another."""

    def __init__(self, steps: Sequence[int], steps_per_epoch: int, inner: Checkpoint | None = None) -> None:
        self.steps, self.steps_per_epoch, self.inner = set(steps), steps_per_epoch, inner
        self.stopping = False
        self.step = 0
        self.snapshots: dict[int, Tensor] = {}  # step → variables (n, 1, d), d padded as the optimiser's

    def due(self) -> bool:
        """Counts the steps; see :class:`lossbars.optimise.descent.Checkpoint`."""
        self.step += 1
        due = self.inner.due() if self.inner else False
        self.stopping = self.inner.stopping if self.inner else False
        return due or self.step in self.steps

    def load(self) -> State | None:
        """The inner state; the snapshots are in it."""
        state = self.inner.load() if self.inner else None
        if state is not None:
            self.step = self._count(state)
            saved = {key: value for key, value in state.items() if key.startswith("snapshot.")}
            self.snapshots = {int(key.removeprefix("snapshot.")): value for key, value in saved.items()}
        return state

    def save(self, state: State) -> None:
        """Keep the variables where they are wanted, and the whole state."""
        if (step := self._count(state)) in self.steps:
            self.snapshots[step] = state["variables"].detach().clone()
        if self.inner:
            self.inner.save(state | {f"snapshot.{step}": value for step, value in self.snapshots.items()})

    def _count(self, state: State) -> int:
        return int(state["epoch"]) * self.steps_per_epoch + int(state["step"])


def descend_from(
    landscape: Landscape,
    embedded: Float[Tensor, "n d"],
    recipe: Descent,
    fluctuation: float,
    snapshots: int,
    generators: Sequence[Generator],
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Report | None = None,
) -> Float[Tensor, "n k d"]:
    """Trajectories: the embedded minimum, that with its fluctuation, and ``snapshots`` places, evenly many steps apart.

    The fluctuation is Gaussian, of this standard deviation in every parameter. The last place is where the descent
    ends. Raises :class:`lossbars.optimise.descent.Diverged` and Stopped.
    """
    noise = torch.cat([torch.randn(1, embedded.shape[1], generator=g) for g in generators])
    start = embedded + fluctuation * noise.to(embedded)
    total = recipe.epochs * landscape.steps_per_epoch
    steps = sorted({-(-total * i // snapshots) for i in range(1, snapshots + 1)})
    trajectory = Trajectory(steps, landscape.steps_per_epoch, checkpoint)
    end = minimise(landscape, start, recipe, generators, names, trajectory, report)
    places = [trajectory.snapshots[step][:, 0, : landscape.dim].to(end) for step in steps[:-1]]
    return torch.stack([embedded, start, *places, end], dim=1)


def with_points(path: Float[Tensor, "k d"], points: int) -> Float[Tensor, "p d"]:
    """The same polygonal chain by more points: its longest pieces are halved, one after another."""
    while len(path) < points:
        longest = int((path[1:] - path[:-1]).norm(dim=1).argmax())
        middle = (path[longest] + path[longest + 1]) / 2
        path = torch.cat([path[: longest + 1], middle[None], path[longest + 1 :]])
    return path


@dataclass(frozen=True)
class Bounds:
    """Losses of record, float64, of m paths from p1' to p2'; (m, 2) are of the first and the second minimum."""

    start: Float[Tensor, "m 2"]  # of the embedded minima
    end: Float[Tensor, "m 2"]  # of p1' and p2'
    highest: Float[Tensor, "m 2"]  # largest on each trajectory
    curve: Float[Tensor, " m"]  # largest on γ, as embedded
    before: Float[Tensor, " m"]  # largest on the whole path, as concatenated
    after: Float[Tensor, " m"]  # largest on it as optimised


def bounds(
    landscape: Landscape,
    first: Float[Tensor, "m k d"],
    curves: Float[Tensor, "m c d"],
    second: Float[Tensor, "m k d"],
    recipe: Recipe,
    grid: PathGrid,
    fluctuation: float,
    order: Generator,
    places: Sequence[Generator],
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Report | None = None,
) -> Bounds:
    """Concatenate trajectories of the first minima, embedded curves, and trajectories of the second; optimise.

    Trajectories begin at the ends of the curves. Points between p1' and p2' get a fluctuation before they are
    optimised: nothing pulls at a unit without weights in and out, on an embedded curve as at an embedded minimum.
    Both times the path is measured on the same grid, at its points, between them, and finer around its maximum.
    Raises ValueError where the parts do not meet, and :class:`lossbars.optimise.descent.Diverged` and Stopped.
    """
    if not (torch.equal(first[:, 0], curves[:, 0]) and torch.equal(second[:, 0], curves[:, -1])):
        raise ValueError("a trajectory must begin at the end of its curve: both are embedded from one minimum")
    nodes = torch.cat([first.flip(1), curves[:, 1:-1], second], dim=1)
    path = Simplices(Chain(nodes.shape[1] - 2), nodes)
    pieces = nodes.shape[1] - 1
    fine = Grid(points=pieces * (grid.between + 1) + 1, refinements=grid.refinements)
    before = profiles(landscape, path, fine, report, names)
    stirred = Simplices(path.family, _stirred(nodes, fluctuation, places))
    optimised = connect(landscape, stirred, recipe, order, places, names, checkpoint, report)
    after = profiles(landscape, optimised, fine, report, names)
    meet = (first.shape[1] - 1) / pieces, 1 - (second.shape[1] - 1) / pieces
    parts = torch.tensor([_parts(profile, *meet) for profile in before], dtype=torch.float64)
    return Bounds(
        start=_losses(landscape, first[:, 0], second[:, 0]),
        end=_losses(landscape, first[:, -1], second[:, -1]),
        highest=parts[:, [0, 2]],
        curve=parts[:, 1],
        before=torch.tensor([p.value for p in before], dtype=torch.float64),
        after=torch.tensor([p.value for p in after], dtype=torch.float64),
    )


def _stirred(nodes: Tensor, fluctuation: float, generators: Sequence[Generator]) -> Tensor:
    noise = torch.stack([torch.randn(nodes.shape[1:], generator=g) for g in generators])
    noise[:, [0, -1]] = 0
    return nodes + fluctuation * noise.to(nodes)


def _losses(landscape: Landscape, one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([landscape.loss(one), landscape.loss(other)], dim=1).double().cpu()


def _parts(profile: Profile, left: float, right: float) -> list[float]:
    """The maxima before, between and after t = ``left`` and ``right``, where the parts meet."""
    t, near = profile.t[:, 0].double(), 1e-6  # places are float32
    parts = (t <= left + near, (t >= left - near) & (t <= right + near), t >= right - near)
    return [float(profile.loss[part].max()) for part in parts]
