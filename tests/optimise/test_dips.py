"""Minima below curves: dips of a profile, descents from them, and the pieces between."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from lossbars.barcodes.complex import FilteredComplex, merged_barcode
from lossbars.functions import mueller_brown
from lossbars.landscape import Batch, Landscape
from lossbars.optimise.dips import Curve, Found, below, descend_from, dips
from lossbars.recipes import Descents, Grid
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

EXACT = Descents(places="dips", passes=200, precision="float64")


class Plane(Landscape):
    """A function of two coordinates."""

    dim = 2

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def init(self, n: int, generator: Generator) -> Tensor:
        return torch.randn(n, 2, generator=generator, dtype=torch.float64)

    def loss(self, theta: Tensor, batch: Batch | None = None) -> Tensor:  # noqa: ARG002 (no data)
        return self.function(theta)


def profile_of(*losses: float) -> Profile:
    loss = torch.tensor(losses, dtype=torch.float64)
    return Profile(torch.linspace(0, 1, len(losses))[:, None], loss, loss)


def bent(landscape: Landscape, *points: Tensor) -> Curve:
    """The polygonal chain through these points, from minimum 0 to minimum 1, measured."""
    simplices = Simplices(Chain(len(points) - 2), torch.stack(points)[None])
    (measured,) = profiles(landscape, simplices, Grid(points=101, refinements=2))
    return Curve((0, 1), measured, lambda t: simplices.at(t[None, :, None])[0], origin=0)


def complex_of(values: Tensor, found: Found, *curves: Curve) -> FilteredComplex:
    simplices: dict[tuple[int, ...], float] = {(i,): float(v) for i, v in enumerate([*values, *found.value])}
    for ends, height in [(c.ends, c.profile.value) for c in curves] + [(p.ends, p.height) for p in found.pieces]:
        simplices[ends] = min(height, simplices.get(ends, math.inf))
    return FilteredComplex.of(simplices)


@pytest.mark.parametrize(
    ("losses", "depth", "expected"),
    [
        ((0, 3, 1, 2, 0), 0.02, [2]),
        ((0, 3, 1, 1.01, 0.99, 2, 0), 0.02, [4]),  # the ripple between the two is no hump
        ((0, 3, 1, 2, 0.5, 2.5, 0), 0.02, [2, 4]),
        ((0, 3, 1, 2, 0), 0.4, []),  # one deep, of a climb of three
        ((0, 1, 2, 1, 0), 0.02, []),
        ((2, 1, 2), 0.02, [1]),
        ((1, 1, 1), 0.02, []),
        ((3, 2, 1), 0.02, []),
    ],
)
def test_dips_are_local_minima_below_humps_on_both_sides(
    losses: tuple[float, ...], depth: float, expected: list[int]
) -> None:
    assert dips(profile_of(*losses), depth) == expected


def test_a_place_below_both_ends_is_the_lowest_one() -> None:
    assert below(profile_of(1, 2, 0.5, 3, 0.9)) == [2]
    assert below(profile_of(1, 2, 0.95, 3, 0.9)) == []
    assert below(profile_of(1, 2, 3)) == []


def test_the_minimum_between_two_is_found_and_joins_the_barcode() -> None:
    minima = torch.tensor([place for place, _ in mueller_brown.minima], dtype=torch.float64)
    deep, second, third = minima[mueller_brown.loss(minima).argsort()]
    given = torch.stack([deep, second])
    curve = bent(mueller_brown, deep, third + 0.1, second)
    found = descend_from(mueller_brown, given, [curve], EXACT)
    assert found.curve == (0,)
    torch.testing.assert_close(found.theta, third[None], atol=1e-6, rtol=0)
    assert found.value.item() == pytest.approx(mueller_brown.loss(third[None]).item(), rel=1e-10)
    assert [piece.ends for piece in found.pieces] == [(0, 2), (2, 1)]
    assert max(piece.height for piece in found.pieces) == curve.profile.value
    barcode = merged_barcode(complex_of(mueller_brown.loss(given), found, curve))
    saddles = sorted(mueller_brown.loss(torch.tensor([p for p, _ in mueller_brown.saddles])).tolist())
    deaths = sorted(bar.death for bar in barcode.bars if bar.death < math.inf)
    assert len(deaths) == 2  # the minimum that was not given has a bar
    assert all(death >= saddle for death, saddle in zip(deaths, saddles, strict=True))


def test_a_dip_in_the_basin_of_an_end_makes_a_shortcut() -> None:
    landscape = Plane(lambda x: (x[:, 0] ** 2 - 1) ** 2 + x[:, 1] ** 2)
    minima = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    further = torch.tensor([[1.05, 0.1], [1.5, 0.0]], dtype=torch.float64)
    curve = bent(landscape, minima[0], *further, minima[1])
    assert curve.profile.value == pytest.approx(1.25**2, rel=1e-3)
    found = descend_from(landscape, minima, [curve], EXACT)
    assert found.curve == () and len(found.theta) == 0
    assert [piece.ends for piece in found.pieces] == [(0, 1)]
    assert found.pieces[0].height == pytest.approx(1.0, abs=0.01)


def test_nothing_is_found_where_no_curve_dips() -> None:
    minima = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    landscape = Plane(lambda x: (x[:, 0] ** 2 - 1) ** 2 + x[:, 1] ** 2)
    found = descend_from(landscape, minima, [bent(landscape, *minima)], EXACT)
    assert len(found.theta) == 0 and found.pieces == ()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_minima_and_descents_may_have_different_precisions(precision: str) -> None:
    minima = torch.tensor([place for place, _ in mueller_brown.minima], dtype=torch.float64)
    deep, second, third = minima[mueller_brown.loss(minima).argsort()]
    curve = bent(mueller_brown, deep, third + 0.1, second)
    dtype = torch.float64 if precision == "float32" else torch.float32
    given = torch.stack([deep, second]).to(dtype)
    found = descend_from(mueller_brown, given, [curve], EXACT.model_copy(update={"precision": precision}))
    torch.testing.assert_close(found.theta.double(), third[None], atol=1e-2, rtol=0)


def test_ends_that_are_no_minima_are_refused() -> None:
    minima = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    landscape = Plane(lambda x: (x[:, 0] ** 2 - 1) ** 2 + x[:, 1] ** 2)
    with pytest.raises(ValueError, match=r"curve 0 joins \(0, 1\), and there are 1 minima"):
        descend_from(landscape, minima[:1], [bent(landscape, *minima)], EXACT)
