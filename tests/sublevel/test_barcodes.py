"""Barcodes on graphs: gudhi's persistence of the same filtered graph, and a plain reading of the definitions."""

import math

import gudhi
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import sparse

from lossbars.sublevel import barcodes as sublevel
from lossbars.sublevel import sublevel_barcode
from lossbars.sublevel.basins import Basins
from lossbars.sublevel.results import SublevelBarcode
from lossbars.sublevel.sweep import sweep

Pairs = dict[int, tuple[int, int]]  # minimum → saddle (−1: none), cluster size

VALUES = st.sampled_from([-math.inf, -2.0, -0.0, 0.0, 0.5, 1.0, 1.5, 2.0, math.inf])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Values with many ties, and rows of neighbours with gaps, loops, repeated and one-sided edges."""
    n, k = draw(st.integers(1, 24)), draw(st.integers(1, 8))
    values = draw(st.lists(VALUES if draw(st.booleans()) else st.floats(-3, 3), min_size=n, max_size=n))
    rows = draw(st.lists(st.lists(st.integers(-1, n - 1), min_size=k, max_size=k), min_size=n, max_size=n))
    return np.array(values), np.array(rows, dtype=draw(st.sampled_from([np.int32, np.int64])))


def edges(rows: np.ndarray) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, row in enumerate(rows.tolist()) for v in row if v >= 0 and v != u}


def by_gudhi(values: np.ndarray, rows: np.ndarray) -> dict[int, int]:
    """Minimum → saddle by persistent homology of the graph filtered by rank, which makes all values different."""
    entering = [u for u in np.lexsort((np.arange(len(values)), values)).tolist() if values[u] < math.inf]
    rank = {u: i for i, u in enumerate(entering)}
    tree = gudhi.SimplexTree()
    for u, i in rank.items():
        tree.insert([u], float(i))
    for u, v in edges(rows):
        if u in rank and v in rank:
            tree.insert([u, v], float(max(rank[u], rank[v])))
    # without this, gudhi leaves out the homology of the highest dimension and half-lines with it
    tree.compute_persistence(min_persistence=-1, persistence_dim_max=True)
    diagram = tree.persistence_intervals_in_dimension(0)
    return {entering[int(b)]: entering[int(d)] if math.isfinite(d) else -1 for b, d in diagram}


def by_definition(values: np.ndarray, rows: np.ndarray) -> Pairs:
    """Algorithm 1 as the paper writes it, on sets."""
    near: dict[int, set[int]] = {u: set() for u in range(len(values))}
    for u, v in edges(rows):
        near[u].add(v)
        near[v].add(u)
    clusters: dict[int, set[int]] = {}
    found: Pairs = {}
    order = [u for u in np.lexsort((np.arange(len(values)), values)).tolist() if values[u] < math.inf]
    rank = {u: i for i, u in enumerate(order)}
    for u in order:
        touched = sorted({m for m, members in clusters.items() if members & near[u]}, key=lambda m: rank[m])
        for young in touched[1:]:
            found[young] = (u, len(clusters[young]))
        joined = {u}.union(*(clusters.pop(m) for m in touched))
        clusters[touched[0] if touched else u] = joined
    return found | {m: (-1, len(members)) for m, members in clusters.items()}


def kept(values: np.ndarray, pairs: Pairs) -> Pairs:
    """Without bars of length zero."""
    return {m: (s, size) for m, (s, size) in pairs.items() if s < 0 or values[s] > values[m]}


def of_barcode(barcode: SublevelBarcode) -> Pairs:
    rows = zip(barcode.minima.tolist(), barcode.saddles.tolist(), barcode.sizes.tolist(), strict=True)
    return {m: (s, size) for m, s, size in rows}


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_bars_minima_and_saddles_are_those_of_gudhi(graph: tuple[np.ndarray, np.ndarray]) -> None:
    values, rows = graph
    barcode = sublevel_barcode(values, rows)
    pairs = {m: (s, 0) for m, s in by_gudhi(values, rows).items()}
    assert {m: s for m, (s, _) in of_barcode(barcode).items()} == {m: s for m, (s, _) in kept(values, pairs).items()}
    np.testing.assert_array_equal(barcode.births, values[barcode.minima])
    finite = barcode.saddles >= 0
    np.testing.assert_array_equal(barcode.deaths[finite], values[barcode.saddles[finite]])
    assert np.isinf(barcode.deaths[~finite]).all()


@given(graphs(), st.integers(0, 24))
@settings(max_examples=300, deadline=None)
def test_both_methods_find_the_pairs_and_the_cluster_sizes_of_the_definition(
    graph: tuple[np.ndarray, np.ndarray], cut: int
) -> None:
    values, rows = graph
    n, k = rows.shape
    basins = Basins(values)
    for begin, end in ((0, min(cut, n)), (min(cut, n), n)):  # in two blocks, of which one may be empty
        basins.add(begin, end, np.array([k]), rows[begin:end].ravel())
    wanted = kept(values, by_definition(values, rows))
    assert of_barcode(SublevelBarcode(values, basins.pairs())) == wanted
    assert of_barcode(SublevelBarcode(values, sweep(values, np.array([k]), rows.ravel()))) == wanted


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_a_bar_names_the_elder_bar_that_it_merges_into(graph: tuple[np.ndarray, np.ndarray]) -> None:
    values, rows = graph
    basins = Basins(values)
    basins.add(0, len(values), np.array([rows.shape[1]]), rows.ravel())
    for pairs in (basins.pairs(), sweep(values, np.array([rows.shape[1]]), rows.ravel())):
        barcode = SublevelBarcode(values, pairs)
        saddle = dict(zip(barcode.minima.tolist(), barcode.saddles.tolist(), strict=True))
        for vertex, elder in zip(barcode.minima.tolist(), barcode.merges_into.tolist(), strict=True):
            if saddle[vertex] < 0:
                assert elder == -1
                continue
            assert (values[elder], elder) < (values[vertex], vertex)
            own, other = saddle[vertex], saddle[elder]
            assert other < 0 or (values[other], other) >= (values[own], own)


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_passes_are_the_lowest_ways_between_basins(graph: tuple[np.ndarray, np.ndarray]) -> None:
    values, rows = graph
    basins = Basins(values, passes=True)
    basins.add(0, len(values), np.array([rows.shape[1]]), rows.ravel())
    pairs = basins.pairs()
    assert basins.passes is not None
    ends = {tuple(sorted(row[:2])) for row in basins.passes.tolist()}
    assert len(ends) == len(basins.passes)
    highest = {int(row[2]) for row in basins.passes}
    assert set(pairs.saddles[pairs.saddles >= 0].tolist()) <= highest


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_a_sparse_matrix_is_the_same_graph(graph: tuple[np.ndarray, np.ndarray]) -> None:
    values, rows = graph
    ends = np.array(sorted(edges(rows)), dtype=np.int64).reshape(-1, 2)
    matrix = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(values), len(values)))
    assert of_barcode(sublevel_barcode(values, matrix)) == of_barcode(sublevel_barcode(values, rows))


@pytest.mark.parametrize("k", [3, 9])  # below and above the number at which the method changes
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_random_graph(k: int, dtype: type) -> None:
    random = np.random.default_rng(k)
    values = random.integers(0, 40_000, 60_000).astype(dtype)  # many ties, and more vertices than one thread takes
    rows = random.integers(0, len(values), (len(values), k)).astype(np.int32)
    rows[random.random(rows.shape) < 0.8] = -1
    found = by_gudhi(values, rows)
    longer = {m: s for m, s in found.items() if s < 0 or values[s] > values[m]}
    for threads in (1, 2):
        basins = Basins(values, threads)
        basins.add(0, len(values), np.array([k]), rows.ravel())
        several = SublevelBarcode(values, basins.pairs())
        assert {m: s for m, (s, _) in of_barcode(several).items()} == longer
    assert of_barcode(sublevel_barcode(values, rows)) == of_barcode(several)


def test_a_plateau_is_one_minimum_and_bears_its_first_vertex() -> None:
    barcode = sublevel_barcode(np.array([1.0, 0.0, 0.0, 0.0, 2.0, 0.5]), np.array([[1], [2], [3], [-1], [3], [4]]))
    assert of_barcode(barcode) == {1: (-1, 6), 5: (4, 1)}


def test_a_disconnected_graph_says_so() -> None:
    barcode = sublevel_barcode(np.array([3.0, 1.0, 2.0, 0.0]), np.array([[1], [0], [3], [2]]))
    assert barcode.components == 2
    assert np.isinf(barcode.deaths).all() and barcode.births.tolist() == [0.0, 1.0]


def test_infinite_values() -> None:
    """Two components meet at inf, which is in no sublevel set; −inf is the lowest of values."""
    barcode = sublevel_barcode(np.array([-math.inf, math.inf, 1.0, 5.0, 2.0]), np.array([[1], [2], [3], [4], [-1]]))
    assert of_barcode(barcode) == {0: (-1, 1), 2: (-1, 3), 4: (3, 1)}
    assert barcode.births.tolist() == [-math.inf, 1.0, 2.0]


def test_all_infinite_has_no_bars() -> None:
    barcode = sublevel_barcode(np.full(3, math.inf), np.array([[1], [2], [0]]))
    assert len(barcode.bars) == 0 and barcode.components == 0


def test_bars_are_made_when_asked_for() -> None:
    barcode = sublevel_barcode(np.array([0.0, 2.0, 1.0]), np.array([[1], [2], [-1]]))
    (half_line, bar) = barcode.bars
    assert (half_line.birth, half_line.death, half_line.born_at, half_line.dies_at) == (0.0, math.inf, (0,), None)
    assert (bar.birth, bar.death, bar.born_at, bar.dies_at) == (1.0, 2.0, (2,), (1,))
    assert barcode.to_score("linf") == 0.5
    assert barcode.convention == "merged"
    with pytest.raises(ValueError, match="read-only"):
        barcode.sizes[0] = 3


@pytest.mark.parametrize(
    ("values", "neighbours", "message"),
    [
        ([0.0, math.nan, math.nan], [[1], [2], [0]], "2 of 3 values are NaN, the first at vertex 1"),
        ([0.0, 1.0], [[1], [2]], "vertex 2 is named, there are 2"),
        ([0.0, 1.0], [[1]], r"integers of shape \(2, k\)"),
        ([0.0, 1.0], [[1.0], [0.0]], r"not float64"),
        ([[0.0, 1.0]], [[1], [0]], "one number a vertex"),
        ([0.0, 1.0], sparse.eye_array(3), r"a matrix \(2, 2\), not \(3, 3\)"),
    ],
)
def test_what_is_no_graph_is_refused(values: list, neighbours: object, message: str) -> None:
    graph = neighbours if sparse.issparse(neighbours) else np.array(neighbours)
    with pytest.raises(ValueError, match=message):
        sublevel_barcode(np.array(values), graph)


def test_lists_will_do() -> None:
    assert of_barcode(sublevel_barcode([0.0, 2.0, 1.0], [[1], [2], [-1]])) == {0: (-1, 3), 2: (1, 1)}


def test_neighbours_may_be_of_any_integer_type_and_none() -> None:
    values = np.array([0.0, 2.0, 1.0])
    assert of_barcode(sublevel_barcode(values, np.array([[1], [2], [1]], dtype=np.uint8))) == {0: (-1, 3), 2: (1, 1)}
    assert sublevel_barcode(values, np.empty((3, 0), dtype=np.int32)).components == 3
    assert sublevel.default_neighbours(2) == 12 and sublevel.default_neighbours(8) == 16
