"""The barcodes of one landscape from minima and curves that are optimised."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from lossbars.barcodes.barcode import Barcode
from lossbars.experiments.functions.config import Optimised
from lossbars.optimise.descent import Diverged
from lossbars.optimise.multistart import OptimisedBarcode, optimised_barcode
from lossbars.seeding import seed_of
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import bar_table, read_landscape, say
from lossbars.workflow.result_store import Finished


def optimised(job: Job, threads: int, checkpoints: Path, out: Path) -> None:
    """Write a row per bar of both conventions: source (direct, merged), and the columns of a cloud's table.

    size is −1; n is the number of starts, components 1, low and high the least and the largest value found, threshold
    the recipe's tolerance, though no bar is left out. minimum, and saddle and saddle_other (−1 for half-lines), are the
    minima that a bar is born at and that the curve which ends it joins, by increasing value.
    """
    kept = Finished(checkpoints, job, "", [], [out])
    if kept.fetch():
        return
    threadpool_limits(threads)
    torch.set_num_threads(threads)
    recipe = Optimised(**job.recipe["optimised"])
    landscape, box = read_landscape(job)
    found = optimised_barcode(
        landscape,
        box,
        recipe.starts,
        recipe.minima,
        recipe.curves,
        seed_of(job.experiment, job.model, "optimised"),
        neighbours=recipe.neighbours,
        report=lambda text: say(job, "", text),
    )
    tables = [_table(found, barcode) for barcode in (found.direct, found.merged)]
    constants = {"n": recipe.starts, "threshold": recipe.tolerance}
    write_table(out, pd.concat(tables, ignore_index=True).assign(**constants), job)
    kept.keep()


def _table(found: OptimisedBarcode, barcode: Barcode) -> pd.DataFrame:
    """Bars of one convention, their minima numbered by value, their saddles on curves."""
    nowhere = np.full(found.minima.shape[1], np.nan)
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
    minima = found.minima[[bar.born_at[0] for bar in barcode.bars]].double().numpy()
    saddles = [nowhere if bar.dies_at is None else found.saddle_places[bar.dies_at].numpy() for bar in barcode.bars]
    values = found.complex.values.values()
    constants = {"components": 1, "sampling": "optimised", "low": min(values), "high": max(values)}
    return bar_table(numbers, minima, np.stack(saddles)).assign(**constants, dropped=0)


if __name__ == "__main__":
    run(optimised, known=(Diverged,))
