"""Benchmark functions: formulas, minima, saddles, and the barcodes that they state."""

import math

import gudhi
import numpy as np
import pytest
import torch
from torch import Tensor

from lossbars.functions import (
    Function,
    alpine01,
    bent_double_well,
    himmelblau,
    holder_table,
    langermann,
    mueller_brown,
    rastrigin,
    schwefel26,
    six_hump_camel,
    wavy,
    xin_she_yang04,
)

PLANE = [six_hump_camel, mueller_brown, himmelblau, langermann, wavy, holder_table]
ANY_DIM = [rastrigin(2), rastrigin(3), alpine01(3), schwefel26(3), xin_she_yang04(3), bent_double_well(20)]
ALL = PLANE + ANY_DIM
HALF = math.pi / 2
SEPARABLE = [wavy, rastrigin(3), alpine01(3), schwefel26(3)]


def label(function: Function) -> str:
    return f"{function.name}-{function.dim}"


def value(function: Function, *place: float) -> float:
    return float(function.loss(torch.tensor([place], dtype=torch.float64)))


def scalar_mueller_brown(x: float, y: float) -> float:
    return (
        -200 * math.exp(-((x - 1) ** 2) - 10 * y**2)
        - 100 * math.exp(-(x**2) - 10 * (y - 0.5) ** 2)
        - 170 * math.exp(-6.5 * (x + 0.5) ** 2 + 11 * (x + 0.5) * (y - 1.5) - 6.5 * (y - 1.5) ** 2)
        + 15 * math.exp(0.7 * (x + 1) ** 2 + 0.6 * (x + 1) * (y - 1) + 0.7 * (y - 1) ** 2)
    )


def scalar_langermann(x: float, y: float) -> float:
    total = 0.0
    for a, b, c in ((3, 5, 1), (5, 2, 2), (2, 1, 5), (1, 4, 2), (7, 9, 3)):
        square = (x - a) ** 2 + (y - b) ** 2
        total += c * math.cos(math.pi * square) / math.exp(square / math.pi)
    return -total


def scalar_holder_table(x: float, y: float) -> float:
    return -abs(math.sin(x) * math.cos(y) * math.exp(abs(1 - math.sqrt(x * x + y * y) / math.pi)))


@pytest.mark.parametrize(
    ("function", "place", "expected"),
    [
        (six_hump_camel, (1.0, 1.0), 4 - 2.1 + 1 / 3 + 1),
        (six_hump_camel, (0.0, -0.5), -0.75),
        (six_hump_camel, (2.0, 0.0), 4 * (4 - 8.4 + 16 / 3)),
        (mueller_brown, (0.3, 0.7), scalar_mueller_brown(0.3, 0.7)),
        (mueller_brown, (-1.1, 1.9), scalar_mueller_brown(-1.1, 1.9)),
        (himmelblau, (0.0, 0.0), 170.0),
        (himmelblau, (1.0, 2.0), 68.0),
        (langermann, (4.2, 6.1), scalar_langermann(4.2, 6.1)),
        (langermann, (7.0, 8.5), scalar_langermann(7.0, 8.5)),
        (wavy, (math.pi / 10, 0.0), 1 - (1 - math.exp(-(math.pi**2) / 200)) / 2),
        (wavy, (math.pi, math.pi), 1 - math.exp(-(math.pi**2) / 2)),
        (holder_table, (1.0, -2.0), scalar_holder_table(1.0, -2.0)),
        (holder_table, (-4.0, 2.0), scalar_holder_table(-4.0, 2.0)),
        (rastrigin(3), (1.0, -1.0, 0.5), 1 + 1 + 20.25),
        (alpine01(2), (math.pi / 2, -math.pi / 2), math.pi),
        (alpine01(1), (3 * math.pi / 2,), 0.9 * 3 * math.pi / 2),
        (schwefel26(2), (0.0, math.pi**2 / 4), 2 * 418.9829 - math.pi**2 / 4),
        (schwefel26(1), (-(math.pi**2) / 4,), 418.9829 + math.pi**2 / 4),
        (
            xin_she_yang04(2),
            (math.pi / 2, 0.0),
            (1 - math.exp(-(HALF**2))) * math.exp(-(math.sin(math.sqrt(HALF)) ** 2)),
        ),
        (bent_double_well(3), (0.0, 0.5, 0.5), 1 + 4 * (0.5**2 + 0.5**2)),
        (bent_double_well(2), (-2 / 3, 0.0), (4 / 9 - 1) ** 2 + 4 * 0.25),
        (xin_she_yang04(3), (HALF**2,) * 3, (3 * math.sin(HALF**2) ** 2 - math.exp(-3 * HALF**4)) / math.e**3),
    ],
)
def test_formula_at_known_places(function: Function, place: tuple[float, ...], expected: float) -> None:
    assert value(function, *place) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("function", "place", "expected", "digits"),
    [
        (six_hump_camel, (0.0898, -0.7126), -1.0316, 1e-4),
        (mueller_brown, (-0.558, 1.442), -146.6995, 1e-3),
        (himmelblau, (3.0, 2.0), 0.0, 1e-12),
        (langermann, (2.00299219, 1.006096), -5.1621259, 1e-6),
        (wavy, (0.0, 0.0), 0.0, 1e-12),
        (holder_table, (8.055023472141116, 9.664590028909654), -19.20850256788675, 1e-12),
        (rastrigin(4), (0.0,) * 4, 0.0, 1e-12),
        (alpine01(4), (0.0,) * 4, 0.0, 1e-12),
        (schwefel26(4), (420.968746,) * 4, 0.0, 1e-4),
        (xin_she_yang04(4), (0.0,) * 4, -1.0, 1e-12),
        (bent_double_well(4), (1.0, 0.0, 0.0, 0.0), 0.0, 1e-12),
    ],
)
def test_published_optimum(function: Function, place: tuple[float, ...], expected: float, digits: float) -> None:
    assert value(function, *place) == pytest.approx(expected, abs=digits)
    starts = function.init(2000, torch.Generator().manual_seed(0))
    assert float(function.loss(starts).min()) >= value(function, *place) - digits


def hessian(function: Function, place: Tensor) -> Tensor:
    result = torch.autograd.functional.hessian(lambda x: function.loss(x.unsqueeze(0))[0], place)
    assert isinstance(result, Tensor)
    return result


@pytest.mark.parametrize("function", ALL, ids=label)
def test_minima_and_saddles_are_critical(function: Function) -> None:
    for index, points in ((0, function.minima), (1, function.saddles)):
        assert [v for _, v in points] == sorted(v for _, v in points)
        assert len({place for place, _ in points}) == len(points)
        for place, stated in points:
            assert all(low < x < high for x, (low, high) in zip(place, function.box, strict=True))
            theta = torch.tensor(place, dtype=torch.float64)
            loss, gradient = function.value_and_gradient(theta.unsqueeze(0), None)
            curvature = hessian(function, theta)
            step = torch.linalg.solve(curvature, gradient[0])
            assert step.abs().max() < 1e-13 * max(1.0, float(theta.abs().max()))  # Newton's method would stay here
            scale = 419.0 if function.name == "schwefel26" else max(1.0, abs(stated))
            assert abs(float(loss) - stated) < 1e-13 * scale
            eigenvalues = torch.linalg.eigvalsh(curvature)
            assert int((eigenvalues < 0).sum()) == index
            assert eigenvalues.abs().min() > 0.1


def test_how_many_minima_and_saddles_are_stated() -> None:
    counted = {label(f): (len(f.minima), len(f.saddles)) for f in ALL}
    assert counted == {
        "six_hump_camel-2": (6, 7),
        "mueller_brown-2": (3, 2),
        "himmelblau-2": (4, 4),
        "langermann-2": (1, 0),
        "wavy-2": (5, 4),
        "holder_table-2": (4, 0),
        "rastrigin-2": (5, 4),
        "rastrigin-3": (7, 6),
        "alpine01-3": (0, 0),
        "schwefel26-3": (1, 0),
        "xin_she_yang04-3": (0, 0),
        "bent_double_well-20": (2, 1),
    }


def grid_bars(function: Function, points: int) -> np.ndarray:
    """H0 of the sublevel sets on a grid: vertices, and edges along the axes with the larger of their ends' values."""
    axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in function.box]
    values = function.loss(torch.cartesian_prod(*axes).reshape(-1, function.dim)).reshape([points] * function.dim)
    cubes = gudhi.CubicalComplex(vertices=values.numpy())
    cubes.compute_persistence(homology_coeff_field=2, min_persistence=0.0)
    return cubes.persistence_intervals_in_dimension(0)


@pytest.mark.parametrize(
    ("function", "ended"),
    [
        (six_hump_camel, {1: 0, 2: 1, 3: 2, 4: 3, 5: 4}),
        (mueller_brown, {1: 1, 2: 0}),
        (himmelblau, {1: 2, 2: 1, 3: 0}),
    ],
    ids=["six_hump_camel", "mueller_brown", "himmelblau"],
)
def test_minima_and_saddles_are_the_bars_of_the_grid(function: Function, ended: dict[int, int]) -> None:
    points = 501
    critical = [torch.tensor(place, dtype=torch.float64) for place, _ in (*function.minima, *function.saddles)]
    steepest = max(float(hessian(function, place).abs().max()) * function.dim for place in critical)
    cell = sum(((high - low) / (points - 1)) ** 2 for low, high in function.box)
    tolerance = steepest * cell / 2  # a grid point is within one cell's diagonal of every critical point
    stated = np.array(
        [(b, function.saddles[ended[i]][1] if i in ended else math.inf) for i, (_, b) in enumerate(function.minima)]
    )
    assert tolerance < min(d - b for b, d in stated) / 40
    found = grid_bars(function, points)
    assert gudhi.bottleneck_distance(found, stated) < tolerance
    long = found[found[:, 1] - found[:, 0] > 2 * tolerance]
    assert len(long) == len(stated)


def test_published_bars() -> None:
    """The bars that the documentation states, to their last digit."""
    births, deaths = [v for _, v in six_hump_camel.minima], [v for _, v in six_hump_camel.saddles]
    assert [round(v, 4) for v in births] == [-1.0316, -1.0316, -0.2155, -0.2155, 2.1043, 2.1043]
    assert [round(v, 4) for v in deaths[:5]] == [0.0, 0.5437, 0.5437, 2.2294, 2.2294]
    assert [round(v, 4) for _, v in mueller_brown.minima] == [-146.6995, -108.1667, -80.7678]
    assert [round(v, 4) for _, v in mueller_brown.saddles] == [-72.2489, -40.6648]


def test_holder_table_has_56_bars_that_die_at_zero() -> None:
    bars = grid_bars(holder_table, 401)
    bars = bars[np.argsort(bars[:, 0])]
    assert len(bars) == 56
    assert bars[:16, 0] == pytest.approx(np.repeat([-19.2085, -16.2678, -11.0696, -9.5047], 4), abs=5e-3)
    assert np.isinf(bars[:, 1]).sum() == 1
    finite = bars[np.isfinite(bars[:, 1]), 1]
    assert finite.max() <= 0 and finite.min() > -1  # a ridge without a tangent: a grid's error is of first order


def test_alpine01_bars_in_one_dimension() -> None:
    bars = grid_bars(alpine01(1), 20001)
    assert len(bars) == 8
    assert bars[:, 0] == pytest.approx(np.zeros(8), abs=6e-3)
    deaths = np.sort(bars[:, 1])
    assert deaths == pytest.approx([0.0025, 1.6187, 2.0244, 4.3241, 5.3067, 7.1195, 8.7152, math.inf], abs=1e-4)


@pytest.mark.parametrize("function", ALL, ids=label)
def test_init_is_uniform_in_the_box_and_reproducible(function: Function) -> None:
    starts = function.init(4000, torch.Generator().manual_seed(3))
    assert starts.shape == (4000, function.dim)
    assert starts.dtype == torch.float64 and starts.device == function.device == torch.device("cpu")
    assert torch.equal(starts, function.init(4000, torch.Generator().manual_seed(3)))
    assert not torch.equal(starts, function.init(4000, torch.Generator().manual_seed(4)))
    low, high = torch.tensor(function.box, dtype=torch.float64).unbind(-1)
    unit = (starts - low) / (high - low)
    assert unit.min() >= 0 and unit.max() <= 1
    assert unit.min(0).values.max() < 0.01 and unit.max(0).values.min() > 0.99
    assert (unit.mean(0) - 1 / 2).abs().max() < 0.025
    assert (unit.var(0) - 1 / 12).abs().max() < 0.006


def test_init_goes_on_from_the_generators_state() -> None:
    generator = torch.Generator().manual_seed(3)
    assert not torch.equal(himmelblau.init(5, generator), himmelblau.init(5, generator))


def test_init_in_float32_stays_in_the_box() -> None:
    function = Function("narrow", ((0.1, 0.3),), rastrigin(1).formula, dtype=torch.float32)
    starts = function.init(20000, torch.Generator().manual_seed(0))
    assert starts.dtype == torch.float32
    assert starts.min() >= torch.tensor(0.1) and starts.max() <= torch.tensor(0.3)
    assert function.loss(starts).dtype == torch.float32


@pytest.mark.parametrize("function", ALL, ids=label)
def test_rows_are_independent_and_gradients_are_those_of_the_formula(function: Function) -> None:
    theta = function.init(7, torch.Generator().manual_seed(1))
    together, gradient = function.value_and_gradient(theta, None)
    assert together.shape == (7,) and gradient.shape == theta.shape
    alone = torch.cat([function.loss(row.unsqueeze(0)) for row in theta])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    h = 1e-6
    for axis in range(function.dim):
        shift = h * torch.eye(function.dim, dtype=torch.float64)[axis]
        slope = (function.loss(theta + shift) - function.loss(theta - shift)) / (2 * h)
        torch.testing.assert_close(gradient[:, axis], slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", ALL, ids=label)
def test_gradient_is_a_number_at_kinks(function: Function) -> None:
    for dtype in (torch.float32, torch.float64):
        loss, gradient = function.value_and_gradient(torch.zeros(1, function.dim, dtype=dtype), None)
        assert loss.dtype == gradient.dtype == dtype
        assert torch.isfinite(loss).all() and torch.isfinite(gradient).all()


@pytest.mark.parametrize("function", SEPARABLE, ids=label)
def test_a_separable_function_is_the_sum_of_its_terms(function: Function) -> None:
    assert function.separable and function.term is not None
    theta = function.init(50, torch.Generator().manual_seed(2))
    torch.testing.assert_close(function.loss(theta), function.term(theta).sum(-1), rtol=1e-13, atol=1e-13)
    # no mixed differences: f(a, rest) + f(b, rest') = f(b, rest) + f(a, rest')
    other = function.init(50, torch.Generator().manual_seed(5))
    swapped, rest = theta.clone(), other.clone()
    swapped[:, 0], rest[:, 0] = other[:, 0], theta[:, 0]
    mixed = function.loss(theta) + function.loss(other) - function.loss(swapped) - function.loss(rest)
    assert mixed.abs().max() < 1e-10
    assert not six_hump_camel.separable and not holder_table.separable and not xin_she_yang04(2).separable


def test_a_pass_over_a_function_is_one_none() -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    assert list(himmelblau.batches(generators)) == [None]
    assert himmelblau.steps_per_epoch == 1


def test_a_box_without_volume_is_refused() -> None:
    for box in ((), ((1.0, 1.0),), ((0.0, 1.0), (2.0, -2.0)), ((math.nan, 1.0),)):
        with pytest.raises(ValueError, match="needs low < high"):
            Function("flat", box, rastrigin(1).formula)
    with pytest.raises(ValueError, match="rastrigin"):
        rastrigin(0)
