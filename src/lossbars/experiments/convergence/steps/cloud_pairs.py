"""Bottleneck distances between the barcodes of pairs of clouds of one size, and to the exact barcode."""

import math
import time
from pathlib import Path

import pandas as pd
import torch

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.bottleneck import bottleneck_distance
from lossbars.barcodes.separable import exact_barcode
from lossbars.experiments.convergence.config import PairedCloud
from lossbars.functions.benchmarks import Function
from lossbars.landscape import Landscape
from lossbars.landscapes.make import Box
from lossbars.seeding import seed_of
from lossbars.sublevel.barcodes import FunctionBarcode, function_barcode
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import read_landscape, say
from lossbars.workflow.result_store import Finished

MEASURED = ["distance", "truth_one", "truth_other", "bars_one", "bars_other", "components_one", "components_other"]
COUNTS = MEASURED[3:]
WARM = 1000  # points of a cloud that is not measured


def cloud_pairs(
    job: Job, size: int, threads: int, checkpoints: Path, out: Path, checkpoint_seconds: float = 30.0
) -> None:
    """Write a row per pair of clouds of ``size`` points.

    Columns: function, dim, n, pair, k, cut, distance (L∞, between the two), truth_one, truth_other (of each to the
    exact barcode), empty (of the exact one to a barcode without finite bars), numbers of bars and of components, and
    seconds (of both barcodes). The exact barcode is that of separable functions; elsewhere what needs it is NaN.
    """
    part = str(size)
    kept = Finished(checkpoints, job, part, [], [out])
    if kept.fetch():
        return
    torch.set_num_threads(threads)
    recipe = PairedCloud(**job.recipe["cloud"])
    landscape, box = read_landscape(job)
    k = recipe.neighbours or 2 * landscape.dim
    exact = exact_barcode(landscape) if isinstance(landscape, Function) and landscape.separable else None
    _barcode(landscape, box, min(size, WARM), 0, k, recipe.cut)  # compiles: no part of the seconds
    checkpoint = CheckpointFile(checkpoints, job, part, (), checkpoint_seconds)
    state = checkpoint.load()
    rows: list[list[float]] = state["rows"].tolist() if state else []
    for pair in range(len(rows), job.recipe["pairs"]):
        seeds = [seed_of(job.experiment, job.model, "pair", size, pair, which) for which in ("one", "other")]
        rows.append(_measure(landscape, box, size, seeds, k, recipe.cut, exact))
        say(job, part, f"pair {pair}: {rows[-1][0]:.4g} apart, {rows[-1][-1]:.3g} s")
        if checkpoint.due():
            checkpoint.save({"rows": torch.tensor(rows, dtype=torch.float64)})
    table = pd.DataFrame(rows, columns=[*MEASURED, "seconds"]).astype(dict.fromkeys(COUNTS, "int64"))
    table.insert(0, "pair", range(len(table)))
    function = landscape.name if isinstance(landscape, Function) else job.model
    empty = math.nan if exact is None else exact.to_score("linf")
    known = {"function": function, "dim": landscape.dim, "n": size, "k": k, "cut": recipe.cut}
    write_table(out, table.assign(**known, empty=empty), job)
    kept.keep()
    checkpoint.remove()


def _measure(
    landscape: Landscape,
    box: Box,
    size: int,
    seeds: list[int],
    k: int,
    cut: float,
    exact: Barcode | None,
) -> list[float]:
    """MEASURED of one pair, and seconds."""
    begun = time.perf_counter()
    one, other = (_barcode(landscape, box, size, seed, k, cut) for seed in seeds)
    seconds = time.perf_counter() - begun
    truths = [math.nan if exact is None else bottleneck_distance(own, exact) for own in (one, other)]
    counts = [len(one.births), len(other.births), one.components, other.components]
    return [bottleneck_distance(one, other), *truths, *map(float, counts), seconds]


def _barcode(landscape: Landscape, box: Box, size: int, seed: int, k: int, cut: float) -> FunctionBarcode:
    return function_barcode(landscape, box, size, seed, sampling="random", k=k, cut=cut)


if __name__ == "__main__":
    run(cloud_pairs)
