"""Trajectories of gradient descent, step by step, one in each regime."""

import numpy as np
import pandas as pd

from lossbars.experiments.escape.config import TrajectorySettings
from lossbars.experiments.escape.descent import trajectory
from lossbars.experiments.escape.polynomials import COEFFICIENTS, family_of, with_bar
from lossbars.workflow.work import Work

BELOW = 0.9  # of 2/f'': a rate at which the local minimum attracts
ABOVE = 1.01  # times the smallest rate that escapes
LONGEST = 400  # steps of a trajectory
AFTER = 40  # steps that are kept after the escape


def step(work: Work[TrajectorySettings]) -> None:
    """Write a row per step: regime, bar, rate, step, x, value; and saddle, far, c0 … c6 of the polynomial.

    The middle one of the bars, the first start, and three rates: below 2/f''; halfway from there to the smallest rate
    that escapes; and a little above that. Without one there are the first two, the second at twice the first.
    """
    table = work.table("runs")
    bars = np.sort(table["bar"].unique())
    run = table[(table["bar"] == bars[len(bars) // 2]) & (table["search"] == "smallest")].iloc[0]
    well = with_bar(family_of(work.settings.family), float(run["bar"]))
    limit, least = 2 / well.curvature(0.0), float(run["rate"])
    rates = {"below": BELOW * limit}
    rates["between"] = 2 * BELOW * limit if np.isnan(least) else (limit + least) / 2
    if not np.isnan(least):
        rates["above"] = ABOVE * least
    facts = run[["saddle", "far", *COEFFICIENTS]].to_dict()
    parts = []
    for regime, rate in rates.items():
        x = trajectory(well, float(run["place"]), rate, min(LONGEST, work.settings.descent.steps))
        crossed = np.flatnonzero(x > well.saddle)
        x = x[: crossed[0] + AFTER] if len(crossed) else x
        columns = {"regime": regime, "bar": run["bar"], "rate": rate, "step": np.arange(len(x)), "x": x}
        parts.append(pd.DataFrame(columns | {"value": well.polynomial(x)} | facts))
    work.write_table("table", pd.concat(parts, ignore_index=True))
