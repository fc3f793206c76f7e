"""Exact barcodes of separable functions: closed forms, Newton's minima in 40 digits, and persistence on grids."""

import itertools
import math

import gudhi
import numpy as np
import pytest
import torch
from torch import Tensor

from lossbars.barcodes.barcode import ArrayBarcode, Barcode
from lossbars.barcodes.bottleneck import diagram_distance
from lossbars.barcodes.separable import exact_barcode
from lossbars.functions import Function, alpine01, himmelblau, rastrigin, schwefel26, wavy

ACCURACY = 1e-12  # of births and deaths, over the largest value of a term
ALPINE01_DEATHS = [0.0025, 1.6187, 2.0244, 4.3241, 5.3067, 7.1195, 8.7152, math.inf]


def separable(term: object, *box: tuple[float, float]) -> Function:
    return Function("ours", box, lambda theta: term(theta).sum(-1), term=term)  # type: ignore[operator, arg-type]


def sawtooth(x: Tensor) -> Tensor:
    """Straight between (0, 5), (1, 0), (2, 4), (4, 1), (5, 3), (6, 2): kinks alone, and minima at an end."""
    up = torch.relu
    return 5 - 5 * x + 9 * up(x - 1) - 5.5 * up(x - 2) + 3.5 * up(x - 4) - 3 * up(x - 5)


SAWTOOTH_BARS = [(0.0, math.inf), (1.0, 4.0), (2.0, 3.0)]


def products(bars: list[tuple[float, float]], dim: int) -> np.ndarray:
    """The Künneth formula, one product after another."""
    chosen = [
        (sum(birth for birth, _ in some), min(death - birth for birth, death in some))
        for some in itertools.product(bars, repeat=dim)
    ]
    return np.array(sorted((birth, birth + length) for birth, length in chosen))


def test_alpine01_in_one_dimension() -> None:
    barcode = exact_barcode(alpine01(1))
    assert np.abs(barcode.births).max() < ACCURACY * 10
    assert np.sort(barcode.deaths) == pytest.approx(ALPINE01_DEATHS, abs=5e-5)
    assert barcode.births.min() >= 0


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_bars_of_straight_pieces(dim: int) -> None:
    barcode = exact_barcode(separable(sawtooth, *[(0.0, 6.0)] * dim))
    found = barcode.diagram()
    assert found[np.lexsort(found.T[::-1])] == pytest.approx(products(SAWTOOTH_BARS, dim), abs=5 * dim * ACCURACY)
    assert barcode.convention == "merged" and barcode.dims == (0,) and barcode.to_score("linf") == pytest.approx(1.5)


def test_each_axis_has_its_own_interval() -> None:
    barcode = exact_barcode(separable(sawtooth, (0.0, 3.0), (3.0, 6.0)))  # bars [0, ∞), [2.5, 4] and [1, ∞), [2, 3]
    assert barcode.births == pytest.approx([1.0, 2.0, 3.5, 4.5], abs=5 * ACCURACY)
    assert barcode.deaths == pytest.approx([math.inf, 3.0, 5.0, 5.5], abs=5 * ACCURACY)
    assert barcode.minimum_places == pytest.approx(np.array([[1, 4], [1, 6], [3, 4], [3, 6]]), abs=ACCURACY)
    saddles = np.array([[math.nan] * 2, [1, 5], [2, 4], [3, 5]])
    assert barcode.saddle_places == pytest.approx(saddles, abs=ACCURACY, nan_ok=True)
    assert barcode.born_at.tolist() == [0, 1, 2, 3] and barcode.dies_at.tolist() == [-1, 1, 0, 1]


def test_kinks_and_ends_of_a_sine() -> None:
    barcode = exact_barcode(separable(lambda x: torch.sin(x).abs(), (0.5, 10.0)))
    assert barcode.births == pytest.approx([0, 0, 0, math.sin(0.5)], abs=ACCURACY)
    assert np.sort(barcode.deaths) == pytest.approx([1, 1, 1, math.inf], abs=ACCURACY)
    assert np.sort(barcode.minimum_places[:3, 0]) == pytest.approx([math.pi, 2 * math.pi, 3 * math.pi], abs=1e-11)


def test_a_term_without_bars_and_a_plateau() -> None:
    assert exact_barcode(separable(lambda x: x**2, (-1.0, 2.0))).diagram() == pytest.approx(
        np.array([[0.0, math.inf]]), abs=ACCURACY
    )
    assert exact_barcode(separable(torch.ones_like, (0.0, 1.0))).diagram().tolist() == [[1.0, math.inf]]
    flat = exact_barcode(separable(lambda x: (x.abs() - 1).abs().clamp(0.25, 0.75), (-2.0, 2.0)))
    assert flat.diagram().tolist() == [[0.25, math.inf], [0.25, 0.75]]


@pytest.mark.parametrize("function", [wavy, rastrigin(1), rastrigin(2), rastrigin(3), schwefel26(3)])
def test_known_minima_and_saddles(function: Function) -> None:
    """Those of Newton's method in 40 digits; saddles end the bars of the minima beside the lowest."""
    barcode, scale = exact_barcode(function), 419.0 if function.name == "schwefel26" else 10.0
    lowest = [value for _, value in function.minima]
    assert barcode.births[: len(lowest)] == pytest.approx(lowest, abs=ACCURACY * scale)
    if function.saddles:
        ends = np.sort(barcode.deaths[1 : len(lowest)])
        assert ends == pytest.approx([value for _, value in function.saddles], abs=ACCURACY * scale)


@pytest.mark.parametrize("function", [wavy, alpine01(3), schwefel26(2), rastrigin(3)])
def test_places_have_the_values_of_their_bars(function: Function) -> None:
    barcode = exact_barcode(function)
    dies = barcode.dies_at >= 0
    for places, values in (
        (barcode.minimum_places, barcode.births),
        (barcode.saddle_places[dies], barcode.deaths[dies]),
    ):
        assert function.loss(torch.from_numpy(places)).numpy() == pytest.approx(values, abs=1e-11)


@pytest.mark.parametrize(("function", "points"), [(wavy, 801), (schwefel26(2), 801), (alpine01(2), 801)])
def test_the_grid_has_the_same_bars(function: Function, points: int) -> None:
    """Up to the largest step of the function between neighbours of the grid, in each direction."""
    axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in function.box]
    values = function.loss(torch.cartesian_prod(*axes)).reshape(points, points).numpy()
    cubes = gudhi.CubicalComplex(vertices=values)
    cubes.compute_persistence(homology_coeff_field=2, min_persistence=0.0)
    bound = sum(np.abs(np.diff(values, axis=d)).max() for d in range(2))
    exact = exact_barcode(function)
    assert bound < exact.to_score("linf") / 4
    assert diagram_distance(exact.diagram(), cubes.persistence_intervals_in_dimension(0)) < bound


@pytest.mark.parametrize("function", [alpine01, rastrigin, schwefel26])
def test_bars_of_a_cube_are_products(function: object) -> None:
    line, cube = (exact_barcode(function(dim)) for dim in (1, 3))  # type: ignore[operator]
    assert len(cube.births) == len(line.births) ** 3
    assert np.isinf(cube.deaths).sum() == 1 and np.isinf(cube.deaths[0]) and cube.dies_at[0] == -1
    expected = products(line.diagram().tolist(), 3)
    assert diagram_distance(cube.diagram(), expected) < 1e-11
    assert cube.to_score("linf") == pytest.approx(line.to_score("linf"))
    bar = cube.bars[-1]
    assert (bar.birth, bar.death, bar.born_at[0]) == (cube.births[-1], cube.deaths[-1], cube.born_at[-1])


def test_alpine01_in_six_dimensions() -> None:
    barcode = exact_barcode(alpine01(6))
    assert len(barcode.births) == 8**6 and barcode.births.max() < ACCURACY * 60
    counts = [np.count_nonzero(np.abs(barcode.deaths - death) < 1e-3) for death in ALPINE01_DEATHS[:-1]]
    assert counts == [8**6 - 7**6, 7**6 - 6**6, 6**6 - 5**6, 5**6 - 4**6, 4**6 - 3**6, 3**6 - 2**6, 2**6 - 1]


def test_what_has_no_exact_barcode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"himmelblau is no sum .* cloud"):
        exact_barcode(himmelblau)
    with pytest.raises(ValueError, match="ours is not finite"):
        exact_barcode(separable(torch.log, (-1.0, 1.0)))
    with pytest.raises(ValueError, match=r"alpine01 has 1\.34e\+08 bars in 9 dimensions"):
        exact_barcode(alpine01(9))


def test_arrays_are_a_barcode_like_any_other() -> None:
    columns = ([1.0, 0.0, 0.0], [4.0, math.inf, 0.5], [7, 2, 1], [9, -1, 3])
    arrays = ArrayBarcode(*map(np.array, columns), "merged")
    assert arrays.births.tolist() == [0.0, 0.0, 1.0] and arrays.born_at.tolist() == [1, 2, 7]
    same = Barcode(arrays.bars, "merged")
    assert same.bars == arrays.bars and [bar.dies_at for bar in same.bars] == [(3,), None, (9,)]
    assert (arrays.diagram() == same.diagram()).all() and arrays.diagram(1).shape == (0, 2)
    assert arrays.to_score("sqrt2") == same.to_score("sqrt2") == 3 / math.sqrt(2) and arrays.dims == same.dims
    assert repr(arrays) == "ArrayBarcode(3 bars, 'merged')"
    with pytest.raises(ValueError, match="read-only"):
        arrays.births[0] = 1.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0.0], [1.0, 2.0], [0], [1]), "one length"),
        (([0.0, 2.0], [1.0, 1.0], [0, 1], [1, 0]), "bar 1 from 2.0 to 1.0"),
        (([0.0], [math.nan], [0], [1]), "bar 0 from 0.0 to nan"),
        (([0.0], [math.inf], [0], [1]), "half-lines"),
        (([0.0], [1.0], [0], [-1]), "half-lines"),
    ],
)
def test_arrays_that_are_no_bars_are_refused(columns: tuple[list, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArrayBarcode(*map(np.array, columns), "merged")
