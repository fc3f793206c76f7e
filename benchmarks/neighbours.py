"""Which neighbour search for which dimension, and how many points a cell: microseconds a point, one thread.

OMP_NUM_THREADS=1 python benchmarks/neighbours.py --points 3e4
"""

import argparse
import time

import numpy as np

from lossbars.sublevel import cell_grid
from lossbars.sublevel.neighbours import nearest_neighbours

ROUNDS = 3
SEARCHES = ("cells", "kd-tree", "approximate")


def seconds(points: np.ndarray, k: int, search: str) -> tuple[float, np.ndarray]:
    """Least of the rounds, after one that compiles."""
    nearest_neighbours(points[:2000], k, search=search)
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = nearest_neighbours(points, k, search=search)
        took.append(time.perf_counter() - begin)
    return min(took), found


def shared(took: dict[str, tuple[float, np.ndarray]], k: int) -> str:
    """The share of the true neighbours that the approximate search finds."""
    if not {"kd-tree", "approximate"} <= took.keys():
        return "–"
    exact, near = (took[search][1].tolist() for search in ("kd-tree", "approximate"))
    return f"{np.mean([len(set(a) & set(b)) / k for a, b in zip(exact, near, strict=True)]):.1%}"


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=3e4)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=SEARCHES, help="of the first table")
    asked = parser.parse_args()
    n = int(asked.points)
    random = np.random.default_rng(0)
    print("| D | cells | kd-tree | approximate | neighbours that it finds |\n| ---: | ---: | ---: | ---: | ---: |")
    for dim in (5, 6, 8, 10, 12):
        points, k = random.random((n, dim), dtype=np.float32), 2 * dim
        fits = [search for search in asked.searches if search != "cells" or dim <= cell_grid.LARGEST_DIM]
        took = {search: seconds(points, k, search) for search in fits}
        times = [f"{took[search][0] / n * 1e6:.1f}" if search in took else "–" for search in SEARCHES]
        print(f"| {dim} | {' | '.join(times)} | {shared(took, k)} |", flush=True)
    print("\n| D | points a cell | cells |\n| ---: | ---: | ---: |")
    for dim in (2, 3, 4, 5, 6):
        points, standard = random.random((n, dim), dtype=np.float32), cell_grid.POINTS_A_CELL[dim]
        for several in (standard / 2, standard, 2 * standard):
            cell_grid.POINTS_A_CELL[dim] = several
            print(f"| {dim} | {several:g} | {seconds(points, 2 * dim, 'cells')[0] / n * 1e6:.2f} |", flush=True)
        cell_grid.POINTS_A_CELL[dim] = standard


if __name__ == "__main__":
    main()
