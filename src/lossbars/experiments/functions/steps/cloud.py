"""The barcode of one cloud of points."""

import numpy as np
import pandas as pd
import torch

from lossbars.experiments.functions.config import CloudSettings
from lossbars.landscapes.make import make_landscape
from lossbars.seeding import seed_of
from lossbars.sublevel.barcodes import function_barcode
from lossbars.sublevel.results import FunctionBarcode
from lossbars.workflow.landscape_step import bar_table
from lossbars.workflow.work import Work


def keep(settings: CloudSettings) -> bool:  # noqa: ARG001
    """Large clouds take long."""
    return True


def step(work: Work[CloudSettings]) -> None:
    """Write a row per bar of a cloud, whose seed is the name of the part; shorter bars than the noise are left out.

    Columns: seed, birth, death (inf for half-lines), size, minimum and saddle (numbers of points, −1 for none), their
    places x0, …, s0, … (NaN for none); and, the same in every row, n, components, sampling, low, high (values of all
    points), threshold (shorter bars are left out) and dropped (how many these are).
    """
    torch.set_num_threads(work.threads)  # the library's own threads follow
    recipe, seed = work.settings.cloud, int(work.part)
    landscape, box = make_landscape(work.settings.landscape)
    barcode = function_barcode(
        landscape,
        box,
        recipe.points,
        seed_of(work.experiment, work.model, "cloud", seed),
        sampling=recipe.sampling,
        k=recipe.neighbours,
        cut=recipe.cut,
        odd_sides=False,  # as the published tables
        report=work.report,
    )
    work.write_table("table", cloud_table(barcode, seed, recipe.noise))
    counts = f"{len(barcode.births)} bars of {barcode.n} points, {barcode.components} components"
    work.report(f"{counts}, {barcode.search}")


def cloud_table(barcode: FunctionBarcode, seed: int, noise: float) -> pd.DataFrame:
    """The table; ``noise`` is a share of the longest finite bar."""
    lengths = barcode.deaths - barcode.births
    threshold = noise * float(lengths[np.isfinite(lengths)].max(initial=0.0))
    long = lengths >= threshold
    low, high = barcode.value_range
    numbers = {
        "seed": seed,
        "birth": barcode.births[long],
        "death": barcode.deaths[long],
        "size": barcode.sizes[long],
        "minimum": barcode.minima[long],
        "saddle": barcode.saddles[long],
    }
    table = bar_table(numbers, barcode.minimum_places[long], barcode.saddle_places[long])
    constants = {"n": barcode.n, "components": barcode.components, "sampling": barcode.sampling}
    return table.assign(**constants, low=low, high=high, threshold=threshold, dropped=int((~long).sum()))
