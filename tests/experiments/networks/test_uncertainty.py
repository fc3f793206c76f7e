"""Standard errors over the sample of minima, from the barcodes of its subsets."""

import itertools
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

from lossbars.barcodes.complex import FilteredComplex
from lossbars.barcodes.subsets import robustness
from lossbars.experiments.networks.uncertainty import uncertainty
from lossbars.plots.bars import to_score


def mean_birth(bars: pd.DataFrame) -> float:
    """A statistic of the minima alone: their mean."""
    return float(bars["birth"].mean())


def subsets(
    losses: np.ndarray, sizes: list[int], slope: float = 1.0, missing: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Barcodes of subsets of minima with these losses; the curve of i and j reaches 2 + slope (i + j)."""
    n = len(losses)
    edges = {pair: 2 + slope * sum(pair) for pair in itertools.combinations(range(n), 2) if pair != missing}
    complex_ = FilteredComplex.of({(i,): float(loss) for i, loss in enumerate(losses)} | edges)
    return robustness(complex_, sizes, 10_000, np.random.default_rng(0)).assign(model="m")


@pytest.mark.parametrize(("n", "size"), [(3, 2), (5, 2), (5, 4), (8, 4), (9, 4)])
def test_of_a_mean_it_is_the_standard_error_of_the_mean(n: int, size: int) -> None:
    """What every jackknife must give: s/√n, whatever the number of minima that are left out."""
    losses = np.random.default_rng(n).random(n)
    error, kind = uncertainty(subsets(losses, [size]), "m", mean_birth)
    assert error == pytest.approx(losses.std(ddof=1) / math.sqrt(n))
    assert kind == f"jackknife standard error over minima ({math.comb(n, size)} subsets of {size} of {n})"


def test_half_of_the_minima_whatever_else_there_is() -> None:
    losses = np.random.default_rng(1).random(6)
    several, halves = subsets(losses, [2, 3, 4, 5, 6]), subsets(losses, [3])
    assert uncertainty(several, "m", to_score) == uncertainty(halves, "m", to_score)
    assert uncertainty(halves, "m", to_score, "merged") != uncertainty(halves, "m", to_score)
    linf = uncertainty(halves, "m", partial(to_score, metric="linf"))
    assert linf.error == pytest.approx(uncertainty(halves, "m", to_score).error / math.sqrt(2))


def test_what_is_not_known_is_said() -> None:
    losses = np.arange(4.0)
    unknown = {
        "no subsets of minima were asked for": (subsets(losses, [2]), "other"),
        "there is one subset of minima": (subsets(losses, [4]), "m"),
        "in some of 6 subsets no curves join all minima": (subsets(losses, [2], missing=(0, 3)), "m"),
    }
    for why, (table, model) in unknown.items():
        found = uncertainty(table, model, to_score)
        assert found == (0.0, f"unknown, {why}") and found.text == ""
    assert uncertainty(subsets(losses, [2]), "m", to_score).text.startswith(" ± ")


def test_it_is_as_large_as_scores_of_new_samples_vary() -> None:
    """Minima drawn anew, curves of one height: on average the error is the standard deviation of the score."""
    random, n = np.random.default_rng(2), 10
    samples = [random.random(n) for _ in range(60)]
    tables = [subsets(losses, [5, 10], slope=0.0) for losses in samples]
    wholes = [to_score(table[(table["size"] == n) & (table["convention"] == "direct")]) for table in tables]
    errors = [uncertainty(table, "m", to_score).error for table in tables]
    assert np.mean(errors) == pytest.approx(np.std(wholes, ddof=1), rel=0.35)
