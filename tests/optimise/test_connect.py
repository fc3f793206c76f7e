"""Random-t optimisation of simplices, against autograd through θ(t) written out by hand; and profiles."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from lossbars.functions import Function
from lossbars.optimise.connect import connect
from lossbars.recipes import Grid
from lossbars.recipes import Simplices as Recipe
from lossbars.simplices import Bezier, Chain, Family, Triangle
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from support.small_landscapes import Points, log_cosh
from support.small_networks import NETWORKS, landscape

FAMILIES: dict[str, Family] = {
    "chain": Chain(1),
    "chain-3": Chain(3),
    "bezier": Bezier(1),
    "bezier-2": Bezier(2),
    "triangle-trained": Triangle("trained"),
    "triangle-fixed": Triangle("fixed"),
}


def recipe(epochs: int = 1, lr: float = 1.0, **settings: Any) -> Recipe:
    schedule = {"kind": "constant", "lr": lr}
    return Recipe(**({"optimiser": "sgd", "momentum": 0.0, "schedule": schedule, "epochs": epochs} | settings))


def generators(*seeds: int) -> list[Generator]:
    return [Generator().manual_seed(seed) for seed in seeds]


def order_and_places(n: int) -> tuple[Generator, list[Generator]]:
    order, *places = generators(100, *range(n))
    return order, places


def nodes_of(family: Family, n: int, d: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(n, family.size, d, generator=generators(9)[0], dtype=dtype)


def curve_weights(family: Family, t: float) -> list[float]:
    k = family.size
    if isinstance(family, Bezier):
        return [math.comb(k - 1, j) * t**j * (1 - t) ** (k - 1 - j) for j in range(k)]
    knots = np.linspace(0, 1, k)
    return [float(np.interp(t, knots, row)) for row in np.eye(k)]


def triangle_weights(low: float, high: float) -> list[float]:
    """Of A, B, C, D (AB), E (BC), F (AC), O at the place whose gaps are those of two ordered numbers."""
    share = {2: low, 1: high - low, 0: 1 - high}  # t1 belongs to C, t2 to B, t3 to A
    least, middle, most = sorted(share, key=lambda corner: share[corner])
    weights = [0.0] * 7
    weights[most] = share[most] - share[middle]
    side = {(0, 1): 3, (1, 2): 4, (0, 2): 5}[min(most, middle), max(most, middle)]
    weights[side] = 2 * (share[middle] - share[least])
    weights[6] = 3 * share[least]
    return weights


def weights_of(family: Family, uniform: Tensor) -> Tensor:
    """(steps, p, u) random numbers → blending weights (steps, p, k); a curve has one place in each of p strata."""
    rows = []
    for step in uniform.double():
        if isinstance(family, Triangle):
            rows.append([triangle_weights(*sorted(place.tolist())) for place in step])
        else:
            rows.append([curve_weights(family, (i + float(place)) / len(step)) for i, place in enumerate(step)])
    return torch.tensor(rows, dtype=torch.float64)


def log_mean_exp(losses: Tensor, tilt: float) -> Tensor:
    return losses.mean() if tilt == 0 else (tilt * losses).exp().mean().log() / tilt


OBJECTIVES = [{}, {"points": 3, "weight_decay": 0.3}, {"points": 4, "tilt": 2.0}, {"points": 3, "tilt": 40.0}]


@pytest.mark.parametrize("settings", OBJECTIVES, ids=str)
@pytest.mark.parametrize("name", FAMILIES)
def test_one_step_is_autograd_through_the_blend(name: str, settings: dict[str, Any]) -> None:
    """(1/β) log mean exp(β L(θ(t))), without tilt the mean, weight decay at θ(t); t from each simplex' generator."""
    family, points, made = FAMILIES[name], Points(), recipe(**settings)
    points.steps_per_epoch = 1
    points.batches = lambda _: iter([None])  # the whole loss, one step
    start = nodes_of(family, 3, points.dim)
    end = connect(points, Simplices(family, start), made, *order_and_places(3)).nodes
    for i, place in enumerate(order_and_places(3)[1]):
        uniform = torch.rand(1, made.points, family.uniforms, generator=place)
        (weights,) = weights_of(family, uniform)
        nodes = start[i].clone().requires_grad_()
        theta = weights @ nodes
        losses = torch.stack([log_cosh(row, points.points) for row in theta])
        decay = made.weight_decay / 2 * theta.square().sum(1).mean()
        (gradient,) = torch.autograd.grad(log_mean_exp(losses, made.tilt) + decay, nodes)
        free = list(family.free)
        torch.testing.assert_close((start - end)[i, free], gradient[free], rtol=1e-5, atol=1e-6)  # places are float32
        assert gradient[free].abs().max() > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_held_stays_to_the_bit(name: str) -> None:
    family, points = FAMILIES[name], Points(dtype=torch.float32)
    start, kept = (nodes_of(family, 2, points.dim, torch.float32) for _ in range(2))
    made = recipe(4, 0.1, optimiser="adam", weight_decay=0.1)
    end = connect(points, Simplices(family, start), made, *order_and_places(2)).nodes
    held = [i for i in range(family.size) if i not in family.free]
    assert torch.equal(end[:, held], start[:, held]) and torch.equal(start, kept)
    assert (end - start)[:, list(family.free)].abs().amax(-1).min() > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_each_simplex_is_what_it_is_alone(name: str) -> None:
    family, points = FAMILIES[name], Points(dtype=torch.float32)
    start = nodes_of(family, 3, points.dim, torch.float32)
    made = recipe(3, 0.1, points=2, tilt=3.0, momentum=0.9)
    together = connect(points, Simplices(family, start), made, *order_and_places(3)).nodes
    for i in range(3):
        order, places = order_and_places(3)
        alone = connect(points, Simplices(family, start[i : i + 1]), made, order, places[i : i + 1]).nodes
        torch.testing.assert_close(alone[0], together[i], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("nesterov", [False, True])
def test_one_bend_is_garipovs_loop(nesterov: bool) -> None:
    """Written by hand: t ~ U(0, 1) for every mini-batch, the bend φ moved by SGD, weight decay on θ(t) in the loss."""
    points, epochs, decay = Points(), 5, 0.05
    ends = nodes_of(Chain(0), 1, points.dim)
    schedule = {"kind": "garipov", "lr": 0.3}
    made = recipe(epochs, schedule=schedule, momentum=0.9, nesterov=nesterov, weight_decay=decay)
    found = connect(points, Simplices(Chain(1), Chain(1).start(ends)), made, *order_and_places(1)).nodes[0, 1]

    (w1, w2), (order, (place,)) = ends[0], order_and_places(1)
    bend = ((w1 + w2) / 2).requires_grad_()
    optimiser = torch.optim.SGD([bend], lr=0.3, momentum=0.9, nesterov=nesterov, foreach=False)
    for epoch in range(epochs):
        share = epoch / epochs
        optimiser.param_groups[0]["lr"] = 0.3 * (
            1 if share <= 0.5 else 0.01 if share >= 0.9 else 1 - (share - 0.5) / 0.4 * 0.99
        )
        times, permutation = torch.rand(4, generator=place).tolist(), torch.randperm(8, generator=order)
        for step, t in enumerate(times):
            theta = 2 * (t * bend + (0.5 - t) * w1) if t <= 0.5 else 2 * ((t - 0.5) * w2 + (1 - t) * bend)
            optimiser.zero_grad()
            loss = log_cosh(theta, points.points[permutation[2 * step : 2 * step + 2]])
            (loss + decay / 2 * theta.square().sum()).backward()
            optimiser.step()
    torch.testing.assert_close(found, bend.detach(), rtol=1e-5, atol=1e-6)


def test_a_curve_goes_round_the_hill() -> None:
    """Two points of a circular valley, a third of a turn apart: their segment reaches 9/16."""
    valley = Function("valley", ((-2.0, 2.0),) * 2, lambda x: (x.square().sum(1) - 1) ** 2)
    corners = torch.tensor([[[1.0, 0.0], [-0.5, math.sqrt(0.75)]]], dtype=torch.float64)
    start = Simplices(Chain(3), Chain(3).start(corners))
    end = connect(valley, start, recipe(150, 0.03, optimiser="adam", points=8), *order_and_places(1))
    (before,), (after,) = (profiles(valley, s, Grid(points=61)) for s in (start, end))
    assert before.value == pytest.approx(9 / 16, rel=1e-3) and after.value < 0.02


def test_as_many_generators_as_simplices() -> None:
    start = Simplices(Chain(1), nodes_of(Chain(1), 2, 7))
    with pytest.raises(ValueError, match="2 simplices need as many generators, there are 3"):
        connect(Points(), start, recipe(), *order_and_places(3))


# Profiles ----------------------------------------------------------------------------------------


def line(formula: Any) -> tuple[Function, Simplices]:
    """A function of one coordinate, on the segment from 0 to 1: the place is t."""
    nodes = torch.tensor([[[0.0], [1.0]]], dtype=torch.float64)
    return Function("line", ((0.0, 1.0),), lambda x: formula(x[:, 0])), Simplices(Chain(0), nodes)


@pytest.mark.parametrize("refinements", [0, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_ends_are_the_minima_themselves(name: str, refinements: int) -> None:
    """To the bit, BatchNorm included: a curve value is never below the minima at its ends."""
    of = landscape(NETWORKS[name])
    theta = of.init(3, generators(0)[0])
    corners = torch.stack([theta[[0, 1]], theta[[1, 2]]])
    record = of.loss(theta)
    for family in (Chain(2), Bezier(1)):
        nodes = family.start(corners) + 0.0
        nodes[:, 1] += 1.0
        for i, profile in enumerate(profiles(of, Simplices(family, nodes), Grid(points=3, refinements=refinements))):
            assert profile.t[0].item() == 0 and profile.t[-1].item() == 1
            assert torch.equal(profile.loss[[0, -1]], record[i : i + 2])
            assert profile.value >= float(record[i : i + 2].max())
    triangle = Simplices(Triangle(), Triangle().start(theta.unsqueeze(0)))
    (profile,) = profiles(of, triangle, Grid(points=3, refinements=refinements))
    for corner, place in enumerate(([0, 0, 1], [0, 1, 0], [1, 0, 0])):
        (where,) = torch.nonzero((profile.t == torch.tensor(place)).all(1)).flatten()
        assert profile.loss[where] == record[corner]


def test_places_are_sorted_unique_and_hold_their_own_loss() -> None:
    wave, segment = line(lambda x: torch.sin(11 * x) + x)
    for points, refinements in ((2, 0), (7, 0), (7, 4), (4, 6)):
        (profile,) = profiles(wave, segment, Grid(points=points, refinements=refinements))
        t = profile.t[:, 0]
        assert (t.diff() > 0).all() and len(t) >= points and profile.loss.dtype == torch.float64
        gaps = (t.double() - torch.linspace(0, 1, points, dtype=torch.float64)[:, None]).abs()
        assert gaps.min(1).values.max() < 1e-6  # the uniform grid is in it, whatever was refined
        torch.testing.assert_close(profile.loss, torch.sin(11 * t.double()) + t.double(), rtol=0, atol=1e-12)


def test_refinement_climbs_a_narrow_peak_and_never_falls() -> None:
    top = 0.5437
    peak, segment = line(lambda x: 1 / (1 + ((x - top) / 0.05) ** 2))
    values, found = [], torch.empty(0)
    for refinements in range(9):
        (profile,) = profiles(peak, segment, Grid(points=11, refinements=refinements))
        values.append(profile.value)
        found = profile.t[profile.loss.argmax(), 0]
    assert values == sorted(values) and values[0] < 0.7 and values[-1] > 0.9999
    assert float(found) == pytest.approx(top, abs=0.1 / 2**8)


def test_each_simplex_is_refined_around_its_own_top() -> None:
    peak, _ = line(lambda x: -(x.abs() - 0.3).abs())
    nodes = Simplices(Chain(0), torch.tensor([[[0.0], [1.0]], [[-1.0], [0.0]]], dtype=torch.float64))
    both = profiles(peak, nodes, Grid(points=4, refinements=5))
    for profile, top in zip(both, (0.3, 0.7), strict=True):
        assert float(profile.t[profile.loss.argmax(), 0]) == pytest.approx(top, abs=0.011)


def test_a_triangle_is_refined_too() -> None:
    centre = torch.tensor([0.2, 0.35], dtype=torch.float64)
    hill = Function("hill", ((-1.0, 1.0),) * 2, lambda x: -(x - centre).norm(dim=1))
    flat = Triangle().start(torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64))
    values = [profiles(hill, Simplices(Triangle(), flat), Grid(points=4, refinements=r))[0].value for r in range(7)]
    assert values == sorted(values) and values[0] < -0.1 and values[-1] > -0.01


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_loss_that_is_no_number_is_refused(value: float) -> None:
    broken, segment = line(lambda x: torch.where((x - 0.5).abs() < 0.01, value, x))
    with pytest.raises(ValueError, match="not finite"):
        profiles(broken, segment, Grid(points=5, refinements=0))
