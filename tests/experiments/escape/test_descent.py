"""Gradient descent on polynomials: outcomes that are known beforehand, and thresholds in closed form."""

import numpy as np
import pytest
import torch
from numpy.polynomial import Polynomial
from torch import Tensor

from lossbars.experiments.escape.descent import (
    OUTCOMES,
    Setting,
    descend,
    random_starts,
    smallest_rates,
    threshold,
    trajectory,
)
from lossbars.experiments.escape.polynomials import Well, one_point, two_point, with_bar

QUADRATIC = Well(Polynomial([0.0, 0.0, 1.5]), 100.0, 200.0)  # f'' = 3, and no saddle in reach
CUBIC = Well(Polynomial([0.0, 0.0, 0.5, -1 / 3]), 1.0, 1e6)  # f' = x (1 − x): the logistic map with 1 + η
DEEP = with_bar(two_point(1.0, 4.0, 0.75, 0.3), 0.1)
STEEP = with_bar(one_point(np.array([1.0, -3.9, 9.4, -13.4])), 0.2)


def outcomes(well: Well, starts: list[float], rates: list[float], steps: int = 4000) -> list[str]:
    """Each start (a share of the saddle's distance) at each rate."""
    start = well.saddle * torch.tensor(starts, dtype=torch.float64).repeat(len(rates))
    rate = torch.tensor(rates, dtype=torch.float64).repeat_interleave(len(starts))
    runs = descend([well], torch.zeros(len(start), dtype=torch.int64), start, rate, Setting(steps, 1e-8))
    return [OUTCOMES[own] for own in runs.outcome.tolist()]


def test_on_a_quadratic_it_converges_below_two_over_the_curvature_alone() -> None:
    limit = 2 / 3
    assert outcomes(QUADRATIC, [-0.01, 0.01], [0.1 * limit, 0.99 * limit]) == ["converges"] * 4
    assert outcomes(QUADRATIC, [0.01], [limit, 1.0001 * limit], steps=20) == ["oscillates"] * 2


@pytest.mark.parametrize("well", [DEEP, STEEP])
def test_near_the_minimum_it_converges_below_two_over_the_curvature(well: Well) -> None:
    assert set(outcomes(well, [-0.1, -0.03, 0.01, 0.1], [0.1, 1.0, 1.9, 1.98])) == {"converges"}


@pytest.mark.parametrize("well", [DEEP, STEEP])
def test_it_oscillates_from_there_to_the_threshold_and_escapes_above(well: Well) -> None:
    limit = threshold(well)
    starts = [-0.1, -0.03, 0.01, 0.1]
    assert set(outcomes(well, starts, [2.02, (2 + limit) / 2, limit * (1 - 1e-6)])) == {"oscillates"}
    assert not {"oscillates", "converges"} & set(outcomes(well, starts, [limit * 1.001, limit * 1.01]))


def test_all_outcomes_over_the_saddle() -> None:
    assert outcomes(DEEP, [0.1], [1.01 * threshold(DEEP)]) == ["escapes"]
    assert outcomes(DEEP, [1.1], [1.0]) == ["escapes"]  # from beyond the saddle
    assert outcomes(STEEP, [0.1], [1.05 * threshold(STEEP)]) == ["diverges"]
    flat = DEEP.curvature(DEEP.far)
    assert set(outcomes(DEEP, [1.3, 1.6], [2.05 / flat], steps=200)) <= {"wanders", "diverges"}
    back = Well(Polynomial([0.0, 0.0, 0.5]), 1.0, 5.0)  # beyond a saddle that holds nothing back
    assert outcomes(back, [-3.0], [1.5], steps=100) == ["returns"]


def test_the_moment_of_escape_is_the_first_step_beyond_the_saddle() -> None:
    rate = 1.02 * threshold(DEEP)
    start = torch.tensor([0.05 * DEEP.saddle], dtype=torch.float64)
    run = descend([DEEP], torch.tensor([0]), start, torch.tensor([rate], dtype=torch.float64), Setting(3000, 1e-8))
    x = trajectory(DEEP, float(start), rate, 3000)
    assert run.steps.tolist() == [int(np.flatnonzero(x > DEEP.saddle)[0])] and run.escaped.tolist() == [True]


def test_runs_do_not_depend_on_those_beside_them() -> None:
    wells, generator = [DEEP, STEEP], torch.Generator().manual_seed(1)
    which = torch.tensor([0, 1]).repeat(50)
    start = 0.1 * random_starts(100, 1.0, generator)
    rate = torch.linspace(1.0, 4.5, 100, dtype=torch.float64)
    whole = descend(wells, which, start, rate, Setting(500, 1e-8))
    for i in range(0, 100, 7):
        alone = descend(wells, which[i : i + 1], start[i : i + 1], rate[i : i + 1], Setting(500, 1e-8))
        assert (alone.outcome.item(), alone.steps.item()) == (whole.outcome[i].item(), whole.steps[i].item())


def test_the_threshold_of_the_logistic_map_is_three() -> None:
    assert threshold(CUBIC) == pytest.approx(3.0, abs=1e-12)


def test_the_threshold_scales_as_rates_do() -> None:
    tall = Well(7 * DEEP.polynomial, DEEP.saddle, DEEP.far)
    wide = Well(4 * DEEP.polynomial(Polynomial([0.0, 0.5])), 2 * DEEP.saddle, 2 * DEEP.far)
    assert threshold(tall) == pytest.approx(threshold(DEEP) / 7, rel=1e-10)
    assert threshold(wide) == pytest.approx(threshold(DEEP), rel=1e-10)
    assert np.isnan(threshold(QUADRATIC))


def grid(wells: list[Well], starts: Tensor, rates: Tensor, setting: Setting) -> Tensor:
    which, row, start = (part.flatten() for part in torch.meshgrid(
        torch.arange(len(wells)), torch.arange(rates.shape[1]), torch.arange(len(starts)), indexing="ij"))  # fmt: skip
    saddles = torch.tensor([own.saddle for own in wells], dtype=torch.float64)
    runs = descend(wells, which, saddles[which] * starts[start], rates[which, row], setting)
    return runs.escaped.view(len(wells), rates.shape[1], len(starts))


def test_smallest_rates_are_the_threshold() -> None:
    wells, setting = [DEEP, STEEP], Setting(1000, 1e-8)
    starts = random_starts(3, 0.1, torch.Generator().manual_seed(0))
    rates = torch.linspace(1.5, 4.5, 31, dtype=torch.float64).repeat(2, 1)
    escaped = grid(wells, starts, rates, setting)
    found = smallest_rates(wells, starts, rates, escaped, setting, 1e-5)
    wanted = torch.tensor([[threshold(own)] for own in wells], dtype=torch.float64).expand(2, 3)
    assert bool(((found.rate / wanted - 1) > -1e-12).all()) and bool(((found.rate / wanted - 1) < 1e-4).all())
    assert found.relapses.tolist() == [[0] * 3] * 2


def test_a_hand_made_grid_is_read_as_it_is() -> None:
    starts = torch.tensor([0.05, -0.05], dtype=torch.float64)
    rates = torch.tensor([[1.0, 3.6, 3.7, 3.8]], dtype=torch.float64)
    escaped = torch.tensor([[[False, False], [True, False], [False, False], [True, False]]])
    found = smallest_rates([DEEP], starts, rates, escaped, Setting(1000, 1e-8), 1e-3)
    assert found.relapses.tolist() == [[1, 0]]
    assert found.rate[0, 0] == pytest.approx(threshold(DEEP), rel=2e-3) and bool(found.rate[0, 1].isnan())
    with pytest.raises(ValueError, match=r"rates.lowest: gradient descent escapes there already"):
        smallest_rates([DEEP], starts, rates, torch.ones_like(escaped), Setting(10, 1e-8), 1e-3)


def test_starts_fill_the_radius() -> None:
    starts = random_starts(1000, 0.25, torch.Generator().manual_seed(0))
    assert -0.25 <= float(starts.min()) < -0.24 and 0.24 < float(starts.max()) <= 0.25
