"""Deaths of the bars of one function by several path optimisers, against its known saddles."""

import pandas as pd
import torch

from lossbars.experiments.saddles.config import DeathsSettings
from lossbars.experiments.saddles.known_bars import connected, critical, known_bars
from lossbars.functions.benchmarks import Function
from lossbars.landscapes.make import make_landscape
from lossbars.optimise.descent import Diverged
from lossbars.recipes import AnyCurves
from lossbars.workflow.work import Work

ERRORS = (Diverged,)


def step(work: Work[DeathsSettings]) -> None:
    """Write a row per optimiser, size and finite bar.

    Columns: optimiser, size, evaluations (gradients that a curve takes, of strings a mean), minimum (the bar's number),
    birth, truth (the exact death), merged, direct (deaths of the two barcodes); and of the top of the curve that ends
    the merged bar, a path's highest point, else the highest place found: gradient (its norm), curvature (the largest
    absolute eigenvalue of the Hessian), negative (number of negative eigenvalues).
    """
    torch.set_num_threads(work.threads)
    function, _ = make_landscape(work.settings.landscape)
    assert isinstance(function, Function)
    truth = {bar.born_at[0]: bar.death for bar in known_bars(function).bars if bar.dies_at}
    parts = []
    for name, sizes in work.settings.optimisers.items():
        for size, recipe in sizes.items():
            table = _bars(function, recipe, truth, work.experiment, work.model, name, int(size))
            error = (table["merged"] - table["truth"]).abs().max()
            work.report(f"{name}, size {size}: merged deaths are off by {error:.3g} at most")
            parts.append(table.assign(optimiser=name, size=int(size)))
    table = pd.concat(parts, ignore_index=True)
    first = ["optimiser", "size", "evaluations"]
    work.write_table("table", table[[*first, *table.columns.drop(first)]])


def _bars(function: Function, recipe: AnyCurves, truth: dict[int, float], *names: str | int) -> pd.DataFrame:
    """A row per finite bar; ``names`` name the random numbers of the curves."""
    curves = connected(function, recipe, *names)
    direct = {bar.born_at[0]: bar.death for bar in curves.direct.bars}
    merged = [bar for bar in curves.merged.bars if bar.dies_at]
    tops = critical(function, torch.stack([curves.tops[bar.dies_at] for bar in merged if bar.dies_at]))
    minima = [bar.born_at[0] for bar in merged]
    columns = {
        "evaluations": round(curves.gradients),
        "minimum": minima,
        "birth": [bar.birth for bar in merged],
        "truth": [truth[i] for i in minima],
        "merged": [bar.death for bar in merged],
        "direct": [direct[i] for i in minima],
        "gradient": tops.gradient.numpy(),
        "curvature": tops.curvature.numpy(),
        "negative": tops.negative.numpy(),
    }
    return pd.DataFrame(columns).sort_values("minimum", ignore_index=True)
