"""Polynomials with a local minimum to escape: conditions of the families, critical points, bars of a stated length."""

import numpy as np
import pytest
import torch
from numpy.polynomial import Polynomial

from lossbars.barcodes.separable import exact_barcode
from lossbars.experiments.escape.polynomials import Family, Well, one_point, two_point, well, with_bar
from lossbars.functions import Function

DERIVATIVES = np.array([1.0, -3.9, 9.4, -13.4])
TWO, ONE = two_point(1.0, 4.0, 0.75, 0.3), one_point(DERIVATIVES)


@pytest.mark.parametrize("length", [0.05, 0.08, 0.11])
def test_two_points_keep_value_slope_and_curvature(length: float) -> None:
    f = with_bar(TWO, length).polynomial
    for place, wanted in ((0.0, (0.0, 0.0, 1.0)), (4.0, (-0.75, 0.0, 0.3))):
        assert [f(place), f.deriv()(place), f.deriv(2)(place)] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("length", [0.15, 0.2, 0.23])
def test_one_point_keeps_all_derivatives_to_order_five(length: float) -> None:
    f = with_bar(ONE, length).polynomial
    assert [f(0.0), f.deriv()(0.0)] == [0.0, 0.0]
    assert [f.deriv(order)(0.0) for order in range(2, 6)] == pytest.approx(DERIVATIVES, rel=1e-13)
    assert f.degree() == 6 and f.coef[6] > 0


@pytest.mark.parametrize(("family", "lengths"), [(TWO, (0.05, 0.11)), (ONE, (0.15, 0.23))])
def test_bars_are_as_long_as_asked(family: Family, lengths: tuple[float, ...]) -> None:
    for length in lengths:
        found = with_bar(family, length)
        assert found.length == pytest.approx(length, rel=1e-9)
        x = np.linspace(0.0, found.far, 20_001)  # the highest point on the way to the lower minimum
        assert found.polynomial(x).max() == pytest.approx(length, rel=1e-6)
        assert x[found.polynomial(x).argmax()] == pytest.approx(found.saddle, abs=1e-3)


def test_critical_points_are_exact_where_they_are_known() -> None:
    slope = Polynomial([0.0, 1.0]) * Polynomial([-1.0, 1.0]) * Polynomial([-3.0, 1.0]) * Polynomial([5.0, 0.0, 1.0])
    f = slope.integ()
    family = one_point(np.array([f.deriv(order)(0.0) for order in range(2, 6)]))
    found = well(family, float(f.coef[6]))
    assert found is not None
    assert (found.saddle, found.far) == pytest.approx((1.0, 3.0), abs=1e-12)
    assert found.length == pytest.approx(f(1.0))
    assert found.curvature(3.0) == pytest.approx(slope.deriv()(3.0))


def test_other_polynomials_are_none_of_a_family() -> None:
    assert well(TWO, -1.0) is None and well(TWO, 0.0) is None  # no global minimum
    assert well(ONE, 100.0) is None  # x⁶ leaves one minimum alone


@pytest.mark.parametrize(("family", "name"), [(TWO, "two-point"), (ONE, "one-point")])
def test_a_bar_that_no_polynomial_has_is_refused_with_those_there_are(family: Family, name: str) -> None:
    with pytest.raises(
        ValueError, match=rf"no {name} polynomial has a bar of length 50 .* bars of this family go from"
    ):
        with_bar(family, 50.0)


def test_a_family_without_a_barrier_is_refused() -> None:
    with pytest.raises(ValueError, match="this family has no bar"):
        with_bar(one_point(np.array([1.0, 1.0, 1.0, 1.0])), 0.1)


def test_as_a_landscape_it_has_the_bar() -> None:
    found = with_bar(TWO, 0.1)

    def formula(theta: torch.Tensor) -> torch.Tensor:
        terms = [value * theta[:, 0] ** power for power, value in enumerate(found.coefficients.tolist())]
        return torch.stack(terms).sum(0)

    box = ((-found.saddle, 2 * found.far - found.saddle),)
    term = Function("term", box, formula, term=lambda x: formula(x).unsqueeze(-1))
    (bar,) = [own for own in exact_barcode(term).bars if np.isfinite(own.death)]
    assert (bar.birth, bar.death) == pytest.approx((0.0, 0.1), abs=1e-6)
    assert isinstance(found, Well) and found.coefficients.shape == (7,)
