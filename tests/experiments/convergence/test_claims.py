"""Claims on rates of convergence, on made-up tables: slopes, and distances to the true barcode."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, UNMEASURED
from lossbars.experiments.convergence.claims import UNDECIDED_SLOPE
from lossbars.experiments.convergence.fits import means, slope, upper_half
from support.function_tables import CONVERGENCE_CHECKS, converged


class TestSlope:
    N = np.array([10.0, 100, 1000, 1e4, 1e5])

    def test_of_a_power_law_over_the_upper_half(self):
        distance = 3 * self.N**-0.25
        distance[:2] = 99
        np.testing.assert_allclose(slope(self.N, distance), -0.25, atol=1e-6)

    def test_interval_is_students(self):
        log = np.array([0.0, 0.0, 1.0, 0.3, -1.1])
        fitted, low, high = slope(self.N, np.exp(log))
        x, y = np.log(self.N[2:]), log[2:]
        design = np.stack([x, np.ones(3)], axis=1)
        coefficients, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
        error = math.sqrt(squares[0] / 1 * np.linalg.inv(design.T @ design)[0, 0])
        reach = stats.t.ppf(0.975, 1) * error
        np.testing.assert_allclose((fitted, low, high), coefficients[0] + np.array([0, -reach, reach]))

    def test_pairs_are_averaged_first(self):
        n = np.repeat(self.N, 2)
        distance = n**-0.5 * np.tile([0.5, 1.5], 5)
        np.testing.assert_allclose(slope(n, distance), -0.5, atol=1e-6)

    @pytest.mark.parametrize(("sizes", "fitted"), [(2, 2), (3, 3), (4, 3), (6, 3), (7, 4), (9, 5)])
    def test_how_many_sizes(self, sizes, fitted):
        assert upper_half(sizes) == fitted

    def test_what_cannot_be_fitted(self):
        assert slope(self.N[:2], np.array([1.0, 0.1])) == (pytest.approx(-1), -math.inf, math.inf)
        with pytest.raises(ValueError, match="two sizes or more"):
            slope(self.N[:1], np.ones(1))
        for bad in (0.0, math.inf, math.nan):
            with pytest.raises(ValueError, match="no logarithm"):
                slope(self.N, np.array([1, 1, 1, 1, bad]))


def distances(power: float, dim: int = 4, truth: float = 0.5, noise: float = 0.0, sizes: int = 5) -> pd.DataFrame:
    """Pairs at N^power times 1 ± noise by turns of size; the truth is further or nearer by a factor."""
    rows = [
        (10.0**e, pair, 10 ** (e * power) * (1 + noise * (-1) ** e) * (1 + 0.01 * pair))
        for e in range(3, 3 + sizes)
        for pair in range(4)
    ]
    table = pd.DataFrame(rows, columns=["n", "pair", "distance"]).assign(function="alpine01", dim=dim, model="a")
    return table.assign(truth_one=truth * table["distance"], truth_other=truth * table["distance"], empty=4.0)


class TestConvergence:
    @pytest.mark.parametrize(
        ("power", "noise", "verdict"), [(-0.25, 0.01, HOLDS), (-0.1, 0.01, FAILS), (-0.2, 0.9, UNDECIDED_SLOPE)]
    )
    def test_slope(self, power, noise, verdict):
        found = converged("slope-alpine01-4", distances(power, noise=noise))
        assert found.verdict == verdict and "3 sizes, N = 1e+05 to 1e+07" in found.detail

    def test_slope_of_two_sizes_and_of_unequal_components(self):
        table = distances(-0.25, sizes=2)
        table.loc[0, "distance"] = math.inf
        found = converged("slope-alpine01-4", table)
        assert found.verdict == UNDECIDED_SLOPE
        assert "1 pairs with unequal numbers" in found.detail and "no interval" in found.detail
        assert converged("slope-alpine01-4", distances(-0.25, sizes=1)).verdict == UNMEASURED
        assert converged("slope-alpine01-3", table).verdict == UNMEASURED

    def test_truth(self):
        assert converged("truth-alpine01", distances(-0.25, truth=0.5)).verdict == HOLDS
        found = converged("truth-alpine01", pd.concat([distances(-0.25), distances(-0.25, dim=6, truth=2)]))
        assert found.verdict == FAILS and "D = 6: 0.0180 against 0.0361 (N = 1e+07, 4 pairs)" in found.obtained
        unsure = distances(-0.25, truth=1)
        unsure["truth_one"] *= 1 + 0.2 * (unsure["pair"] - 1.4)
        assert converged("truth-alpine01", unsure).verdict == UNDECIDED
        assert converged("truth-alpine01", unsure.assign(truth_one=np.nan)).verdict == UNMEASURED

    def test_means(self):
        table = distances(0.0, sizes=1)
        table.loc[3, "distance"] = math.inf
        (row,) = means(table).to_dict("records")
        assert row["pairs"] == 3 and row["distance"] == pytest.approx(1.01)
        assert row["distance_error"] == pytest.approx(0.01 / math.sqrt(3)) and row["empty_error"] == 0


@pytest.mark.parametrize("claim", CONVERGENCE_CHECKS)
def test_without_tables_nothing_is_measured(claim):
    assert converged(claim).verdict == UNMEASURED
