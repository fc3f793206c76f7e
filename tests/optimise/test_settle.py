"""Curves brought to convergence: the space of curves against written-out sums, saddles that are known, and resuming."""

import pytest
import torch
from torch import Tensor

from lossbars.functions import six_hump_camel
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.settle import CurveSpace, settle
from lossbars.optimise.stages import Stages
from lossbars.recipes import Grid, Settle
from lossbars.simplices import Bezier, Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from support.small_landscapes import Interrupted, Points, Saved

PLACES = torch.tensor([[0.1], [0.5], [0.9]], dtype=torch.float64)
CAMEL_MINIMA = [[0.0898420131, -0.7126564030], [-0.0898420131, 0.7126564030], [-1.7036067150, 0.7960835657]]
GRID = Grid(points=61, refinements=6)


def bent(corners: Tensor, bends: int = 3, seed: int = 0) -> Simplices:
    """Bezier curves between corners (n, 2, d), each control point a little off the segment."""
    family = Bezier(bends)
    nodes = family.start(corners)
    random = torch.Generator().manual_seed(seed)
    nodes[:, 1:-1] += 0.2 * torch.randn(nodes[:, 1:-1].shape, generator=random, dtype=nodes.dtype)
    return Simplices(family, nodes)


def camel_pairs() -> Tensor:
    minima = torch.tensor(CAMEL_MINIMA, dtype=torch.float64)
    return torch.stack([minima[[0, 1]], minima[[1, 2]]])


@pytest.mark.parametrize("family", [Bezier(3), Chain(2)])
def test_rows_are_curves(family):
    space = CurveSpace(Points(3), family, PLACES)
    nodes = torch.randn(2, family.size, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = space.rows(nodes, torch.tensor([0.0, 7.0]))
    assert rows.shape == (2, space.dim)
    torch.testing.assert_close(space.nodes(rows), nodes, rtol=1e-12, atol=1e-12)
    assert torch.equal(space.nodes(rows)[:, [0, -1]], nodes[:, [0, -1]])


def test_the_objective_is_mean_or_smooth_maximum():
    points, family = Points(3), Bezier(2)
    space = CurveSpace(points, family, PLACES)
    nodes = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values = points.loss(Simplices(family, nodes).at(PLACES.expand(2, 3, 1)).flatten(0, 1)).view(2, 3)
    mean, sharp = (space.loss(space.rows(nodes, torch.full((2,), beta))) for beta in (0.0, 9.0))
    torch.testing.assert_close(mean, values.mean(1))
    torch.testing.assert_close(sharp, ((9.0 * values).exp().mean(1)).log() / 9.0)
    almost = space.loss(space.rows(nodes, torch.full((2,), 1e9)))
    torch.testing.assert_close(almost, values.amax(1), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("beta", [0.0, 4.0])
def test_the_gradient_is_that_of_the_objective(beta):
    space = CurveSpace(Points(3), Bezier(2), PLACES)
    nodes = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = space.rows(nodes, torch.full((2,), beta))
    value, gradient = space.value_and_gradient(rows, None)
    torch.testing.assert_close(value, space.loss(rows))
    expected = torch.zeros_like(rows)
    step = 1e-6
    for j in range(2 * 3, space.dim - 1):  # corners come first, β last: they do not move
        shift = torch.zeros_like(rows)
        shift[:, j] = step
        expected[:, j] = (space.loss(rows + shift) - space.loss(rows - shift)) / (2 * step)
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-8)


def test_maxima_come_down_to_known_saddles():
    """Of the camel, whose saddles on these ways are at 0 and .5437; between places of the grid may be a little more."""
    start = bent(camel_pairs())
    settled = settle(six_hump_camel, start, Settle(passes=9600, places=24, tilt=20.0), GRID)
    heights = torch.tensor([profile.value for profile in settled.profiles])
    saddles = torch.tensor([0.0, 0.5437186])
    torch.testing.assert_close(heights, saddles, rtol=0, atol=1e-4)
    assert (settled.residue >= 0).all() and (settled.residue < 0.05).all()
    assert torch.equal(settled.simplices.nodes[:, [0, -1]], start.nodes[:, [0, -1]]), "minima stay, to the bit"


def test_no_curve_ends_above_where_it_began():
    start = bent(camel_pairs(), seed=3)
    before = [profile.value for profile in profiles(six_hump_camel, start, GRID)]
    for passes in (1, 48, 480):
        settled = settle(six_hump_camel, start, Settle(passes=passes), GRID)
        assert all(after.value <= height for after, height in zip(settled.profiles, before, strict=True))
        assert settled.passes.tolist() <= [max(passes, 4 * 12)] * 2


def test_the_residue_is_what_the_second_half_gained(monkeypatch):
    start = bent(camel_pairs(), seed=11)  # of most others the first half reaches the saddle
    settled = settle(six_hump_camel, start, Settle(passes=720), GRID)
    monkeypatch.setattr(f"{settle.__module__}.ROUNDS", 2)
    half = settle(six_hump_camel, start, Settle(passes=360), GRID)
    gained = [one.value - other.value for one, other in zip(half.profiles, settled.profiles, strict=True)]
    assert min(gained) > 0
    assert settled.residue.tolist() == gained


def test_each_curve_is_what_it_would_be_alone():
    start = bent(camel_pairs())
    recipe = Settle(passes=480)
    together = settle(six_hump_camel, start, recipe, GRID)
    for i in range(2):
        alone = settle(six_hump_camel, Simplices(start.family, start.nodes[i : i + 1]), recipe, GRID)
        torch.testing.assert_close(alone.simplices.nodes[0], together.simplices.nodes[i], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("saves", [1, 7, 12, 23])
def test_a_stopped_run_goes_on_to_the_same_bits(saves):
    start, recipe = bent(camel_pairs()), Settle(passes=480)
    undisturbed = settle(six_hump_camel, start, recipe, GRID)
    checkpoint = Saved(saves)
    with pytest.raises(Interrupted):
        settle(six_hump_camel, start, recipe, GRID, checkpoint=checkpoint)
    continued = settle(six_hump_camel, start, recipe, GRID, checkpoint=checkpoint)
    assert torch.equal(continued.simplices.nodes, undisturbed.simplices.nodes)
    assert torch.equal(continued.residue, undisturbed.residue)
    assert torch.equal(continued.passes, undisturbed.passes)


def test_stages_keep_results_in_place_of_states():
    checkpoint = Saved(3)
    calls: list[str] = []

    def first(saved: Checkpoint | None) -> State:
        calls.append("first")
        assert saved
        saved.save({"moment": torch.ones(5)})
        return {"theta": torch.ones(1)}

    def second(saved: Checkpoint | None) -> State:
        calls.append("second")
        assert saved
        begun = saved.load()
        saved.save({"step": torch.tensor(1)})
        if begun is None:
            saved.save({"step": torch.tensor(2)})
        return begun or {}

    stages = Stages(checkpoint)
    stages.run("first", first)
    with pytest.raises(Interrupted):
        stages.run("second", second)
    assert checkpoint.state is not None
    assert set(checkpoint.state) == {"first/result/theta", "second/state/step"}
    again = Stages(checkpoint)
    assert again.run("first", first).keys() == {"theta"}
    assert again.run("second", second)["step"] == 2
    assert calls == ["first", "second", "second"]


def test_stages_without_a_checkpoint():
    assert Stages(None).run("only", lambda saved: {"given": torch.tensor(saved is None)})["given"]
