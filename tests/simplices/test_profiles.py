"""Maxima on curves: what a grid and its refinements find, and what they cost."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lossbars.functions.benchmarks import Function
from lossbars.recipes import Grid
from lossbars.simplices import Chain, Triangle
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

FC_MNIST = Grid(points=31, refinements=3)  # that of the experiment fc-mnist
GRIDS = (FC_MNIST, Grid(), Grid(points=41, refinements=2))
GOLDEN = (math.sqrt(5) - 1) / 2


def line(formula: Callable[[Tensor], Tensor], grid: Grid) -> Profile:
    """A function of one coordinate, along the segment from 0 to 1."""
    nodes = torch.tensor([[[0.0], [1.0]]], dtype=torch.float64)
    function = Function("line", ((0.0, 1.0),), lambda x: formula(x[:, 0]))
    (profile,) = profiles(function, Simplices(Chain(0), nodes), grid)
    return profile


def spiked(centre: float, width: float, bump: float = 0.02, height: float = 0.5) -> Callable[[Tensor], Tensor]:
    """A bump as wide as the segment, and a Gaussian spike with this width at half its height."""
    sigma = width / (2 * math.sqrt(2 * math.log(2)))
    return lambda x: 4 * bump * x * (1 - x) + height * torch.exp(-(((x - centre) / sigma) ** 2) / 2)


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: f"{grid.points}")
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_spike_of_half_beside_a_bump_of_a_fiftieth_is_found(grid: Grid, share: float) -> None:
    """Wherever it is, if it is at least half as wide as the spacing of the grid."""
    width = share / (grid.points - 1)
    for i in range(60):
        centre = 0.03 + 0.94 * (i * GOLDEN % 1)
        assert line(spiked(centre, width), grid).value > 0.4


def test_between_two_places_a_spike_shows_itself_by_a_fiftieth_of_its_height() -> None:
    """In the middle of an interval, where places show least of it; refined at the bump, the maximum would be .02."""
    spacing = 1 / (FC_MNIST.points - 1)
    spike = spiked(8.5 * spacing, 0.5 * spacing)
    coarse = line(spike, FC_MNIST.model_copy(update={"refinements": 0}))
    assert coarse.value < 0.05 and line(spike, FC_MNIST).value > 0.48


def test_the_second_of_two_humps_is_refined_too() -> None:
    """The higher one lies between places and the lower one at a place."""
    spacing = 1 / (FC_MNIST.points - 1)
    humps = ((10 * spacing, 1.0), (20.5 * spacing, 1.04))

    def two(x: Tensor) -> Tensor:
        return torch.stack([h * torch.exp(-(((x - c) / (1.5 * spacing)) ** 2)) for c, h in humps]).sum(0)

    assert line(two, FC_MNIST.model_copy(update={"refinements": 0})).value == pytest.approx(1.0, abs=1e-6)
    assert line(two, FC_MNIST).value == pytest.approx(1.04, abs=1e-6)


def test_maxima_of_random_waves_are_near_their_own() -> None:
    """Twelve waves of random heights: within .2% of the range; around one place it was up to 3%."""
    random = torch.Generator().manual_seed(0)
    dense, waves = torch.linspace(0, 1, 20_001, dtype=torch.float64), math.pi * torch.arange(1, 13).double()
    for _ in range(40):
        height = torch.randn(12, generator=random, dtype=torch.float64)
        phase = 2 * math.pi * torch.rand(12, generator=random, dtype=torch.float64)

        def of_waves(x: Tensor, height: Tensor = height, phase: Tensor = phase) -> Tensor:
            return (height * torch.sin(waves * x[:, None] + phase)).sum(1)

        truth = of_waves(dense)
        assert float(truth.max()) - line(of_waves, FC_MNIST).value < 0.002 * float(truth.max() - truth.min())


@pytest.mark.parametrize(("points", "refinements"), [(31, 3), (61, 2), (41, 2), (21, 3), (21, 2), (101, 6), (91, 2)])
def test_cost_is_below_one_and_a_half_of_two_places_a_round(points: int, refinements: int) -> None:
    profile = line(lambda x: torch.sin(5 * x), Grid(points=points, refinements=refinements))
    assert len(profile.loss) <= 1.5 * (points + 2 * refinements)


def test_what_may_lie_between_places_is_said() -> None:
    """Of smooth peaks wherever they are: at least what was missed, and not much more; of a straight line nothing."""
    for i in range(40):
        centre = 0.1 + 0.8 * (i * GOLDEN % 1)
        for grid in (Grid(points=21, refinements=0), FC_MNIST):
            profile = line(lambda x, centre=centre: 1 - 3 * (x - centre) ** 2, grid)
            spacing = 1 / (grid.points - 1) / 2**grid.refinements
            assert 1 - profile.value <= profile.unseen + 1e-12 <= 1.6 * 3 * spacing**2
    assert line(lambda x: 2 * x, FC_MNIST).unseen < 1e-6


def test_the_lower_of_two_hills_on_a_grid_of_a_triangle_may_be_the_higher() -> None:
    """One hill has its top at a place of the grid; the other, higher one lies between places."""
    corners = Triangle().start(torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64))
    tops = torch.tensor([[0.25, 0.25], [0.625, 0.125]], dtype=torch.float64)  # on and off the grid
    heights = torch.tensor([1.0, 1.05], dtype=torch.float64)
    hills = Function("hills", ((0.0, 1.0),) * 2, lambda x: (heights - torch.cdist(x, tops)).amax(1))
    values = [profiles(hills, Simplices(Triangle(), corners), Grid(points=5, refinements=r))[0].value for r in (0, 1)]
    assert values == pytest.approx([1.0, 1.05], abs=1e-6)
