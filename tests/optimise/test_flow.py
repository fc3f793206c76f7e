"""The normal-gradient flow of paths, against Algorithm 3 written out point by point, and its refinements."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from lossbars.functions import Function
from lossbars.landscape import Batch, Landscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.flow import Flowed, _Flow, flow, path_profiles
from lossbars.optimise.optimisers import Optimiser
from lossbars.optimise.path_points import project, redistributed, relative_lengths, uphill, with_midpoints
from lossbars.recipes import PathGrid, Paths
from support.small_landscapes import DATA, Interrupted, Memory, Points, log_cosh
from support.small_networks import NETWORKS, landscape

STEPS = DATA // 2  # of an epoch
OPTIMISERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimiser": "sgd", "momentum": 0.0},
    "momentum": {"optimiser": "sgd", "momentum": 0.9},
    "adam": {"optimiser": "adam"},
}


def recipe(epochs: int = 3, lr: float = 0.1, family: dict[str, Any] | None = None, **settings: Any) -> Paths:
    made = {"schedule": {"kind": "constant", "lr": lr}, "epochs": epochs} | OPTIMISERS["sgd"] | settings
    return Paths(**made, family={"kind": "path", "points": 6} | (family or {}))


def order(seed: int = 3) -> Generator:
    return Generator().manual_seed(seed)


def corners(of: Landscape, n: int = 3) -> Tensor:
    return of.init(2 * n, Generator().manual_seed(8)).view(n, 2, -1)


def unit(a: Tensor, b: Tensor) -> Tensor:
    return (b - a) / (b - a).norm()


def normal_part(left: Tensor, centre: Tensor, right: Tensor, g: Tensor) -> Tensor:
    """Algorithm 3, one point."""
    u, v = unit(left, centre), unit(centre, right)
    return g - ((g @ u) * u + (g @ v) * v) / 2


def plain_flow(points: Points, ends: Tensor, made: Paths, seed: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """One path, point by point; torch.optim; means of the two norms over each epoch."""
    share = torch.linspace(0, 1, made.family.points, dtype=torch.float64)[:, None]
    path = ((1 - share) * ends[0] + share * ends[1])[1:-1].clone().requires_grad_()
    kinds = {"sgd": lambda: torch.optim.SGD([path], 0.1, made.momentum), "adam": lambda: torch.optim.Adam([path], 0.1)}
    optimiser, generator = kinds[made.optimiser](), order(seed)
    norms = torch.zeros(made.epochs, 2, len(path), dtype=torch.float64)
    for epoch in range(made.epochs):
        permutation = torch.randperm(DATA, generator=generator)
        for step in range(STEPS):
            batch = points.points[permutation[2 * step : 2 * step + 2]]
            whole, pieces = torch.cat([ends[:1], path.detach(), ends[1:]]), []
            for i in range(len(path)):
                theta = path[i].detach().requires_grad_()
                loss = log_cosh(theta, batch) + made.weight_decay / 2 * theta.square().sum()
                (g,) = torch.autograd.grad(loss, theta)
                pieces.append(normal_part(whole[i], whole[i + 1], whole[i + 2], g))
                norms[epoch, :, i] += torch.stack([(g - pieces[-1]).norm(), pieces[-1].norm()]) / STEPS
            path.grad = torch.stack(pieces)
            optimiser.step()
    return torch.cat([ends[:1], path.detach(), ends[1:]]), norms[:, 0], norms[:, 1]


def by_columns(array: Tensor) -> Tensor:
    """The same numbers, with a row's far apart in memory: these torch projects, and the others a compiled kernel."""
    return array.mT.contiguous().mT


def in_rows(array: Tensor) -> Tensor:
    """The same numbers, in rows that are padded, as an optimiser's are."""
    return torch.nn.functional.pad(array, (0, 3))[..., : array.shape[-1]]


LAYOUTS = pytest.mark.parametrize("laid_out", [by_columns, in_rows])


@LAYOUTS
def test_a_step_by_hand(laid_out: Callable[[Tensor], Tensor]) -> None:
    """A corner at (1, 1) between (0, 0) and (2, 0): u = (1, 1)/√2, v = (1, −1)/√2, g = (1, 4)."""
    ends = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]], dtype=torch.float64)
    moving, g = torch.ones(1, 1, 2, dtype=torch.float64), torch.tensor([[[1.0, 4.0]]], dtype=torch.float64)
    ends, moving, g = laid_out(ends), laid_out(moving), laid_out(g)
    out = laid_out(torch.empty_like(g))
    taken, left = project(ends, moving, g, out)
    torch.testing.assert_close(out, torch.tensor([[[0.5, 2.0]]], dtype=torch.float64))
    assert (taken.item(), left.item()) == pytest.approx((math.sqrt(0.5**2 + 2.0**2),) * 2)
    climbing = uphill(ends, moving, g, torch.tensor([1]))  # τ = (1, 0)
    torch.testing.assert_close(climbing, torch.tensor([[-1.0, 4.0]], dtype=torch.float64))
    project(ends, moving, g, g)
    assert torch.equal(g, out)


def test_steps_on_a_quadratic_by_hand() -> None:
    """x² + 2 y² on the line y = 1 from x = −3 to 3, rate 1/8: the gradient's part along x goes, y falls by y/2."""
    bowl = Function("bowl", ((-4.0, 4.0),) * 2, lambda p: p[:, 0] ** 2 + 2 * p[:, 1] ** 2)
    ends = torch.tensor([[[-3.0, 1.0], [3.0, 1.0]]], dtype=torch.float64)
    found = flow(bowl, ends, recipe(1, 0.125, {"points": 4}), order())
    expected = torch.tensor([[-3.0, 1.0], [-1.0, 0.5], [1.0, 0.5], [3.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(found.paths[0], expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(found.tangent, torch.full((1, 1, 2), 2.0))
    torch.testing.assert_close(found.orthogonal, torch.full((1, 1, 2), 4.0))
    # the second, at (1, 1/2): g = (2, 2), v = (4, 1)/√17 to the right, ⟨g, v⟩ v = (40, 10)/17, u = (1, 0)
    again = flow(bowl, ends, recipe(2, 0.125, {"points": 4}), order())
    second = [1 - (2 - (2 + 40 / 17) / 2) / 8, 0.5 - (2 - 5 / 17) / 8]
    assert again.paths[0][2].tolist() == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_paths_and_norms_are_those_of_a_loop_over_points(name: str, weight_decay: float) -> None:
    points, made = Points(), recipe(4, weight_decay=weight_decay, **OPTIMISERS[name])
    ends = corners(points)
    kept = ends.clone()
    found = flow(points, ends, made, order())
    assert torch.equal(ends, kept)
    for i in range(3):
        path, tangent, orthogonal = plain_flow(points, ends[i], made)
        torch.testing.assert_close(found.paths[i], path, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(found.tangent[:, i].double(), tangent, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.orthogonal[:, i].double(), orthogonal, rtol=1e-5, atol=1e-6)
    assert found.first.tolist() == [[1, 1, 1]] * 4


class FewAtATime(Points):
    """Takes two paths of four moving points at a time, since a third would be more than it may."""

    stack_size = 2 * 4 + 3


def test_paths_are_the_same_taken_few_at_a_time() -> None:
    points, made = Points(), recipe(4, weight_decay=0.1, family={"climb": 0.5})
    whole, pieces = (flow(landscape, corners(points), made, order()) for landscape in (points, FewAtATime()))
    assert torch.equal(torch.stack(pieces.paths), torch.stack(whole.paths))
    assert torch.equal(pieces.tangent, whole.tangent) and torch.equal(pieces.orthogonal, whole.orthogonal)


@LAYOUTS
def test_projection_in_float32_at_many_dimensions(laid_out: Callable[[Tensor], Tensor]) -> None:
    """Near neighbours far from the origin, as the points of a network's path are."""
    g = order()
    path = 10 * torch.randn(2, 1, 4000, generator=g) + 0.01 * torch.randn(2, 9, 4000, generator=g).cumsum(1)
    gradient, out = torch.randn(2, 7, 4000, generator=g), laid_out(torch.empty(2, 7, 4000))
    ends, moving = laid_out(path[:, [0, -1]]), laid_out(path[:, 1:-1])
    taken, left = project(ends, moving, laid_out(gradient), out)
    for row in range(2):
        for i in range(7):
            expected = normal_part(*path[row, i : i + 3].double(), gradient[row, i].double())
            torch.testing.assert_close(out[row, i].double(), expected, rtol=1e-5, atol=1e-5)
            tangent = (gradient[row, i].double() - expected).norm()
            torch.testing.assert_close(taken[row, i].double(), tangent, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(left[row, i].double(), expected.norm(), rtol=1e-5, atol=0)


@LAYOUTS
def test_points_that_coincide_have_no_direction(laid_out: Callable[[Tensor], Tensor]) -> None:
    ends, moving = laid_out(torch.zeros(1, 2, 3)), laid_out(torch.zeros(1, 4, 3))
    g, out = torch.ones(1, 4, 3), laid_out(torch.empty(1, 4, 3))
    taken, left = project(ends, moving, laid_out(g), out)
    assert torch.equal(taken, torch.zeros(1, 4)) and torch.equal(out, g) and torch.equal(left, g.norm(dim=-1))
    assert torch.equal(uphill(ends, moving, g, torch.tensor([2])), g[:, 1])


@LAYOUTS
def test_a_path_that_is_lost_does_not_touch_the_others(laid_out: Callable[[Tensor], Tensor]) -> None:
    ends, moving, g = (torch.randn(2, k, 5, generator=order()) for k in (2, 3, 3))
    sound = torch.empty_like(g)
    project(ends, moving, g, sound)
    g[0, 1] = float("nan")
    out = laid_out(torch.empty_like(g))
    taken, left = project(laid_out(ends), laid_out(moving), laid_out(g), out)
    assert out[0, 1].isnan().all() and taken[0, 1].isnan() and left[0, 1].isnan()
    torch.testing.assert_close(out[1], sound[1])
    torch.testing.assert_close(out[0, [0, 2]], sound[0, [0, 2]])


@LAYOUTS
def test_where_coinciding_points_are_put(laid_out: Callable[[Tensor], Tensor]) -> None:
    ends, moving = laid_out(torch.zeros(1, 2, 3)), laid_out(torch.zeros(1, 4, 3))
    assert torch.equal(redistributed(ends, moving, torch.tensor([5])), moving)


FAMILIES = {
    "plain": {},
    "redistributed": {"redistribute": 3},
    "climbing": {"redistribute": 3, "climb": 0.6},
    "inserting": {"insertion": {"every": 1, "threshold": 1.1}},
    "by loss": {"insertion": {"every": 2, "criterion": "loss", "threshold": 0.5}, "redistribute": 5, "climb": 0.4},
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_path_is_what_it_is_alone_and_its_minima_stay(name: str, family: str) -> None:
    points, made = Points(dtype=torch.float32), recipe(5, family=FAMILIES[family], **OPTIMISERS[name])
    ends = corners(points)
    together = flow(points, ends, made, order())
    for i in range(3):
        alone = flow(points, ends[i : i + 1], made, order())
        torch.testing.assert_close(alone.paths[0], together.paths[i], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.tangent[:, 0], together.tangent[:, i], rtol=1e-4, atol=1e-5)
        assert torch.equal(alone.first[:, 0], together.first[:, i])
        assert torch.equal(together.paths[i][[0, -1]], ends[i])
        assert (together.paths[i][1:-1] - alone.paths[0][:1]).norm(dim=1).min() > 1e-3


# Insertion ---------------------------------------------------------------------------------------

FLAT = Function("flat", ((0.0, 9.0),) * 2, lambda p: 0 * p.sum(1))


def line(*x: float) -> Tensor:
    return torch.tensor([[place, 0.0] for place in x], dtype=torch.float64)


def test_distance_criterion_by_hand() -> None:
    """|path| is the number of points: μ = 6/4."""
    found = relative_lengths(line(0.0, 1.0, 3.0, 6.0).unsqueeze(0))
    assert found[0].tolist() == pytest.approx([1 / 1.5, 2 / 1.5, 3 / 1.5])
    straight = relative_lengths(torch.linspace(0, 1, 19, dtype=torch.float64)[None, :, None])
    assert straight[0].tolist() == pytest.approx([19 / 18] * 18)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ([1.0, 3.0, 2.0], [0.0, 1.0, 2.0, 3.0, 4.5, 6.0]),
        ([3.0, 1.0, 2.0], [0.0, 0.5, 1.0, 3.0, 4.5, 6.0]),
        ([1.0, 1.0, 1.0], [0.0, 0.5, 1.0, 2.0, 3.0, 6.0]),  # of equal ones the first
    ],
)
def test_midpoints_of_the_two_worst_segments(measure: list[float], expected: list[float]) -> None:
    found = with_midpoints(line(0.0, 1.0, 3.0, 6.0), torch.tensor(measure))
    assert torch.equal(found, line(*expected))


def test_ends_are_put_aside_and_the_next_points_end_the_path() -> None:
    """Five points, k/(k − 1) = 1.25: the first two segments are halved, then two among those that still take part."""
    ends = line(0.0, 4.0).unsqueeze(0)
    found = flow(FLAT, ends, recipe(3, family={"points": 5, "insertion": {"every": 1, "threshold": 1.2}}), order())
    # moving after one insertion: 1, 1.5, 2 between .5 and 3; lengths .5, .5, .5, 1: the last and the first are halved
    assert torch.equal(found.paths[0], line(0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0))
    assert found.first[:, 0].tolist() == [1, 2, 3]
    higher = recipe(3, family={"points": 5, "insertion": {"every": 1, "threshold": 1.3}})
    assert torch.equal(flow(FLAT, ends, higher, order()).paths[0], line(0.0, 1.0, 2.0, 3.0, 4.0))
    rarely = recipe(3, family={"points": 5, "insertion": {"every": 3, "threshold": 1.2}})
    assert len(flow(FLAT, ends, rarely, order()).paths[0]) == 5  # not after the last epoch


def test_loss_criterion_by_hand() -> None:
    """Peaks at 2.6, inside the third segment of two paths, and at .4 inside the first; the third path has none."""

    def peaks(p: Tensor) -> Tensor:
        x, on = p[:, 0], p[:, 1] < 5
        return 1 + on * (2 * ((x - 2.6).abs() < 0.01) + 1 * ((x - 0.4).abs() < 0.01))

    hills = Function("hills", ((0.0, 9.0),) * 2, lambda p: peaks(p) + 0 * p.sum(1))
    shift = torch.tensor([0.0, 6.0], dtype=torch.float64)
    ends = torch.stack([line(0.0, 4.0), line(0.0, 4.0), line(0.0, 4.0) + shift])
    insertion = {"every": 1, "criterion": "loss", "threshold": 2.9}
    found = flow(hills, ends, recipe(2, family={"points": 5, "insertion": insertion}), order()).paths
    for path in found[:2]:
        assert torch.equal(path, line(0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0))
    assert torch.equal(found[2], line(0.0, 1.0, 2.0, 3.0, 4.0) + shift)


def test_moments_of_changed_paths_are_forgotten() -> None:
    """Of two paths the second has an uneven segment."""
    made = recipe(9, family={"points": 4, "insertion": {"every": 1, "threshold": 1.5}}, optimiser="adam")
    ends = torch.stack([line(0.0, 3.0), line(0.0, 3.0)])
    own = _Flow(FLAT, ends, made)
    optimiser = Optimiser(made, torch.stack([line(1.0, 2.0), line(0.5, 1.0)]))
    optimiser.gradient.fill_(1.0)
    optimiser.step(0.0)
    own.end_epoch(0, optimiser)
    assert torch.equal(optimiser.variables, torch.stack([line(1.0, 2.0), line(0.5, 1.0)]))
    assert torch.equal(own.ends, torch.stack([line(0.0, 3.0), line(0.25, 2.0)]))
    for name in ("mean", "square"):
        assert (optimiser.moments[name][0] != 0).all() and (optimiser.moments[name][1] == 0).all()
    assert optimiser.moments["step"].item() == 1


# Redistribution and climbing ---------------------------------------------------------------------


def test_redistribution_gives_equal_distances_on_a_line_and_along_a_corner() -> None:
    ends = torch.stack([line(0.0, 4.0), line(0.0, 4.0)])
    moving = torch.stack([line(0.1, 0.2, 3.9), line(1.0, 2.0, 3.0)])
    moving[1, 1, 1] = 1.0  # a triangle of sides √2 in the middle
    found = redistributed(ends, moving, torch.tensor([4, 4]))
    torch.testing.assert_close(found[0], line(1.0, 2.0, 3.0))
    step = (2 + 2 * math.sqrt(2)) / 4
    along = (step - 1) / math.sqrt(2)
    expected = torch.tensor([[1 + along, along], [2.0, 1.0], [3 - along, along]], dtype=torch.float64)
    torch.testing.assert_close(found[1], expected)
    g = order()
    curve = torch.randn(4, 12, 30, generator=g).cumsum(1)
    for _ in range(300):
        curve[:, 1:-1] = redistributed(curve[:, [0, -1]], curve[:, 1:-1], torch.full((4,), 11))
    lengths = curve.diff(dim=1).norm(dim=-1)
    torch.testing.assert_close(lengths, lengths.mean(1, keepdim=True).expand_as(lengths), rtol=1e-3, atol=0)


def test_a_held_point_is_not_moved() -> None:
    curve, held = torch.randn(3, 9, 20, generator=order()).cumsum(1), torch.tensor([1, 4, 7])
    found = redistributed(curve[:, [0, -1]], curve[:, 1:-1], held)
    for before, after, i in zip(curve, found, held.tolist(), strict=True):
        assert torch.equal(after[i - 1], before[i])
        assert sum(torch.equal(a, b) for a, b in zip(after, before[1:-1], strict=True)) == 1
    corner = torch.tensor([0.0, 0.5, 0.7, 2.0, 2.1, 2.2, 5.0], dtype=torch.float64)[None, :, None]
    (even,) = redistributed(corner[:, [0, -1]], corner[:, 1:-1], torch.tensor([3]))
    assert even[:, 0].tolist() == pytest.approx([2 / 3, 4 / 3, 2.0, 3.0, 4.0])


def test_the_highest_point_climbs_in_the_last_epochs() -> None:
    """A ridge along x at −(x − .3)²: without climbing nothing moves on a straight path, then the highest alone."""
    ridge = Function("ridge", ((-1.0, 1.0),) * 2, lambda p: -((p[:, 0] - 0.3) ** 2) + p[:, 1] ** 2)
    ends = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]], dtype=torch.float64)
    made = recipe(10, 0.05, {"points": 6, "climb": 0.2})
    (path,) = flow(ridge, ends, made, order()).paths
    expected = torch.linspace(-1, 1, 6, dtype=torch.float64)
    expected[3] = 0.3 - 0.1 * (1 - 2 * 0.05) ** 2  # x = .2 is highest; two steps
    torch.testing.assert_close(path[:, 0], expected, rtol=0, atol=1e-12)


# Interruption, divergence ------------------------------------------------------------------------


def same(one: Flowed, other: Flowed) -> bool:
    tensors = [(*f.paths, f.tangent, f.orthogonal, f.first) for f in (one, other)]
    return all(torch.equal(a, b) for a, b in zip(*tensors, strict=True))


@pytest.mark.parametrize("after", [1, 4, 7, 14])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_an_interrupted_flow_ends_at_the_same_bits(name: str, family: str, after: int) -> None:
    of, memory = Points(dtype=torch.float32), Memory(saves=1, every=after)
    made = recipe(5, weight_decay=0.1, family=FAMILIES[family], **OPTIMISERS[name])
    undisturbed = flow(of, corners(of), made, order())
    assert (undisturbed.first.max() > 1) == ("insertion" in FAMILIES[family])
    with pytest.raises(Interrupted):
        flow(of, corners(of), made, order(), None, memory)
    assert memory.places == [((after - 1) // STEPS, (after - 1) % STEPS + 1)]
    assert same(flow(of, corners(of), made, order(), None, memory), undisturbed)


def test_a_network_too() -> None:
    of, made = landscape(NETWORKS["mlp"]), recipe(3, family={"insertion": {"every": 1}, "redistribute": 2})
    undisturbed, memory = flow(of, corners(of, 2), made, order()), Memory(saves=2, every=2)
    with pytest.raises(Interrupted):
        flow(of, corners(of, 2), made, order(), None, memory)
    assert same(flow(landscape(NETWORKS["mlp"]), corners(of, 2), made, order(), None, memory), undisturbed)
    assert undisturbed.orthogonal.min() > 0


def test_divergence_names_the_path() -> None:
    class Hole(Points):
        def value_and_gradient(self, theta: Tensor, batch: Batch | None) -> tuple[Tensor, Tensor]:
            losses, gradients = super().value_and_gradient(theta, batch)
            losses[5] = float("nan")  # the second of four moving points of the second path
            gradients[5] = float("nan")
            return losses, gradients

    names = ["0-1", "0-2", "1-2"]
    for family in FAMILIES.values():
        with pytest.raises(Diverged, match=r"the loss of 0-2 is no longer finite at step 1 of epoch 1 .* rate 0.1:"):
            flow(Hole(), corners(Points()), recipe(family=family), order(), names)


# Profiles ----------------------------------------------------------------------------------------


def test_profiles_of_paths_of_different_numbers_of_points() -> None:
    of = Function("wave", ((-9.0, 9.0),) * 2, lambda p: torch.sin(3 * p[:, 0]) + p[:, 1] ** 2)
    paths = [torch.randn(k, 2, generator=order(k), dtype=torch.float64) for k in (4, 6, 4, 3)]
    for between in (0, 4):
        found = path_profiles(of, paths, PathGrid(between=between, refinements=0))
        for path, profile in zip(paths, found, strict=True):
            assert len(profile.t) == (len(path) - 1) * (between + 1) + 1
            torch.testing.assert_close(profile.loss[:: between + 1], of.loss(path), rtol=0, atol=1e-5)
            assert torch.equal(profile.loss[[0, -1]], of.loss(path[[0, -1]]))
        if between:
            a, b = paths[1][2:4]
            inside = of.loss(torch.stack([0.8 * a + 0.2 * b, 0.2 * a + 0.8 * b]))
            torch.testing.assert_close(found[1].loss[[11, 14]], inside, rtol=0, atol=1e-5)
    finer = path_profiles(of, paths, PathGrid(refinements=5))
    assert all(a.value >= b.value and len(a.t) > len(b.t) for a, b in zip(finer, found, strict=True))
    hole = Function("hole", of.box, lambda p: torch.where(p[:, 0] == paths[3][0, 0], torch.nan, p[:, 0]))
    with pytest.raises(ValueError, match="the loss along 1-2 is not finite"):
        path_profiles(hole, paths, PathGrid(), None, ["0-1", "0-2", "0-3", "1-2"])
