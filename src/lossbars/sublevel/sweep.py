"""Minimum–saddle pairs of a graph in memory: one sort, one pass over the edges (Barcodes as summary, Algorithm 1).

Vertices enter in the order of (value, number), which breaks ties. Each is looked up in its own row of the graph alone,
though edges have no direction: a vertex that enters leaves, at every neighbour that has not entered yet, the name of
its cluster. One name is enough where the clusters are the same, which they mostly are; others go to a list.

Compiled code is kept on disk until this file changes: numba does not see changes in a file that a kernel calls into. So
kernels call their own file only (:mod:`lossbars.sublevel.prefetch` apart), though
:mod:`lossbars.sublevel.basin_kernels` repeats some.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from lossbars.sublevel.prefetch import prefetch

NUMBERS = 2**31 - 4  # vertices that int32 can tell apart, beside the codes below
OUTSIDE = -1  # of a vertex that has not entered; −2 − c if cluster c touches it
FAR, NEAR = 16, 8  # vertices ahead for which memory is fetched: a third less time at 1e6 points
PLATEAU = 64  # vertices of one value that are put in order in place


@dataclass(frozen=True)
class Pairs:
    """Clusters with what ended them, in no order: vertices of minima and of saddles (−1: none), cluster sizes.

    ``elders`` are the minima of the clusters that they joined, −1 where nothing ended them.
    """

    minima: np.ndarray  # int64
    saddles: np.ndarray  # int64
    sizes: np.ndarray  # int64, vertices that were in the cluster when it ended
    elders: np.ndarray  # int64


def sweep(values: np.ndarray, starts: np.ndarray, neighbours: np.ndarray) -> Pairs:
    """Pairs of the graph whose row u is ``neighbours[starts[u] : starts[u + 1]]``, negative numbers left out.

    ``starts`` of one element holds the length of all rows. Values are (n,) floats without NaN; a vertex whose value is
    inf never enters.
    """
    n = len(values)
    order = np.argsort(values)[: np.count_nonzero(values < np.inf)].astype(index_type(n))
    _break_ties(values, order)
    state = np.full(n, OUTSIDE, order.dtype)
    sizes, saddles = np.zeros(n, order.dtype), np.full(n, -1, order.dtype)
    touching = np.full(n, -1, index_type(len(neighbours)))
    _enter(values, order, starts, neighbours, state, touching, sizes, saddles)
    minima = _births(state, saddles)
    ends = saddles[minima].astype(np.int64)
    elders = np.where(ends >= 0, touching[minima].astype(np.int64), -1)
    return Pairs(minima.astype(np.int64), ends, sizes[minima].astype(np.int64), elders)


def index_type(n: int) -> type[np.signedinteger]:
    """The shortest integers that number n vertices."""
    return np.int32 if n <= NUMBERS else np.int64


@njit(nogil=True, cache=True)
def _break_ties(values, order):
    """Put vertices of equal value in the order of their numbers."""
    low = 0
    for i in range(1, order.size + 1):
        if i < order.size and values[order[i]] == values[order[low]]:
            continue
        if i - low > PLATEAU:
            order[low:i] = np.sort(order[low:i])
        else:
            for j in range(low + 1, i):
                u, k = order[j], j
                while k > low and order[k - 1] > u:
                    order[k] = order[k - 1]
                    k -= 1
                order[k] = u
        low = i


@njit(inline="always", nogil=True, cache=True)
def _find(state, u):
    """The minimum of u's cluster, with path halving."""
    while state[u] != u:
        state[u] = state[state[u]]
        u = state[u]
    return u


@njit(nogil=True, cache=True)
def _merge(values, state, touching, sizes, saddles, clusters, u):
    """Join clusters, some named twice, at u; the minimum that stays is the oldest (elder rule).

    Of a minimum that ends, ``touching``, which a vertex that has entered no longer needs, names the one that stays.
    """
    oldest = clusters[0]
    for c in clusters:
        if values[c] < values[oldest] or (values[c] == values[oldest] and c < oldest):
            oldest = c
    for c in clusters:
        if c != oldest and saddles[c] < 0:
            state[c] = oldest
            touching[c] = oldest
            saddles[c] = u
            sizes[oldest] += sizes[c]
    return oldest


@njit(nogil=True, cache=True)
def _enter(values, order, starts, neighbours, state, touching, sizes, saddles):
    even = starts[0] if starts.size == 1 else 0
    # a list a vertex of the further clusters that touch it: where it begins, then in each place where it goes on
    before, cluster, many = np.empty(1024, touching.dtype), np.empty(1024, state.dtype), 0
    met = np.empty(64, state.dtype)  # different clusters at one vertex
    for i in range(order.size):
        if even:
            _ahead(order, i, even, neighbours, state, touching)
        u = order[i]
        home, others = -1, 0  # the cluster of u, and how many more it joins
        if state[u] != OUTSIDE:
            home = _find(state, -2 - state[u])
            e = touching[u]
            while e >= 0:
                c = _find(state, cluster[e])
                if c != home:
                    met = _doubled(met) if others + 1 == met.size else met
                    met[others] = c
                    others += 1
                e = before[e]
        row, end = (np.int64(u) * even, np.int64(u) * even + even) if even else (starts[u], starts[u + 1])
        waiting = False
        for j in range(row, end):
            v = neighbours[j]
            if v < 0 or v == u:
                continue
            c = state[v]
            if c < 0:
                waiting = True
            elif c != home:
                c = _find(state, c)
                if home < 0:
                    home = c
                elif c != home:
                    met = _doubled(met) if others + 1 == met.size else met
                    met[others] = c
                    others += 1
        if others:
            met[others] = home
            home = _merge(values, state, touching, sizes, saddles, met[: others + 1], u)
        elif home < 0:
            home = u
        state[u] = home
        sizes[home] += 1
        if not waiting:
            continue
        for j in range(row, end):
            v = neighbours[j]
            if v < 0 or state[v] >= 0 or state[v] == -2 - home:
                continue
            if state[v] != OUTSIDE:
                c = _find(state, -2 - state[v])
                if c != home:
                    if many == cluster.size:
                        before, cluster = _doubled(before), _doubled(cluster)
                    before[many], cluster[many] = touching[v], c
                    touching[v] = many
                    many += 1
            state[v] = -2 - home


@njit(inline="always", nogil=True, cache=True)
def _ahead(order, i, even, neighbours, state, touching):
    """Fetch what vertices after the i-th will need: of those farther on their rows, of nearer ones the neighbours."""
    if i + FAR < order.size:
        u = np.int64(order[i + FAR])
        prefetch(neighbours, u * even)
        prefetch(neighbours, u * even + even - 1)
        prefetch(state, u)
        prefetch(touching, u)
    if i + NEAR < order.size:
        u = np.int64(order[i + NEAR])
        for j in range(u * even, u * even + even):
            prefetch(state, np.int64(max(0, neighbours[j])))


@njit(nogil=True, cache=True)
def _doubled(array):
    longer = np.empty(2 * array.size, array.dtype)
    longer[: array.size] = array
    return longer


@njit(nogil=True, cache=True)
def _births(state, saddles):
    """The vertices that bore a cluster."""
    many = 0
    for u in range(state.size):
        many += state[u] == u or saddles[u] >= 0
    births, many = np.empty(many, state.dtype), 0
    for u in range(state.size):
        if state[u] == u or saddles[u] >= 0:
            births[many] = u
            many += 1
    return births
