"""Barcodes from many starts: known minima and saddles, faces of the box, kinks, and graphs of near pairs."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from lossbars.functions import Function, alpine01, himmelblau, mueller_brown, six_hump_camel, wavy
from lossbars.optimise import multistart
from lossbars.optimise.multistart import OptimisedBarcode, find_minima, optimised_barcode
from lossbars.recipes import Curves, Minima

Finite = list[tuple[float, float]]


def ramp(lr: float, steps: int) -> dict:
    schedule = {"kind": "ramp", "m1": steps / 2, "m2": float(steps), "lr_max": lr, "lr_min": lr / 1000}
    return {"optimiser": "adam", "schedule": schedule, "epochs": steps}


def curves(lr: float, steps: int, bends: int, points: int, tilt: float) -> Curves:
    return Curves(
        **ramp(lr, steps),
        family={"kind": "chain", "bends": bends},
        points=points,
        tilt=tilt,
        grid={"points": 101, "refinements": 6},
    )


CAMEL = [(-1.0316284535, 0.0), *2 * [(-0.2154638244, 0.5437186010)], *2 * [(2.1042503103, 2.2293571975)]]
CASES: dict[str, tuple[Function, Minima, Curves, Finite, float]] = {
    "camel": (six_hump_camel, Minima(**ramp(0.05, 200)), curves(0.05, 600, 7, 32, 20.0), CAMEL, 2e-3),
    "himmelblau": (
        himmelblau,
        Minima(**ramp(0.1, 200)),
        curves(0.1, 600, 7, 32, 2.0),
        [(0.0, value) for _, value in himmelblau.saddles[:3]],
        5e-2,
    ),
    "mueller-brown": (
        mueller_brown,
        Minima(**ramp(0.02, 300)),
        curves(0.003, 1000, 5, 32, 2.0),
        [(-108.1667241169, -40.6648435087), (-80.7678181297, -72.2489401123)],
        5e-2,
    ),
}


@cache
def found(name: str) -> OptimisedBarcode:
    function, minima, recipe, _, _ = CASES[name]
    return optimised_barcode(function, function.box, 60, minima, recipe, 0)


@pytest.mark.parametrize("name", list(CASES))
def test_minima_are_the_known_ones(name: str) -> None:
    function = CASES[name][0]
    result = found(name)
    assert result.values.tolist() == pytest.approx([value for _, value in function.minima], abs=1e-12, rel=1e-12)
    known = torch.tensor([place for place, _ in function.minima], dtype=torch.float64)
    assert (torch.cdist(result.minima, known).amin(1) < 1e-8).all()
    assert (torch.cdist(known, result.minima).amin(1) < 1e-8).all()


@pytest.mark.parametrize("name", list(CASES))
def test_bars_die_at_the_known_saddles(name: str) -> None:
    function, _, _, expected, tolerance = CASES[name]
    result = found(name)
    finite = [bar for bar in result.merged.bars if bar.dies_at]
    assert len(result.merged.bars) == len(finite) + 1
    assert sorted((bar.birth, bar.death) for bar in finite) == [
        pytest.approx(bar, abs=tolerance) for bar in sorted(expected)
    ]
    assert all(bar.death >= truth - 1e-4 for bar, (_, truth) in zip(_by_death(finite), _last(expected), strict=True))
    saddles = torch.tensor([place for place, _ in function.saddles], dtype=torch.float64)
    for bar in finite:
        top = result.saddle_places[bar.dies_at]
        assert float(function.loss(top[None])) == pytest.approx(bar.death, abs=1e-9)
        assert torch.cdist(top[None], saddles).amin() < 0.05
    for one, other in zip(result.direct.bars, result.merged.bars, strict=True):
        assert one.born_at == other.born_at and one.death >= other.death


def _by_death(bars: list) -> list:
    return sorted(bars, key=lambda bar: bar.death)


def _last(bars: Finite) -> Finite:
    return sorted(bars, key=lambda bar: bar[1])


def test_the_same_seed_gives_the_same_bits() -> None:
    function, minima, recipe, _, _ = CASES["camel"]
    again = optimised_barcode(function, function.box, 60, minima, recipe, 0)
    assert torch.equal(again.minima, found("camel").minima)
    assert again.merged == found("camel").merged
    other, _ = find_minima(function, function.box, 60, minima, 1)
    assert not torch.equal(other, again.minima)


def _hill(theta: Tensor) -> Tensor:
    """(x − .3)(x + 1.5) upside down, plus y²: lowest on the left and right faces."""
    x, y = theta.unbind(-1)
    return -(x - 0.3).square() + y.square()


def test_minima_on_the_faces_count_and_curves_stay_inside() -> None:
    hill = Function("hill", ((-1.0, 1.0), (-2.0, 2.0)), _hill)
    result = optimised_barcode(hill, hill.box, 40, Minima(**ramp(0.05, 200)), curves(0.05, 200, 3, 16, 20.0), 0)
    assert result.minima.tolist() == [pytest.approx(p, abs=1e-8) for p in ([-1.0, 0.0], [1.0, 0.0])]
    assert result.values.tolist() == pytest.approx([-1.69, -0.49])
    (bar,) = (bar for bar in result.merged.bars if bar.dies_at)
    assert bar.death == pytest.approx(0.0, abs=1e-3)
    assert result.saddle_places[(0, 1)].tolist() == pytest.approx([0.3, 0.0], abs=0.05)


def test_the_way_round_outside_the_box_is_not_taken() -> None:
    def ridge(theta: Tensor) -> Tensor:  # two wells, and a wall between them that falls off with |y|
        x, y = theta.unbind(-1)
        return (x.square() - 1).square() + y.square() / 100 + torch.exp(-x.square() * 8 - y.square() / 8)

    box = ((-2.0, 2.0), (-1.0, 1.0))
    function = Function("ridge", box, ridge)
    result = optimised_barcode(function, box, 40, Minima(**ramp(0.05, 300)), curves(0.05, 600, 7, 32, 20.0), 0)
    y = torch.linspace(-1, 1, 201, dtype=torch.float64)
    pass_ = float(ridge(torch.stack([torch.zeros_like(y), y], dim=1)).min())  # by symmetry the wall is lowest at x = 0
    assert len(result.values) == 2
    assert result.merged.bars[1].death == pytest.approx(pass_, abs=5e-3)
    assert pass_ > 1.5  # outside the box it would be about 1.2


def test_kinks_are_found_and_merged() -> None:
    function = alpine01(2)
    box = ((-2.0, 2.0),) * 2  # |x sin x + x/10| is zero at 0 and where sin x is −1/10, with a peak between them
    places, values = find_minima(function, box, 100, Minima(**ramp(0.02, 800)), 0)
    assert values.tolist() == pytest.approx([0.0] * len(values), abs=1e-4)
    truth = [0.0, _root(-0.2, -0.05)]
    assert len(values) == len(truth) ** 2
    assert sorted({round(float(x), 3) for x in places.flatten()}) == sorted({round(x, 3) for x in truth})


def _root(low: float, high: float) -> float:
    """The root of sin x + 1/10 between the two."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (math.sin(middle) + 0.1) < 0 else (low, middle)
    return low


def test_more_minima_than_pairs_need_near_ones_only() -> None:
    box = ((-2.0, 2.0), (-2.0, 2.0))
    minima, recipe = Minima(**ramp(0.01, 150)), curves(0.02, 150, 3, 8, 50.0)
    result = optimised_barcode(wavy, box, 700, minima, recipe, 0, neighbours=4)
    m = len(result.values)
    assert m == 49
    assert len(result.saddle_places) < m * (m - 1) / 4
    assert math.isinf(result.merged.bars[0].death) and math.isinf(result.direct.bars[0].death)
    assert all(bar.dies_at for bar in (*result.merged.bars[1:], *result.direct.bars[1:]))
    births, deaths = _separable_bars(2.0)
    finite = np.array([(bar.birth, bar.death) for bar in result.merged.bars[1:]])
    assert np.sort(finite[:, 0]) == pytest.approx(np.sort(births), abs=1e-6)
    assert np.sort(finite[:, 1]) == pytest.approx(np.sort(deaths), abs=5e-3)


def _separable_bars(high: float) -> tuple[np.ndarray, np.ndarray]:
    """Finite bars of wavy on [−high, high]²: births are sums, lengths least ones, of pairs of the term's bars."""
    assert wavy.term is not None
    x = torch.linspace(-high, high, 400001, dtype=torch.float64)
    g = wavy.term(x[:, None].expand(-1, 2))[:, 0].numpy()
    inside = np.arange(1, len(g) - 1)
    low = g[inside[(g[1:-1] < g[:-2]) & (g[1:-1] < g[2:])]]
    top = g[inside[(g[1:-1] > g[:-2]) & (g[1:-1] > g[2:])]]
    assert len(low) == len(top) + 1
    middle = len(low) // 2  # minima rise and maxima fall away from 0: each minimum dies on its side towards 0
    length = [np.inf if i == middle else top[i if i < middle else i - 1] - low[i] for i in range(len(low))]
    pairs = [(i, j) for i in range(len(low)) for j in range(len(low)) if (i, j) != (middle, middle)]
    births = np.array([low[i] + low[j] for i, j in pairs])
    return births, births + np.array([min(length[i], length[j]) for i, j in pairs])


def test_one_minimum_has_one_half_line() -> None:
    bowl = Function("bowl", ((-1.0, 2.0),) * 2, lambda theta: theta.square().sum(-1))
    result = optimised_barcode(bowl, bowl.box, 5, Minima(**ramp(0.05, 100)), curves(0.05, 10, 1, 2, 1.0), 0)
    assert len(result.values) == 1 and not result.saddle_places
    assert result.merged.bars == result.direct.bars and math.isinf(result.merged.bars[0].death)


def test_pairs_join_each_minimum_to_a_lower_one() -> None:
    unit = torch.rand(90, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pairs = multistart._pairs(unit, 2)
    assert all(p < q for p, q in pairs)
    assert {q for _, q in pairs} == set(range(1, 90))
    assert len(multistart._pairs(unit[:40], 2)) == 40 * 39 / 2
