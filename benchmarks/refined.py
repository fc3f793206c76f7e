"""Barcodes of a grid carried to critical points, against exact ones: by how much births and deaths are off.

python benchmarks/refined.py                  # a million points each: a minute
python benchmarks/refined.py --points 1e5
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch

from lossbars.barcodes.separable import exact_barcode
from lossbars.functions import (
    Function,
    alpine01,
    himmelblau,
    holder_table,
    mueller_brown,
    rastrigin,
    schwefel26,
    six_hump_camel,
    wavy,
    xin_she_yang04,
)
from lossbars.sublevel import function_barcode

ENDS = {"six_hump_camel": 5, "mueller_brown": 2, "himmelblau": 3}  # of the known saddles, how many end bars


def main() -> None:
    """Print a table: largest differences over all bars that are not marked as noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=1e6)
    n = int(parser.parse_args().points)
    torch.set_num_threads(1)
    function_barcode(six_hump_camel, None, 2000, 0, refine=True)  # compiles
    print(
        "| function | bars | noise | births off | deaths off | births refined | deaths refined | error stated |",
        end="",
    )
    print(" seconds |\n| --- | ---: | ---: | --- | --- | ---: | ---: | --- | ---: |")
    smooth = (six_hump_camel, mueller_brown, himmelblau, wavy, rastrigin(2), schwefel26(2))
    for function in (*smooth, holder_table, alpine01(2), xin_she_yang04(2)):
        show(function, n)


def show(function: Function, n: int) -> None:
    sampled = function_barcode(function, None, n, 0)
    begin = time.perf_counter()
    refined = function_barcode(function, None, n, 0, refine=True)
    seconds = time.perf_counter() - begin
    kept = ~refined.noise
    births, deaths = known(function)
    finite = kept & np.isfinite(refined.deaths)
    ends = [refined.minimum_ends.method[kept], refined.saddle_ends.method[finite]]
    shares = [f"{(some == 'newton').sum()} + {(some == 'zoom').sum()} of {len(some)}" for some in ends]
    error = max(refined.birth_errors[kept].max(), refined.death_errors[kept].max(initial=0.0))
    plain = ~sampled.noise
    before = [off(sampled.births[plain], births), off(sampled.deaths[plain & np.isfinite(sampled.deaths)], deaths)]
    after = [off(refined.births[kept], births), off(refined.deaths[finite], deaths)]
    pairs = [f"{one} → {other}" for one, other in zip(before, after, strict=True)]
    print(
        f"| {function.name} | {kept.sum()} | {(~kept).sum()} | {' | '.join(pairs)} | {' | '.join(shares)} |"
        f" {error:.1e} | {seconds:.1f} |",
        flush=True,
    )


def known(function: Function) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Births and finite deaths; None where they are not known."""
    if function.separable:
        exact = exact_barcode(function)
        return exact.births, exact.deaths[np.isfinite(exact.deaths)]
    if function.name in ENDS:
        deaths = sorted(value for _, value in function.saddles)[: ENDS[function.name]]
        return np.array([value for _, value in function.minima]), np.array(deaths)
    return None, np.zeros(1) if function.name == "holder_table" else None


def off(values: np.ndarray, truth: Sequence[float] | np.ndarray | None) -> str:
    """The largest distance of a value to the nearest true one; in order, where there are as many."""
    if truth is None or not len(values):
        return "–"
    if len(values) == len(truth):
        return f"{np.abs(np.sort(values) - np.sort(truth)).max():.1e}"
    return f"{np.abs(values[:, None] - np.asarray(truth)).min(1).max():.1e}"


if __name__ == "__main__":
    main()
