"""A whole trajectory of gradient descent in each regime."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossbars.experiments.escape.descent import trajectory
from lossbars.experiments.escape.polynomials import with_bar
from lossbars.experiments.escape.steps.setting import make_family
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job

BELOW = 0.9  # of 2/f'': a rate at which the local minimum attracts
ABOVE = 1.01  # times the smallest rate that escapes
LONGEST = 400  # steps of a trajectory
AFTER = 40  # steps that are kept after the escape


def escape_trajectories(job: Job, runs: Path, out: Path) -> None:
    """Write a row per step: regime, bar, rate, step, x, value; and saddle, far, c0 … c6 of the polynomial.

    The middle one of the bars, the first start, and three rates: below 2/f''; halfway from there to the smallest rate
    that escapes; and a little above that. Without one there are the first two, the second at twice the first.
    """
    table = read_table(runs, job.expects["escape_runs"])
    bars = np.sort(table["bar"].unique())
    own = table[(table["bar"] == bars[len(bars) // 2]) & (table["search"] == "smallest")].iloc[0]
    polynomial = with_bar(make_family(job.recipe["family"]), float(own["bar"]))
    limit, least = 2 / polynomial.curvature(0.0), float(own["rate"])
    rates = {"below": BELOW * limit}
    rates["between"] = 2 * BELOW * limit if np.isnan(least) else (limit + least) / 2
    if not np.isnan(least):
        rates["above"] = ABOVE * least
    facts = own[["saddle", "far", *[f"c{power}" for power in range(7)]]].to_dict()
    parts = []
    for regime, rate in rates.items():
        x = trajectory(polynomial, float(own["place"]), rate, min(LONGEST, int(job.recipe["descent"]["steps"])))
        crossed = np.flatnonzero(x > polynomial.saddle)
        x = x[: crossed[0] + AFTER] if len(crossed) else x
        columns = {"regime": regime, "bar": own["bar"], "rate": rate, "step": np.arange(len(x)), "x": x}
        parts.append(pd.DataFrame(columns | {"value": polynomial.polynomial(x)} | facts))
    write_table(out, pd.concat(parts, ignore_index=True), job)


if __name__ == "__main__":
    run(escape_trajectories)
