"""Deaths of the bars of one function by several path optimisers, against its known saddles."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pydantic import TypeAdapter

from lossbars.experiments.saddles.known_bars import connected, critical, known_bars
from lossbars.functions.benchmarks import Function
from lossbars.optimise.descent import Diverged
from lossbars.recipes import AnyCurves
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import read_landscape, say


def saddle_deaths(job: Job, threads: int, out: Path) -> None:
    """Write a row per optimiser, size and finite bar.

    Columns: optimiser, size, evaluations (gradients that a curve takes, of strings a mean), minimum (the bar's number),
    birth, truth (the exact death), merged, direct (deaths of the two barcodes); and of the top of the curve that ends
    the merged bar, a path's highest point, else the highest place found: gradient (its norm), curvature (the largest
    absolute eigenvalue of the Hessian), negative (number of negative eigenvalues).
    """
    torch.set_num_threads(threads)
    function, _ = read_landscape(job)
    assert isinstance(function, Function)
    truth = {bar.born_at[0]: bar.death for bar in known_bars(function).bars if bar.dies_at}
    parts = []
    for name, sizes in job.recipe["optimisers"].items():
        for size, own in sizes.items():
            recipe: Any = TypeAdapter(AnyCurves).validate_python(own)
            table = _bars(function, recipe, truth, job.experiment, job.model, name, int(size))
            error = (table["merged"] - table["truth"]).abs().max()
            say(job, "", f"{name}, size {size}: merged deaths are off by {error:.3g} at most")
            parts.append(table.assign(optimiser=name, size=int(size)))
    table = pd.concat(parts, ignore_index=True)
    first = ["optimiser", "size", "evaluations"]
    write_table(out, table[[*first, *table.columns.drop(first)]], job)


def _bars(function: Function, recipe: AnyCurves, truth: dict[int, float], *names: str | int) -> pd.DataFrame:
    found = connected(function, recipe, *names)
    direct = {bar.born_at[0]: bar.death for bar in found.direct.bars}
    merged = [bar for bar in found.merged.bars if bar.dies_at]
    tops = critical(function, torch.stack([found.tops[bar.dies_at] for bar in merged if bar.dies_at]))
    minima = [bar.born_at[0] for bar in merged]
    columns = {
        "evaluations": round(found.gradients),
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


if __name__ == "__main__":
    run(saddle_deaths, known=(Diverged,))
