"""How near a sample's barcode comes to the exact one: a grid against uniform points, and how many neighbours they need.

python benchmarks/sampling.py                  # a million points each: a minute
python benchmarks/sampling.py --points 1e5
"""

import argparse
import functools
import statistics
import time

import numpy as np
import torch

from lossbars.barcodes.bottleneck import bottleneck_distance, diagram_distance
from lossbars.barcodes.separable import exact_barcode
from lossbars.functions import alpine01, schwefel26, six_hump_camel
from lossbars.sublevel import function_barcode

CAMEL = (
    [(-1.0316284535, float("inf")), (-1.0316284535, 0.0)]
    + [(-0.2154638244, 0.5437186010)] * 2
    + [(2.1042503103, 2.2293571975)] * 2
)


def main() -> None:
    """Print a table: L∞ bottleneck distance to the exact barcode, median of the seeds (a grid has none)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=1e6)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    n, seeds = int(asked.points), range(asked.seeds)
    torch.set_num_threads(1)
    print("| function | D | sample | neighbours | components | distance to the exact barcode | seconds |")
    print("| --- | ---: | --- | ---: | --- | ---: | ---: |")
    for function in (alpine01(2), alpine01(3), schwefel26(2), schwefel26(3)):
        exact = exact_barcode(function)
        away = functools.partial(bottleneck_distance, exact)
        show(function, n, away, (None, 2 * function.dim, 12), seeds)
    show(six_hump_camel, n, lambda found: diagram_distance(found.diagram(), np.array(CAMEL)), (None, 4, 8, 12), seeds)


def show(function, n, distance, several, seeds) -> None:
    for k in several:
        function_barcode(function, None, 2000, 0, k=k)  # compiles
        rows = []
        for seed in seeds if k else [0]:
            begin = time.perf_counter()
            found = function_barcode(function, None, n, seed, k=k, cut=2.0 if k == 2 * function.dim else None)
            seconds = time.perf_counter() - begin
            rows.append((found.components, distance(found), seconds))
        components, distances, seconds = zip(*rows, strict=True)
        span = "1" if set(components) == {1} else f"{min(components)} to {max(components)}"
        sample = "random" if k else "grid"
        around = k or 3**function.dim - 1
        middle = statistics.median(distances)
        print(
            f"| {function.name} | {function.dim} | {sample} | {around} | {span} | {middle:.3g} |"
            f" {statistics.median(seconds):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
