"""Bottleneck distances between the barcodes of pairs of clouds of one size, and to the exact barcode."""

import math
import time
from dataclasses import dataclass, replace

import pandas as pd
import torch

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.bottleneck import bottleneck_distance
from lossbars.barcodes.separable import exact_barcode
from lossbars.experiments.convergence.config import PairsSettings
from lossbars.functions.benchmarks import Function
from lossbars.landscape import Landscape
from lossbars.landscapes.make import Box, make_landscape
from lossbars.seeding import seed_of
from lossbars.sublevel.barcodes import function_barcode
from lossbars.sublevel.results import FunctionBarcode
from lossbars.workflow.work import Work

MEASURED = ["distance", "truth_one", "truth_other", "bars_one", "bars_other", "components_one", "components_other"]
COUNTS = MEASURED[3:]
WARM = 1000  # points of a cloud that is not measured


def keep(settings: PairsSettings) -> bool:  # noqa: ARG001
    """Large clouds take long."""
    return True


def step(work: Work[PairsSettings]) -> None:
    """Write a row per pair of clouds of as many points as the name of the part says.

    Columns: function, dim, n, pair, k, cut, distance (L∞, between the two), truth_one, truth_other (of each to the
    exact barcode), empty (of the exact one to a barcode without finite bars), numbers of bars and of components, and
    seconds (of both barcodes). The exact barcode is that of separable functions; elsewhere what needs it is NaN.
    """
    torch.set_num_threads(work.threads)
    settings, size = work.settings, int(work.part)
    landscape, box = make_landscape(settings.landscape)
    pairs = Pairs(landscape, box, size, settings.cloud.neighbours or 2 * landscape.dim, settings.cloud.cut)
    exact = exact_barcode(landscape) if isinstance(landscape, Function) and landscape.separable else None
    replace(pairs, size=min(size, WARM)).barcode(0)  # compiles: no part of the seconds
    checkpoint = work.checkpoint()
    state = checkpoint.load()
    rows: list[list[float]] = state["rows"].tolist() if state else []
    for pair in range(len(rows), settings.pairs):
        seeds = [seed_of(work.experiment, work.model, "pair", size, pair, which) for which in ("one", "other")]
        rows.append(_measure(pairs, seeds, exact))
        work.report(f"pair {pair}: {rows[-1][0]:.4g} apart, {rows[-1][-1]:.3g} s")
        if checkpoint.due():
            checkpoint.save({"rows": torch.tensor(rows, dtype=torch.float64)})
    table = pd.DataFrame(rows, columns=[*MEASURED, "seconds"]).astype(dict.fromkeys(COUNTS, "int64"))
    table.insert(0, "pair", range(len(table)))
    function = landscape.name if isinstance(landscape, Function) else work.model
    empty = math.nan if exact is None else exact.to_score("linf")
    known = {"function": function, "dim": landscape.dim, "n": size, "k": pairs.neighbours, "cut": pairs.cut}
    work.write_table("table", table.assign(**known, empty=empty))


@dataclass(frozen=True)
class Pairs:
    """Clouds of one size, and their graphs."""

    landscape: Landscape
    box: Box
    size: int
    neighbours: int
    cut: float

    def barcode(self, seed: int) -> FunctionBarcode:
        """The barcode of one cloud."""
        return function_barcode(
            self.landscape, self.box, self.size, seed, sampling="random", k=self.neighbours, cut=self.cut
        )


def _measure(pairs: Pairs, seeds: list[int], exact: Barcode | None) -> list[float]:
    """MEASURED of one pair, and seconds."""
    begun = time.perf_counter()
    one, other = (pairs.barcode(seed) for seed in seeds)
    seconds = time.perf_counter() - begun
    truths = [math.nan if exact is None else bottleneck_distance(cloud, exact) for cloud in (one, other)]
    counts = [len(one.births), len(other.births), one.components, other.components]
    return [bottleneck_distance(one, other), *truths, *map(float, counts), seconds]
