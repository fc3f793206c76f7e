"""Theorem 2 where everything is known: two wells on a line, which lies in a plane where a ring joins them."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Generator, Tensor

from lossbars.experiments.networks.embeddings.theorem import Bounds, Trajectory, bounds, descend_from, with_points
from lossbars.landscape import Batch, Landscape
from lossbars.optimise.descent import Stopped
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Minima, PathGrid, Simplices
from support.small_landscapes import Interrupted, Memory, Points

GRID = PathGrid(between=4, refinements=2)


class Ring(Landscape):
    """(x² + y² − 1)² − y/10: on the line y = 0 two wells of loss 0, and 1 between them; off it, a way around."""

    def __init__(self) -> None:
        self.dim, self.device = 2, torch.device("cpu")

    def init(self, n: int, generator: Generator) -> Tensor:
        return torch.randn(n, 2, generator=generator, dtype=torch.float64)

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:  # noqa: ARG002
        yield None

    def loss(self, theta: Tensor, batch: Batch | None = None) -> Tensor:  # noqa: ARG002
        return (theta.square().sum(1) - 1).square() - theta[:, 1] / 10


def generators(n: int, seed: int = 3) -> list[Generator]:
    return [Generator().manual_seed(seed + i) for i in range(n)]


def descent(epochs: int = 200, lr: float = 0.02) -> Minima:
    return Minima(optimiser="sgd", schedule={"kind": "constant", "lr": lr}, epochs=epochs, momentum=0.0)


def optimisation(epochs: int = 600) -> Simplices:
    schedule = {"kind": "constant", "lr": 0.01}
    return Simplices(optimiser="adam", schedule=schedule, epochs=epochs, points=8, tilt=20.0)


def around(fluctuation: float, epochs: int = 600) -> tuple[Tensor, Bounds]:
    """Trajectories from both wells, and the bounds of the segment between them."""
    wells = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    trajectories = descend_from(Ring(), wells, descent(), 1e-3, 4, generators(2))
    curve = torch.stack([wells[0], wells.mean(0), wells[1]])[None]
    first, second = trajectories[:1], trajectories[1:]
    found = bounds(
        Ring(), first, curve, second, optimisation(epochs), GRID, fluctuation, generators(1)[0], generators(1, 9)
    )
    return trajectories, found


def test_the_larger_space_has_a_lower_saddle() -> None:
    trajectories, found = around(1e-3)
    torch.testing.assert_close(found.start, torch.zeros(1, 2, dtype=torch.float64), atol=1e-15, rtol=0)
    torch.testing.assert_close(found.end[0], Ring().loss(trajectories[:, -1]))
    assert (found.end < -0.03).all()
    assert (found.highest < 1e-3).all() and (found.highest >= found.start - 1e-9).all()
    assert found.curve.item() == found.before.item() == pytest.approx(1.0)
    assert found.after.item() < 0.0  # the wells are no minima here, and there is nothing between what they flow to


def test_without_a_fluctuation_points_on_the_line_of_symmetry_go_nowhere_fast() -> None:
    _, moved = around(1e-3, epochs=1)
    assert moved.after.item() > 0.9  # what lowers it is the optimisation
    assert moved.before.item() == pytest.approx(1.0)


def test_the_maximum_on_a_trajectory_counts() -> None:
    """A trajectory over a hill is seen in ``highest`` and in ``before``, and not in ``curve``."""
    wells = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    over = torch.stack([wells[0], torch.tensor([-2.0, 0.0], dtype=torch.float64)])[None]
    still = torch.stack([wells[1], wells[1]])[None]
    recipe = optimisation(1)
    found = bounds(Ring(), over, wells[None], still, recipe, GRID, 1e-6, generators(1)[0], generators(1))
    assert found.highest[0, 0] == found.before[0] == pytest.approx(9.0)
    assert found.curve[0] == pytest.approx(1.0)  # at 0, between two places of the grid, far below the highest
    assert found.highest[0, 1] == found.start[0, 1] == pytest.approx(0.0)


def test_parts_that_do_not_meet_are_refused() -> None:
    wells = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    one, other = wells[None, :1], wells[None, 1:]
    with pytest.raises(ValueError, match="must begin at the end of its curve"):
        bounds(Ring(), other, wells[None], one, optimisation(1), GRID, 0.1, generators(1)[0], generators(1))


# Trajectories ------------------------------------------------------------------------------------


def points_trajectory(checkpoint: Memory | None = None, epochs: int = 6, snapshots: int = 3) -> Tensor:
    start = Points().init(2, Generator().manual_seed(0))
    return descend_from(Points(), start, descent(epochs), 0.1, snapshots, generators(2), checkpoint=checkpoint)


def test_snapshots_are_where_shorter_descents_end() -> None:
    found = points_trajectory()
    assert found.shape == (2, 5, Points().dim)
    start = Points().init(2, Generator().manual_seed(0))
    assert torch.equal(found[:, 0], start)
    assert 0.02 < (found[:, 1] - start).std() < 0.5
    for epochs, place in ((2, 2), (4, 3), (6, 4)):
        random = generators(2)
        for g in random:
            torch.randn(1, Points().dim, generator=g)
        assert torch.equal(minimise(Points(), found[:, 1], descent(epochs), random), found[:, place]), epochs


def test_more_snapshots_than_steps_are_every_step() -> None:
    found = descend_from(Ring(), torch.zeros(1, 2, dtype=torch.float64), descent(3), 0.1, 9, generators(1))
    assert found.shape == (1, 5, 2)  # start, with fluctuation, after each of three steps


@pytest.mark.parametrize("saves", [1, 3, 5])
def test_a_descent_cut_off_goes_on_to_the_same_bits(saves: int) -> None:
    memory = Memory(saves, every=3)
    with pytest.raises(Interrupted):
        points_trajectory(memory)
    memory.saves = None
    assert torch.equal(points_trajectory(memory), points_trajectory())


def test_a_descent_asked_to_stop_saves_its_state() -> None:
    memory = Memory()
    memory.stopping = True
    with pytest.raises(Stopped):
        points_trajectory(memory)
    assert memory.state is not None and int(memory.state["step"]) == 1
    memory.stopping = False
    assert torch.equal(points_trajectory(memory), points_trajectory())


def test_a_trajectory_without_a_checkpoint_starts_anew() -> None:
    assert Trajectory([1], 1).load() is None


# Chains ------------------------------------------------------------------------------------------


def test_more_points_on_the_same_chain() -> None:
    chain = torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0]])
    expected = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [4.0, 1.0]])
    assert torch.equal(with_points(chain, 5), expected)
    assert torch.equal(with_points(chain, 3), chain)
