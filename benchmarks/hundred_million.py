"""The barcode of six-hump camel from 1e8 points: time, peak memory, and its bars beside the true ones.

python benchmarks/hundred_million.py --sampling random --threads 2
python benchmarks/hundred_million.py --sampling grid --threads 2
"""

import argparse
import resource
import time

import numpy as np
import torch

from lossbars.functions import six_hump_camel
from lossbars.sublevel import function_barcode

TRUTH = np.array([(-1.0316284535, np.inf), (-1.0316284535, 0.0)] + [(-0.2154638244, 0.5437186010)] * 2
                 + [(2.1042503103, 2.2293571975)] * 2)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=1e8)
    parser.add_argument("--sampling", choices=["random", "grid"], default="random")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    function_barcode(six_hump_camel, None, 2000, 0, sampling=options.sampling)  # compiles
    wall, own = time.perf_counter(), time.process_time()
    found = function_barcode(six_hump_camel, None, int(options.points), 0, sampling=options.sampling, report=print)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{found.n:,} points, {options.sampling}, k {found.k}: {wall:.1f} s ({own:.1f} s of CPU), peak {peak:.2f} GiB"
    )
    print(f"{len(found.births):,} bars, {found.components} component(s)")
    diagram = found.diagram()
    longest = np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")[:7]
    six = diagram[longest[:6]]
    for name, found_values, true_values in (("births", six[:, 0], TRUTH[:, 0]), ("deaths", six[:, 1], TRUTH[:, 1])):
        finite = np.isfinite(true_values)
        away = np.abs(np.sort(found_values)[: finite.sum()] - np.sort(true_values)[: finite.sum()]).max()
        print(f"largest error of the {name}: {away:.2g}")
    if len(longest) > 6:
        print("longest bar of noise:", np.diff(diagram[longest[6]])[0])


if __name__ == "__main__":
    main()
