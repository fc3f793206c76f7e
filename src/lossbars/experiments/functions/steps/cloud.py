"""The barcode of one cloud of points."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lossbars.experiments.functions.config import Cloud
from lossbars.seeding import seed_of
from lossbars.sublevel.barcodes import FunctionBarcode, function_barcode
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import bar_table, read_landscape, say
from lossbars.workflow.result_store import Finished


def cloud(job: Job, seed: int, threads: int, checkpoints: Path, out: Path) -> None:
    """Write a row per bar of the cloud ``seed`` that is longer than the recipe's share of the longest.

    Columns: seed, birth, death (inf for half-lines), size, minimum and saddle (numbers of points, −1 for none), their
    places x0, …, s0, … (NaN for none); and, the same in every row, n, components, sampling, low, high (values of all
    points), threshold (shorter bars are left out) and dropped (how many these are).
    """
    kept = Finished(checkpoints, job, str(seed), [], [out])
    if kept.fetch():
        return
    torch.set_num_threads(threads)  # the library's own threads follow
    recipe = Cloud(**job.recipe["cloud"])
    landscape, box = read_landscape(job)
    found = function_barcode(
        landscape,
        box,
        recipe.points,
        seed_of(job.experiment, job.model, "cloud", seed),
        sampling=recipe.sampling,
        k=recipe.neighbours,
        cut=recipe.cut,
        report=lambda text: say(job, str(seed), text),
    )
    table = cloud_table(found, seed, recipe.noise)
    write_table(out, table, job)
    kept.keep()
    say(job, str(seed), f"{len(found.births)} bars of {found.n} points, {found.components} components, {found.search}")


def cloud_table(found: FunctionBarcode, seed: int, noise: float) -> pd.DataFrame:
    """The table; ``noise`` is a share of the longest finite bar."""
    lengths = found.deaths - found.births
    threshold = noise * float(lengths[np.isfinite(lengths)].max(initial=0.0))
    keep = lengths >= threshold
    low, high = found.value_range
    numbers = {
        "seed": seed,
        "birth": found.births[keep],
        "death": found.deaths[keep],
        "size": found.sizes[keep],
        "minimum": found.minima[keep],
        "saddle": found.saddles[keep],
    }
    table = bar_table(numbers, found.minimum_places[keep], found.saddle_places[keep])
    constants = {"n": found.n, "components": found.components, "sampling": found.sampling, "low": low, "high": high}
    return table.assign(**constants, threshold=threshold, dropped=int((~keep).sum()))


if __name__ == "__main__":
    run(cloud)
