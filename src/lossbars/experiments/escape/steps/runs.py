"""Gradient descent on the polynomials of one family, at many learning rates and from many starts."""

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lossbars.experiments.escape.config import BarLengths, RunSettings
from lossbars.experiments.escape.descent import OUTCOMES, Setting, descend, random_starts, smallest_rates, threshold
from lossbars.experiments.escape.polynomials import COEFFICIENTS, Well, family_of, with_bar
from lossbars.seeding import generator
from lossbars.workflow.work import Work


def step(work: Work[RunSettings]) -> None:
    """Write a row per run, and one per bar and start with the smallest rate that escapes.

    Columns: search (``grid`` or ``smallest``), bar (its length), start (number), place (of the start), rate (NaN in a
    row ``smallest`` where no rate of the grid escapes), multiple (the rate in units of 2/f''), outcome (of
    :mod:`lossbars.experiments.escape.descent`; empty where there is no rate), steps (of the escape; 0: none), relapses
    (of the rows ``smallest``: larger rates of the grid that do not escape; −1 elsewhere); of each bar threshold,
    saddle, far (place of the global minimum), far_multiple (the threshold in units of 2/f'' there) and the
    coefficients c0 … c6.
    """
    torch.set_num_threads(work.threads)
    settings = work.settings
    descent, grid = settings.descent, settings.rates
    wells = [with_bar(family_of(settings.family), length) for length in _spaced(settings.bars)]
    budget = Setting(descent.steps, descent.tolerance)
    starts = random_starts(descent.starts, descent.radius, generator(work.experiment, work.model, "escape"))
    rates = _limits(wells)[:, None] * torch.linspace(grid.lowest, grid.highest, grid.number, dtype=torch.float64)
    runs, escaped = _measured("grid", wells, starts, rates[..., None].expand(-1, -1, len(starts)), budget)
    work.report(f"{len(runs)} runs of gradient descent, {int(escaped.sum())} escape")
    least = smallest_rates(wells, starts, rates, escaped, budget, grid.precision)
    smallest, _ = _measured("smallest", wells, starts, least.rate[:, None], budget)
    smallest["relapses"] = least.relapses.flatten().numpy()
    smallest.loc[smallest["rate"].isna(), "outcome"] = ""
    work.write_table("table", pd.concat([runs, smallest], ignore_index=True).merge(_of_wells(wells), on="bar"))
    reached = smallest["rate"].notna().sum()
    work.report(f"smallest escaping rates of {reached} of {len(smallest)} bars and starts")


def _spaced(bars: BarLengths) -> list[float]:
    return torch.linspace(bars.shortest, bars.longest, bars.number, dtype=torch.float64).tolist()


def _limits(wells: list[Well]) -> Float[Tensor, " b"]:
    """2/f'' at the local minimum of each."""
    return torch.tensor([2 / well.curvature(0.0) for well in wells], dtype=torch.float64)


def _measured(
    search: str, wells: list[Well], starts: Float[Tensor, " s"], rates: Float[Tensor, "b r s"], setting: Setting
) -> tuple[pd.DataFrame, Bool[Tensor, "b r s"]]:
    """A row per run, of every well, rate and start; and which escaped."""
    which, _, start = (part.flatten() for part in torch.meshgrid(*map(torch.arange, rates.shape), indexing="ij"))
    place = torch.tensor([well.saddle for well in wells], dtype=torch.float64)[which] * starts[start]
    rate = rates.flatten()
    runs = descend(wells, which, place, rate, setting)
    columns = {
        "search": search,
        "bar": torch.tensor([well.length for well in wells], dtype=torch.float64)[which].numpy(),
        "start": start.numpy(),
        "place": place.numpy(),
        "rate": rate.numpy(),
        "multiple": (rate / _limits(wells)[which]).numpy(),
        "outcome": [OUTCOMES[number] for number in runs.outcome.tolist()],
        "steps": runs.steps.numpy(),
        "relapses": -1,
    }
    return pd.DataFrame(columns), runs.escaped.view(rates.shape)


def _of_wells(wells: list[Well]) -> pd.DataFrame:
    rows = []
    for well in wells:
        limit = threshold(well)
        row = {"bar": well.length, "threshold": limit, "saddle": well.saddle, "far": well.far}
        row["far_multiple"] = limit * well.curvature(well.far) / 2
        rows.append(row | dict(zip(COEFFICIENTS, well.coefficients.tolist(), strict=True)))
    return pd.DataFrame(rows)
