"""Barcodes of samples carried to critical points, against values that are known by other ways."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from lossbars.barcodes.separable import exact_barcode
from lossbars.functions import (
    Function,
    alpine01,
    bent_double_well,
    holder_table,
    langermann,
    rastrigin,
    schwefel26,
    six_hump_camel,
    wavy,
    xin_she_yang04,
)
from lossbars.functions import benchmarks as functions
from lossbars.landscape import Landscape
from lossbars.sublevel import function_barcode
from lossbars.sublevel.results import RefinedBarcode
from support.certain_functions import bars_of, critical_value


def refined(function: Landscape, n: int, **options: object) -> RefinedBarcode:
    barcode = function_barcode(function, None, n, 0, refine=True, **options)
    assert isinstance(barcode, RefinedBarcode)
    return barcode


def both(barcode: RefinedBarcode) -> tuple[list[float], list[float]]:
    return sorted(barcode.births.tolist()), sorted(barcode.deaths[np.isfinite(barcode.deaths)].tolist())


@pytest.mark.parametrize("n", [10_000, 40_000])
@pytest.mark.parametrize("name", ["six_hump_camel", "mueller_brown", "himmelblau"])
def test_every_bar_of_a_known_function_is_certified(name: str, n: int) -> None:
    """At 10,000 points the camel's sample takes the wrong one of two passes that differ by 1e-4."""
    barcode = refined(getattr(functions, name), n)
    kept = ~barcode.noise
    finite = kept & np.isfinite(barcode.deaths)
    assert set(barcode.minimum_ends.method[kept]) == set(barcode.saddle_ends.method[finite]) == {"newton"}
    assert set(barcode.minimum_ends.index[kept]) == {0} and set(barcode.saddle_ends.index[finite]) == {1}
    assert barcode.minimum_ends.gradient[kept].max() < 1e-9 and barcode.saddle_ends.gradient[finite].max() < 1e-9
    truth = bars_of(name)
    found = sorted(zip(barcode.births[kept].tolist(), barcode.deaths[kept].tolist(), strict=True))
    assert [death for _, death in sorted(found)].count(math.inf) == 1
    assert [birth for birth, _ in found] == pytest.approx([birth for birth, _ in truth], rel=1e-9, abs=1e-12)
    deaths = sorted(death for _, death in found if math.isfinite(death))
    assert deaths == pytest.approx(sorted(d for _, d in truth if math.isfinite(d)), rel=1e-9, abs=1e-12)
    moved = np.concatenate([barcode.minimum_ends.moved[kept], barcode.saddle_ends.moved[finite]])
    assert moved.max() < 6 and (barcode.birth_errors[kept] < 1e-9).all()


def test_a_cloud_is_refined_too() -> None:
    barcode = refined(six_hump_camel, 30_000, sampling="random")
    kept = ~barcode.noise
    assert kept.sum() == 6  # everything else may be noise
    births = sorted(barcode.births[kept].tolist())
    assert births == pytest.approx([birth for birth, _ in bars_of("six_hump_camel")], rel=1e-9)
    deaths = sorted(barcode.deaths[kept & np.isfinite(barcode.deaths)].tolist())
    assert deaths == pytest.approx(sorted(d for _, d in bars_of("six_hump_camel") if math.isfinite(d)), abs=1e-9)
    sampled = function_barcode(six_hump_camel, None, 30_000, 0, sampling="random")
    assert len(sampled.births) == len(barcode.births) > 6
    assert sampled.noise.sum() >= len(sampled.births) - 6


def test_more_dimensions() -> None:
    barcode = refined(bent_double_well(4), 60_000)
    longest = np.flatnonzero(~barcode.noise & np.isfinite(barcode.deaths))
    assert barcode.saddle_ends.method[longest].tolist() == ["newton"]
    assert barcode.deaths[longest] == pytest.approx([1.0], rel=1e-9)
    assert barcode.births[~barcode.noise] == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("function", [wavy, rastrigin(2), schwefel26(2)], ids=lambda f: f.name)
def test_separable_functions_have_their_exact_barcode(function: Function) -> None:
    """Minima on the faces of the box among them (Schwefel26); the exact barcode is that of one dimension (Künneth)."""
    barcode = refined(function, 100_000)
    truth = exact_barcode(function)
    assert len(barcode.births) == len(truth.births) and not barcode.noise.any()
    births, deaths = both(barcode)
    scale = float(np.abs(truth.deaths[np.isfinite(truth.deaths)]).max())
    assert births == pytest.approx(sorted(truth.births.tolist()), rel=1e-8, abs=1e-8 * scale)
    wanted = sorted(truth.deaths[np.isfinite(truth.deaths)].tolist())
    assert deaths == pytest.approx(wanted, rel=1e-8, abs=1e-8 * scale)


# Kinks -------------------------------------------------------------------------------------------


def test_saddles_at_kinks_are_known_within_their_error() -> None:
    """HolderTable: every finite bar dies at 0, on a ridge; its 56 minima are smooth."""
    barcode = refined(holder_table, 40_000)
    finite = np.isfinite(barcode.deaths)
    assert finite.sum() == 55 and set(barcode.minimum_ends.method) == {"newton"}
    assert set(barcode.saddle_ends.method[finite]) == {"zoom"} and (barcode.saddle_ends.index == -1).all()
    assert (np.abs(barcode.deaths[finite]) <= barcode.death_errors[finite] + 1e-15).all()
    assert barcode.death_errors[finite].max() < 1e-7 < 0.1 < np.abs(barcode.saddle_ends.sampled[finite]).max()
    lowest = [(8.055, 9.665)] * 4
    assert barcode.births[:4] == pytest.approx([-19.208502567886732] * len(lowest), rel=1e-12)


def test_minima_and_saddles_at_kinks() -> None:
    function = replace(alpine01(2), box=((-4.0, 4.0),) * 2)
    barcode, truth = refined(function, 40_000), exact_barcode(function)
    assert len(barcode.births) == len(truth.births) and "zoom" in barcode.minimum_ends.method
    assert (barcode.births <= 1.1 * barcode.birth_errors + 1e-12).all()  # every minimum is 0; the error is estimated
    kept = ~barcode.noise & np.isfinite(barcode.deaths)  # some bars are shorter than the steps of this grid
    assert kept.sum() > 6 and barcode.births[kept].max() < 2e-7 and barcode.death_errors[kept].max() < 2e-7
    known = truth.deaths[np.isfinite(truth.deaths)]
    assert np.abs(barcode.deaths[kept, None] - known).min(1).max() < 2e-7


def test_a_minimum_at_a_kink_is_not_taken_for_a_smooth_one() -> None:
    """√|x| in XinSheYang04: its derivatives at the origin are finite by convention, and say nothing."""
    barcode = refined(xin_she_yang04(2), 40_000)
    assert barcode.births[0] == pytest.approx(-1.0, abs=1e-9)
    assert barcode.minimum_ends.method[0] in ("zoom", "sampled")


def test_what_cannot_be_differentiated_is_zoomed() -> None:
    def steps(theta: Tensor) -> Tensor:
        with torch.no_grad():
            return (theta.abs() - 1).abs().sum(-1)

    barcode = refined(Function("flat", ((-2.0, 2.0),) * 2, steps), 2000)
    births, deaths = both(barcode)
    assert births == pytest.approx([0.0] * 4, abs=1e-7) and deaths == pytest.approx([1.0] * 3, abs=1e-7)
    assert set(barcode.minimum_ends.method) == {"zoom"}


# Noise, faces, order -----------------------------------------------------------------------------


def rosenbrock(theta: Tensor) -> Tensor:
    x, y = theta.unbind(-1)
    return 100 * (y - x.square()).square() + (1 - x).square()


@pytest.mark.parametrize("sampling", ["grid", "random"])
@pytest.mark.parametrize("refine", [False, True])
def test_bars_that_a_sample_makes_are_marked(sampling: str, refine: bool) -> None:
    """Rosenbrock's valley has no finite bar; samples of it have dozens."""
    function = Function("rosenbrock", ((-1.0, 1.0),) * 2, rosenbrock)
    barcode = function_barcode(function, None, 100_000, 0, sampling=sampling, refine=refine)
    finite = np.isfinite(barcode.deaths)
    assert finite.sum() > 20 and barcode.noise[finite].all() and not barcode.noise[~finite].any()
    if refine:
        assert isinstance(barcode, RefinedBarcode)
        assert set(barcode.minimum_ends.method[finite]) == {"sampled"}


def test_faces_of_the_box_hold_minima() -> None:
    hill = Function("hill", ((-1.0, 1.0), (-2.0, 2.0)), lambda t: -(t[:, 0] - 0.3).square() + (t[:, 1] - 0.1).square())
    barcode = refined(hill, 3000)
    assert barcode.diagram() == pytest.approx(np.array([[-1.69, math.inf], [-0.49, 0.0]]), rel=1e-12, abs=1e-14)
    assert barcode.minimum_places[0] == pytest.approx([-1.0, 0.1], abs=1e-9)
    assert barcode.saddle_places[1] == pytest.approx([0.3, 0.1], abs=1e-9)


def test_walls_are_no_errors() -> None:
    def wells(theta: Tensor) -> Tensor:
        x = theta[:, 0]
        return torch.where(x.abs() > 1.5, math.nan, (x.square() - 1).square() + x / 100).where(x < 1.4, math.inf)

    function = Function("wells", ((-1.5, 1.5),), wells)
    for refine in (False, True):
        barcode = function_barcode(function, None, 101, 0, refine=refine)
        assert len(barcode.births) == 2 and not barcode.noise.any() and np.isfinite(barcode.birth_errors).all()
    roots = np.sort(np.roots([4.0, 0.0, -4.0, 0.01]).real)
    low, saddle, high = ((x**2 - 1) ** 2 + x / 100 for x in roots)
    assert barcode.diagram() == pytest.approx(np.array([[low, math.inf], [high, saddle]]), rel=1e-9, abs=1e-12)


def test_minima_whose_order_the_sample_reverses() -> None:
    """The lower of two minima lies between points of the grid: the elder rule is applied to refined values."""

    def wells(theta: Tensor) -> Tensor:
        x = theta[:, 0]
        return (x.square() - 1).square() + 1e-3 * (x - 1)

    function = Function("wells", ((-1.37, 1.63),), wells)
    roots = np.sort(np.roots([4.0, 0.0, -4.0, 1e-3]).real)
    low, saddle, high = ((x**2 - 1) ** 2 + 1e-3 * (x - 1) for x in roots)
    for n in range(7, 40, 2):
        barcode = refined(function, n)
        assert barcode.diagram()[:2] == pytest.approx(np.array([[low, math.inf], [high, saddle]]), rel=1e-9, abs=1e-12)


def test_langermanns_lowest_bars() -> None:
    barcode = refined(langermann, 90_000)
    assert barcode.births[0] == pytest.approx(critical_value("langermann", (2.003, 1.006)), rel=1e-12)
    good = (barcode.minimum_ends.method == "newton") & (barcode.saddle_ends.method == "newton")
    assert good.sum() > 600
    places = torch.from_numpy(np.concatenate([barcode.minimum_places[good], barcode.saddle_places[good]]))
    values, slope = langermann.value_and_gradient(places, None)
    inside = ((places > 0) & (places < 10)).all(1)
    assert slope[inside].norm(dim=1).max() < 1e-8
    np.testing.assert_allclose(values.numpy(), np.concatenate([barcode.births[good], barcode.deaths[good]]), rtol=1e-12)
    assert (barcode.deaths >= barcode.births).all()
    for i in np.flatnonzero(good)[:5]:
        place = tuple(barcode.saddle_places[i].tolist())
        assert barcode.deaths[i] == pytest.approx(critical_value("langermann", place), rel=1e-9)
