"""The barcodes of one landscape from minima and curves that are optimised."""

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from lossbars.barcodes.barcode import Barcode
from lossbars.experiments.functions.config import OptimisedSettings
from lossbars.landscapes.make import make_landscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.multistart import OptimisedBarcode, optimised_barcode
from lossbars.seeding import seed_of
from lossbars.workflow.landscape_step import bar_table
from lossbars.workflow.work import Work

ERRORS = (Diverged,)


def keep(settings: OptimisedSettings) -> bool:  # noqa: ARG001
    """Descents and curves take long."""
    return True


def step(work: Work[OptimisedSettings]) -> None:
    """Write a row per bar of both conventions: source (direct, merged), and the columns of a cloud's table.

    size is −1; n is the number of starts, components 1, low and high the least and the largest value found, threshold
    the recipe's tolerance, though no bar is left out. minimum, and saddle and saddle_other (−1 for half-lines), are the
    minima that a bar is born at and that the curve which ends it joins, by increasing value.
    """
    threadpool_limits(work.threads)
    torch.set_num_threads(work.threads)
    recipe = work.settings.optimised
    landscape, box = make_landscape(work.settings.landscape)
    optimised = optimised_barcode(
        landscape,
        box,
        recipe.starts,
        recipe.minima,
        recipe.curves,
        seed_of(work.experiment, work.model, "optimised"),
        neighbours=recipe.neighbours,
        certify=False,  # deaths of this experiment are what curves reach
        report=work.report,
    )
    tables = [_table(optimised, barcode) for barcode in (optimised.direct, optimised.merged)]
    constants = {"n": recipe.starts, "threshold": recipe.tolerance}
    work.write_table("table", pd.concat(tables, ignore_index=True).assign(**constants))


def _table(optimised: OptimisedBarcode, barcode: Barcode) -> pd.DataFrame:
    """Bars of one convention, their minima numbered by value, their saddles on curves."""
    nowhere = np.full(optimised.minima.shape[1], np.nan)
    numbers = {
        "source": barcode.convention,
        "seed": 0,
        "birth": [bar.birth for bar in barcode.bars],
        "death": [bar.death for bar in barcode.bars],
        "size": -1,
        "minimum": [bar.born_at[0] for bar in barcode.bars],
        "saddle": [bar.dies_at[0] if bar.dies_at else -1 for bar in barcode.bars],
        "saddle_other": [bar.dies_at[1] if bar.dies_at else -1 for bar in barcode.bars],
    }
    minima = optimised.minima[[bar.born_at[0] for bar in barcode.bars]].double().numpy()
    saddles = [nowhere if bar.dies_at is None else optimised.saddle_places[bar.dies_at].numpy() for bar in barcode.bars]
    values = optimised.complex.values.values()
    constants = {"components": 1, "sampling": "optimised", "low": min(values), "high": max(values)}
    return bar_table(numbers, minima, np.stack(saddles)).assign(**constants, dropped=0)
