"""Bottleneck distance of two diagrams like those of noisy clouds: lossbars against gudhi, in the same run.

    OMP_NUM_THREADS=1 python benchmarks/bottleneck_distance.py

A diagram of n bars has n/30 real ones, lengths exponential with mean 1, births uniform in [0, 4], both ends with noise
of .05; all others are noise, births uniform in [0, 8], lengths exponential with mean .05. The two of a pair share the
real bars and no noise. What is timed takes arrays and returns a number; compiling and importing are left out. Printed:
a table in Markdown, medians and least to most in milliseconds.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import gudhi
import numpy as np

from lossbars.barcodes.bottleneck import diagram_distance

REAL, NOISE = 30, 0.05
ONCE = 100_000
"""From this many bars gudhi, which takes half a minute, is timed once."""


def diagrams(n: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(n)
    real = n // REAL
    births, lengths = generator.uniform(0, 4, real), generator.exponential(1.0, real)
    return tuple(_noisy(births, lengths, n - real, generator) for _ in range(2))  # type: ignore[return-value]


def _noisy(births: np.ndarray, lengths: np.ndarray, noise: int, generator: np.random.Generator) -> np.ndarray:
    real = np.column_stack([births, births + lengths]) + np.abs(generator.normal(0, NOISE, (len(births), 2)))
    real[:, 1] = np.maximum(real[:, 1], real[:, 0])
    born = generator.uniform(0, 8, noise)
    return np.concatenate([real, np.column_stack([born, born + generator.exponential(NOISE, noise)])])


Distance = Callable[[np.ndarray, np.ndarray], float]


def row(name: str, distance: Distance, one: np.ndarray, other: np.ndarray, rounds: int) -> str:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = distance(one, other)
        times.append(1000 * (time.perf_counter() - start))
    spread = f"{min(times):.1f} to {max(times):.1f}" if rounds > 1 else "once"
    return f"| {len(one)} | {name} | {statistics.median(times):.1f} | {spread} | {found:.12g} |"


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{cpu()}, numpy {np.__version__}, gudhi {gudhi.__version__}, {date.today()}\n")
    print("| bars | program | median, ms | least to most | distance |\n| ---: | --- | ---: | --- | ---: |")
    for n in options.sizes:
        one, other = diagrams(n)
        print(row("lossbars, L∞", diagram_distance, one, other, options.rounds))
        print(row("lossbars, L2", lambda a, b: diagram_distance(a, b, "l2"), one, other, options.rounds))
        rounds = 1 if n >= ONCE else options.rounds
        print(row("gudhi, L∞", gudhi.bottleneck_distance, one, other, rounds), flush=True)


if __name__ == "__main__":
    main()
