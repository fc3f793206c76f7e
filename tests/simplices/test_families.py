"""Blending weights of curves and triangles, against closed forms."""

import itertools
import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from lossbars.recipes import Bends, CurveFamily
from lossbars.recipes.refinement import refined
from lossbars.simplices import Bezier, Chain, Curve, Family, Triangle, families

CURVES: list[Family] = [Chain(0), Chain(1), Chain(2), Chain(5), Bezier(0), Bezier(1), Bezier(2), Bezier(5)]
FAMILIES: list[Family] = [*CURVES, Triangle("trained"), Triangle("fixed")]


def label(family: Family) -> str:
    return f"{type(family).__name__}-{family.size}-{len(family.free)}"


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def corner_places(family: Family) -> Tensor:
    """The places of the corners, in the order of ``family.corners``."""
    if isinstance(family, Triangle):
        return torch.tensor([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=torch.float64)
    return torch.tensor([[0], [1]], dtype=torch.float64)


def flat(corners: Tensor, t: Tensor) -> Tensor:
    """The flat simplex: corners (n, c, d) and places (n, q)."""
    weights = t.flip(-1) if t.shape[-1] == 3 else torch.cat([1 - t, t], dim=-1)
    return (weights.unsqueeze(-1) * corners).sum(1)


def places(family: Family, n: int) -> Tensor:
    return family.sample(random(n, family.uniforms))


def on_simplex(t: Tensor) -> bool:
    inside = bool((t >= 0).all()) and bool((t <= 1).all())
    return inside and (t.shape[-1] == 1 or bool(((t.sum(-1) - 1).abs() < 1e-6).all()))


@pytest.mark.parametrize("family", FAMILIES, ids=label)
def test_weights_sum_to_one_and_are_not_negative(family: Family) -> None:
    for t in (places(family, 500), family.grid(31).double(), places(family, 30).reshape(5, 6, -1)):
        weights = family.blend(t)
        assert weights.shape == (*t.shape[:-1], family.size)
        assert weights.min() >= -1e-7
        torch.testing.assert_close(weights.sum(-1), torch.ones(t.shape[:-1], dtype=t.dtype), rtol=0, atol=2e-7)
    assert family.blend(places(family, 3).float()).dtype == torch.float32


@pytest.mark.parametrize("family", FAMILIES, ids=label)
def test_corners_are_at_the_corners(family: Family) -> None:
    expected = torch.eye(family.size, dtype=torch.float64)[list(family.corners)]
    assert torch.equal(family.blend(corner_places(family)), expected)  # exactly: a minimum's loss is not approximate
    assert torch.equal(family.blend(corner_places(family).float()), expected.float())


@pytest.mark.parametrize("family", FAMILIES, ids=label)
def test_start_is_flat(family: Family) -> None:
    n = 200
    corners = torch.randn(n, len(family.corners), 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    nodes = family.start(corners)
    assert nodes.shape == (n, family.size, 4) and nodes.dtype == torch.float64
    assert torch.equal(nodes[:, list(family.corners)], corners)
    t = places(family, n)
    theta = torch.bmm(family.blend(t).unsqueeze(1), nodes).squeeze(1)
    torch.testing.assert_close(theta, flat(corners, t), rtol=0, atol=1e-13)


@pytest.mark.parametrize("family", FAMILIES, ids=label)
def test_corners_and_free_points_are_all_points(family: Family) -> None:
    assert family.uniforms == len(family.corners) - 1
    assert not set(family.free) & set(family.corners)
    if isinstance(family, Triangle) and family.sides == "fixed":
        assert family.free == (6,)
    else:
        assert sorted((*family.free, *family.corners)) == list(range(family.size))


@pytest.mark.parametrize("bends", [0, 1, 2, 5])
def test_chain_interpolates_linearly(bends: int) -> None:
    nodes = random(bends + 2, 3, seed=bends).numpy()
    t = places(Chain(bends), 300)
    knots = np.linspace(0, 1, bends + 2)
    expected = np.stack([np.interp(t[:, 0].numpy(), knots, nodes[:, axis]) for axis in range(3)], axis=-1)
    np.testing.assert_allclose(Chain(bends).blend(t).numpy() @ nodes, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("bends", [0, 1, 2, 5])
def test_bezier_is_de_casteljau(bends: int) -> None:
    nodes = random(bends + 2, 3, seed=bends)
    t = places(Bezier(bends), 300)
    points = nodes.expand(300, -1, -1)
    while points.shape[1] > 1:
        points = (1 - t.unsqueeze(1)) * points[:, :-1] + t.unsqueeze(1) * points[:, 1:]
    torch.testing.assert_close(Bezier(bends).blend(t) @ nodes, points[:, 0], rtol=0, atol=1e-13)


def test_one_bend_has_the_weights_of_the_textbook() -> None:
    t = torch.tensor([[0.25]], dtype=torch.float64)
    assert Chain(1).blend(t).tolist() == [[0.5, 0.5, 0.0]]
    assert Bezier(1).blend(t).tolist() == [[0.5625, 0.375, 0.0625]]


# The seven points on the flat triangle, as places (t1, t2, t3), and the six pieces around the centre.
A, B, C, D, E, F, O = np.array(  # noqa: E741
    [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]]
)
SEVEN = np.array([A, B, C, D, E, F, O])
PIECES = [(0, 3, 6), (1, 3, 6), (1, 4, 6), (2, 4, 6), (2, 5, 6), (0, 5, 6)]


def barycentric(t: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Weights of the seven points in the one flat piece that contains t."""
    for piece in PIECES:
        inside = np.linalg.solve(SEVEN[list(piece)].T, t)
        if (inside >= 0).all():
            weights = np.zeros(7)
            weights[list(piece)] = inside
            return weights, piece
    raise AssertionError(f"{t} is in no piece")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("sizes", [(0.1, 0.3, 0.6), (0.01, 0.02, 0.97), (0.3, 0.33, 0.37), (0.05, 0.47, 0.48)])
def test_triangle_is_flat_on_each_of_its_six_pieces(order: tuple[int, ...], sizes: tuple[float, ...]) -> None:
    t = np.zeros(3)
    t[list(order)] = sizes
    expected, _ = barycentric(t)
    weights = Triangle().blend(torch.from_numpy(t).unsqueeze(0))[0].numpy()
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-13)


def test_the_six_orderings_are_the_six_pieces() -> None:
    found = set()
    for order in itertools.permutations(range(3)):
        t = np.zeros(3)
        t[list(order)] = (0.1, 0.3, 0.6)
        found.add(barycentric(t)[1])
    assert found == set(PIECES)


def test_triangle_is_continuous_across_its_pieces() -> None:
    edge = torch.tensor([[0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [0.25, 0.25, 0.5], [0.5, 0.25, 0.25]], dtype=torch.float64)
    for a, b in itertools.permutations(range(3), 2):
        moved = edge.clone()
        moved[:, a] += 1e-9
        moved[:, b] -= 1e-9
        assert (Triangle().blend(moved) - Triangle().blend(edge)).abs().max() < 1e-8


def test_triangle_side_is_the_chain_of_its_side() -> None:
    """Regime 2 puts trained curves with one bend on the sides."""
    t = torch.linspace(0, 1, 13, dtype=torch.float64).unsqueeze(-1)
    zero = torch.zeros_like(t)
    for nodes, side in (
        ((0, 3, 1), torch.cat([zero, t, 1 - t], -1)),
        ((1, 4, 2), torch.cat([t, 1 - t, zero], -1)),
        ((0, 5, 2), torch.cat([t, zero, 1 - t], -1)),
    ):
        weights = Triangle("fixed").blend(side)
        torch.testing.assert_close(weights[:, list(nodes)], Chain(1).blend(t), rtol=0, atol=1e-14)


@pytest.mark.parametrize("family", FAMILIES, ids=label)
def test_sample_is_uniform(family: Family) -> None:
    n = 100_000
    t = family.sample(random(n, family.uniforms, seed=4))
    assert t.shape == (n, family.coordinates) and on_simplex(t)
    mean, variance = (1 / 3, 1 / 18) if isinstance(family, Triangle) else (1 / 2, 1 / 12)
    assert (t.mean(0) - mean).abs().max() < 5 * math.sqrt(variance / n)
    assert (t.var(0) - variance).abs().max() < 5 * variance * math.sqrt(2 / n)
    if isinstance(family, Triangle):
        covariance = torch.cov(t.T)
        assert (covariance[~torch.eye(3, dtype=torch.bool)] + 1 / 36).abs().max() < 5e-4
        orders = torch.bincount((t.argsort(-1) * torch.tensor([9, 3, 1])).sum(-1)) / n
        assert (orders[orders > 0] - 1 / 6).abs().max() < 0.006 and (orders > 0).sum() == 6
    else:
        assert torch.equal(t, random(n, 1, seed=4))


@pytest.mark.parametrize("points", [2, 3, 5, 11, 16, 31, 50, 61, 101, 200])
@pytest.mark.parametrize("family", CURVES, ids=label)
def test_curve_grid_has_ends_bends_and_even_places_once(family: Family, points: int) -> None:
    t = family.grid(points)
    assert t.shape[1] == 1 and t[0] == 0 and t[-1] == 1
    assert (t.diff(dim=0) > 1e-5).all()  # no place twice
    wanted = {i / (points - 1) for i in range(points)} | {j / (family.size - 1) for j in range(family.size)}
    gaps = (t - torch.tensor(sorted(wanted)).unsqueeze(0)).abs()
    assert gaps.min(0).values.max() < 1e-7 and gaps.min(1).values.max() < 1e-7


@pytest.mark.parametrize("points", [2, 3, 4, 6, 7, 11, 13, 31])
def test_triangle_grid_has_corners_sides_and_centre_once(points: int) -> None:
    t = Triangle().grid(points)
    assert on_simplex(t)
    distance = torch.cdist(t.double(), t.double()) + torch.eye(len(t))
    assert distance.min() > 1e-4
    for special in SEVEN:
        assert (t - torch.from_numpy(special)).abs().max(-1).values.min() < 1e-7
    m = points - 1
    even = points * (points + 1) // 2
    assert len(t) == even + (3 if m % 2 else 0) + (1 if m % 3 else 0)
    assert ((t * m - (t * m).round()).abs().max(-1).values < 1e-4).sum() == even


def test_around_stays_on_the_triangle_at_the_spacing() -> None:
    spacing, family = 0.05, Triangle()
    everywhere = torch.cat([places(family, 500), corner_places(family), family.grid(11).double()])
    everywhere = everywhere / everywhere.sum(-1, keepdim=True)
    near = family.around(everywhere, spacing)
    assert near.shape == (len(everywhere), 6, 3)
    assert on_simplex(near)
    assert (near - everywhere.unsqueeze(1)).abs().max() <= spacing + 1e-6
    inner = everywhere[((everywhere > spacing) & (everywhere < 1 - spacing)).all(-1)]
    assert len(inner) > 100
    moves = family.around(inner, spacing) - inner.unsqueeze(1)
    torch.testing.assert_close(moves.abs().max(-1).values, torch.full(moves.shape[:2], spacing, dtype=moves.dtype))
    torch.testing.assert_close(moves.sum(1), torch.zeros_like(inner), rtol=0, atol=1e-13)  # on all sides
    assert len(torch.unique((moves[0] / spacing).round(), dim=0)) == moves.shape[1]  # distinct


def test_intervals_beside_the_highest_place_are_halved_then_those_that_may_hide_most() -> None:
    t = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]).expand(2, -1).unsqueeze(-1)
    bump = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], dtype=torch.float64)
    spike = bump + torch.eye(11, dtype=torch.float64)[8] / 100
    for family in (Chain(1), Bezier(2)):
        shuffled = torch.randperm(11, generator=torch.Generator().manual_seed(0))
        losses = torch.stack([bump, spike])
        first = family.finer(t[:, shuffled], losses[:, shuffled], 11, 1)[..., 0].double().round(decimals=4).tolist()
        assert all(len(set(row)) == 4 and {0.25, 0.35} <= set(row) for row in first), "beside the highest place"
        assert {0.75, 0.85} & set(first[1]) and not {0.75, 0.85} & set(first[0]), "where the loss is bent most"
        assert family.finer(t, losses, 11, 2).shape == (2, 4, 1)


@pytest.mark.parametrize("points", [2, 3, 7, 31, 61])
def test_as_many_places_as_costs_reckon_with(points: int) -> None:
    t = torch.linspace(0, 1, points).view(1, points, 1)
    for number in range(1, 6):
        near = Chain(0).finer(t, torch.sin(9 * t[..., 0]).double(), points, number)
        t = torch.cat([t, near], dim=1)
        assert t.shape[1] == points + refined(points - 1, number) and t.unique().numel() == t.shape[1]


def test_a_triangle_is_looked_at_around_its_peaks() -> None:
    """Two hills: the six neighbours of both tops are looked at, of the lower one too."""
    grid = Triangle().grid(13)
    hills = [torch.tensor(place) for place in ((0.25, 0.5, 0.25), (0.75, 0.25 / 3, 0.5 / 3))]
    loss = torch.stack([height - (grid - hill).norm(dim=1) for height, hill in zip((1.0, 0.9), hills, strict=True)])
    for number, spacing in ((1, 1 / 24), (2, 1 / 48)):
        near = Triangle().finer(grid[None], loss.amax(0).double()[None], 13, number)
        assert near.shape == (1, 24 if number == 1 else 12, 3) and on_simplex(near)
        for hill in hills:
            assert ((near[0] - hill).abs().amax(1) < spacing + 1e-6).sum() >= 6


@pytest.mark.parametrize("curve", [Chain, Bezier])
def test_a_curve_needs_no_negative_number_of_bends(curve: type[Curve]) -> None:
    with pytest.raises(ValueError, match="-1 bends"):
        curve(-1)


@pytest.mark.parametrize("recipe", get_args(get_args(CurveFamily)[0]))
def test_every_family_of_recipes_has_a_class_that_blends(recipe: type[Bends]) -> None:
    (kind,) = get_args(recipe.model_fields["kind"].annotation)
    assert families.FAMILIES[kind](2).size == 4
    assert recipe(kind=kind, bends=1).label == f"{recipe.name}, 1 bend"
    assert recipe(kind=kind, bends=3).label.endswith(", 3 bends")
