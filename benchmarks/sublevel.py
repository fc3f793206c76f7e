"""Barcodes of point clouds: the sweep alone, the neighbour search alone and both, against other libraries.

    uv pip install giotto-ph hnswlib pynanoflann                     # alternatives that lossbars does not need
    python benchmarks/sublevel.py --sizes 1e5 1e6 --dims 2 4 6       # all alternatives
    python benchmarks/sublevel.py --sizes 1e7 --alternatives scipy   # ours at a size that most others cannot take
    python benchmarks/sublevel.py --sizes 1e5 1e6 --alternatives none --threads 2

f is Alpine01, k = 2 D nearest neighbours of uniform points in the order of cells, cut 2. Every method is timed in turn,
round by round, on the same graph or points; compilation and imports are not timed. Medians of the rounds, their range.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ALTERNATIVES = ("pykdtree", "ckdtree", "nanoflann", "hnswlib", "gudhi", "tomato", "giotto", "scipy")
SEARCHES = ("pykdtree", "ckdtree", "nanoflann", "hnswlib")
SLOWEST = {"hnswlib": 100_000, "gudhi": 1_000_000, "tomato": 100_000, "giotto": 1_000_000}  # largest n of each


def main() -> None:
    """Print a table."""
    options = arguments()
    if options.peak:
        peak_of_one(options.peak, options.dims[0], options.threads)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    print(f"{options.threads} thread(s), {options.rounds} rounds: seconds, median (least to most)")
    for n in map(int, options.sizes if "times" in options.parts else ()):
        for dim in options.dims:
            for name, seconds in measure(n, dim, options).items():
                low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
                print(f"{n:>9,} D={dim} {name:24} {middle:9.3f} ({low:.3f} to {high:.3f})", flush=True)
    if "memory" in options.parts:
        print_memory(options)


def measure(n: int, dim: int, options: argparse.Namespace) -> dict[str, list[float]]:
    import torch

    from lossbars.functions import alpine01
    from lossbars.sublevel import function_barcode, sublevel_barcode
    from lossbars.sublevel.basins import Basins
    from lossbars.sublevel.neighbours import nearest_neighbours
    from lossbars.sublevel.samples import in_box
    from lossbars.sublevel.sweep import sweep

    torch.set_num_threads(options.threads)
    function, k, cut = alpine01(dim), 2 * dim, 2 * n ** (-1 / dim)
    points = np.random.default_rng(0).random((n, dim), dtype=np.float32)
    order = np.lexsort(np.floor(points.T * max(1, int((n / 4) ** (1 / dim)))))  # as clouds are: near points are near
    points = np.ascontiguousarray(points[order])
    values = function.loss(torch.from_numpy(in_box(points, np.array(function.box)))).numpy()
    rows = nearest_neighbours(points, k, cut, threads=options.threads)

    def by_basins() -> None:
        basins = Basins(values, options.threads)
        basins.add(0, n, np.array([k]), rows.ravel())
        basins.pairs()

    methods: dict[str, Callable[[], object]] = {
        "search": lambda: nearest_neighbours(points, k, cut, threads=options.threads),
        "barcode of the graph": lambda: sublevel_barcode(values, rows),
        "  by the sweep": lambda: sweep(values, np.array([k]), rows.ravel()),
        "  by basins": by_basins,
        "  floor: argsort": lambda: np.argsort(values),
        "  floor: edges once": lambda: rows.max(),
        "end to end": lambda: function_barcode(function, None, n, 0, sampling="random", k=k, cut=2.0),
    }
    for name in options.alternatives:
        if n <= SLOWEST.get(name, n):
            methods[name] = alternative(name, points, values, rows, k, options.threads)
    small = np.random.default_rng(1).random((3000, dim), dtype=np.float32)  # what is compiled is compiled before
    near = nearest_neighbours(small, k, 1.0, threads=options.threads)
    sublevel_barcode(small[:, 0].astype(np.float64), near)
    Basins(small[:, 0].astype(np.float64)).add(0, 3000, np.array([k]), near.ravel())
    function_barcode(function, None, 3000, 0, sampling="random", k=k, cut=2.0)
    found: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(options.rounds):
        for name, call in methods.items():
            begin = time.perf_counter()
            call()
            found[name].append(time.perf_counter() - begin)
    return found


def alternative(
    name: str, points: np.ndarray, values: np.ndarray, rows: np.ndarray, k: int, threads: int
) -> Callable[[], object]:
    """The same work by another library."""
    n = len(values)
    if name == "pykdtree":
        from pykdtree.kdtree import KDTree

        return lambda: KDTree(points).query(points, k=k + 1)
    if name == "ckdtree":
        from scipy.spatial import cKDTree

        return lambda: cKDTree(points).query(points, k=k + 1, workers=threads)
    if name == "nanoflann":
        import pynanoflann

        def by_nanoflann() -> None:
            tree = pynanoflann.KDTree(n_neighbors=k + 1)
            tree.fit(points)
            tree.kneighbors(points, n_jobs=threads)

        return by_nanoflann
    if name == "hnswlib":
        import hnswlib

        def by_hnswlib() -> None:
            index = hnswlib.Index("l2", points.shape[1])
            index.init_index(n, M=16, ef_construction=100)
            index.add_items(points, num_threads=threads)
            index.set_ef(50)
            index.knn_query(points, k + 1, num_threads=threads)

        return by_hnswlib
    u = np.repeat(np.arange(n), k)
    v = rows.ravel()
    u, v = u[v >= 0], v[v >= 0].astype(np.int64)
    low, high = np.minimum(u, v), np.maximum(u, v)
    low, high = np.divmod(np.unique(low * n + high), n)
    weights = np.maximum(values[low], values[high])
    return _of_graph(name, values, low, high, weights, rows)


def _of_graph(
    name: str, values: np.ndarray, low: np.ndarray, high: np.ndarray, weights: np.ndarray, rows: np.ndarray
) -> Callable[[], object]:
    from scipy import sparse

    n = len(values)
    if name == "gudhi":
        import gudhi

        def by_gudhi() -> None:
            tree = gudhi.SimplexTree()
            tree.insert_batch(np.arange(n)[None], values)
            tree.insert_batch(np.stack([low, high]), weights)
            tree.compute_persistence(persistence_dim_max=False)
            tree.persistence_intervals_in_dimension(0)

        return by_gudhi
    if name == "tomato":
        from gudhi.clustering.tomato import Tomato

        lists = [row[row >= 0] for row in rows]
        return lambda: (
            Tomato(graph_type="manual", density_type="manual", symmetrize_graph=True)
            .fit(lists, weights=-values)
            .diagram_
        )
    if name == "giotto":
        from gph import ripser_parallel

        ends = np.arange(n)
        entries = np.concatenate([values, weights])
        places = (np.concatenate([ends, low]), np.concatenate([ends, high]))
        matrix = sparse.coo_matrix((entries, places), shape=(n, n))
        return lambda: ripser_parallel(matrix, maxdim=0, metric="precomputed", n_threads=1)
    if name == "scipy":
        from scipy.sparse.csgraph import minimum_spanning_tree

        rank = np.argsort(np.argsort(weights)) + 1.0  # of a weight 0, scipy takes the edge for absent
        matrix = sparse.csr_array((rank, (low, high)), shape=(n, n))
        # its forest still has to be sorted and joined: more work than is timed here
        return lambda: minimum_spanning_tree(matrix)
    raise ValueError(f"no alternative {name!r}: {', '.join(ALTERNATIVES)}")


# Memory ------------------------------------------------------------------------------------------


def print_memory(options: argparse.Namespace) -> None:
    """Most memory that one barcode takes, in a process of its own that has compiled before."""
    for n in map(int, options.sizes):
        for dim in options.dims:
            command = [
                sys.executable,
                __file__,
                "--peak",
                str(n),
                "--dims",
                str(dim),
                "--threads",
                str(options.threads),
            ]
            taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(f"{n:>9,} D={dim} {'bytes a point':24} {taken / n:9.0f}", flush=True)


def peak_of_one(n: int, dim: int, threads: int) -> None:
    import torch

    from lossbars.functions import alpine01
    from lossbars.sublevel import function_barcode

    torch.set_num_threads(threads)
    function_barcode(alpine01(dim), None, 2000, 0, sampling="random", k=2 * dim, cut=2.0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _memory("VmRSS")
    function_barcode(alpine01(dim), None, n, 0, sampling="random", k=2 * dim, cut=2.0)
    print(_memory("VmHWM") - before)


def _memory(name: str) -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e5, 1e6])
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--alternatives", nargs="+", default=list(ALTERNATIVES))
    parser.add_argument("--parts", nargs="+", choices=("times", "memory"), default=["times", "memory"])
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.alternatives = [name for name in options.alternatives if name != "none"]
    return options


if __name__ == "__main__":
    main()
