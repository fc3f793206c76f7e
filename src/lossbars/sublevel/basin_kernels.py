"""Kernels of :mod:`lossbars.sublevel.basins`: contraction, spanning forest, elder rule. Compiled; no object per vertex.

Vertices are ordered by (value, number), which breaks ties. Let f(e) = max f of an edge's two ends; a bar ends at an
edge of a minimum spanning forest for f(e), by Algorithm 1 of Barcodes as summary. Three facts make it cheap:

1. An edge from a vertex to *any* lower neighbour is a least edge of that vertex, so such edges belong to a minimum
   spanning forest together: every vertex is contracted to a local minimum, without sorting, in one pass over the edges.
2. Of the edges that are left, between basins, each basin's least one belongs to it too (Borůvka 1926): a few rounds,
   each over fewer edges, leave one edge a basin.
3. Only those are sorted; joining them in order finds every bar (elder rule).

Passes go in the order of the vertices: where neighbours have near numbers, they read memory in order. Arrays of
vertex numbers are int32 or int64. A kernel that is given rows [begin, end) writes only to these, so that several
threads may share the rows.
"""

import numpy as np
from numba import njit


@njit(inline="always", nogil=True, cache=True)
def lower(values, u, v):
    """Whether vertex u comes before v."""
    return values[u] < values[v] or (values[u] == values[v] and u < v)


@njit(nogil=True, cache=True)
def descend(values, starts, neighbours, first, begin, end, down):
    """Set ``down`` of the rows [begin, end) to the lowest neighbour known, to the vertex itself where none is lower.

    Row u of the graph is ``neighbours[starts[i] : starts[i + 1]]`` with i = u − first; of rows of one length,
    ``starts`` holds this length alone. Edges whose higher end lies outside the rows are left for :func:`crossings`.
    """
    even = starts[0] if starts.size == 1 else 0
    for u in range(begin, end):
        down[u] = u
    for u in range(begin, end):
        i = u - first
        low, high = (i * even, (i + 1) * even) if even else (starts[i], starts[i + 1])
        best, value = down[u], values[u]
        for j in range(low, high):
            v = neighbours[j]
            if v < 0:
                continue
            other = values[v]
            if other < value or (other == value and v < u):
                if value < np.inf and lower(values, v, best):
                    best = v
            elif begin <= v < end and other < np.inf and lower(values, u, down[v]):
                down[v] = u
        down[u] = best


@njit(nogil=True, cache=True)
def find_roots(down, begin, end, low, high):
    """Make ``down`` of rows [begin, end) lead to the end of its path in one step; vertices outside [low, high) end it.

    Several threads may share the vertices: whatever a thread reads while another writes leads to the same end.
    """
    for u in range(begin, end):
        root = u
        while low <= root < high and down[root] != root:
            root = down[root]
        while u != root and down[u] != root:
            following = down[u]
            down[u] = root
            u = following


@njit(nogil=True, cache=True)
def crossings(values, starts, neighbours, first, begin, end, roots, low, high, edges):
    """Edges of the rows [begin, end) between different basins; their number, and as many as fit in ``edges``.

    A row of ``edges`` (m, 3) is the two basins and the higher end. Basins are known of the vertices [low, high);
    another vertex stands for itself. Of the edges of a row, one that repeats the one before it is left out.
    """
    even = starts[0] if starts.size == 1 else 0
    count = 0
    for u in range(begin, end):
        i = u - first
        a, value = roots[u], values[u]
        p, q = (i * even, (i + 1) * even) if even else (starts[i], starts[i + 1])
        done = a
        for j in range(p, q):
            v = neighbours[j]
            if v < 0:
                continue
            b = roots[v] if low <= v < high else v
            if b == a:
                continue
            other = values[v]
            above = other > value or (other == value and v > u)
            if not above:
                if b == done:  # the same basin again, by the same saddle
                    continue
                done = b
            if max(value, other) < np.inf:
                if count < edges.shape[0]:
                    edges[count, 0] = a
                    edges[count, 1] = b
                    edges[count, 2] = v if above else u
                count += 1
    return count


@njit(nogil=True, cache=True)
def relabel(edges, labels):
    """Put ``labels`` of the two ends for the ends, drop edges whose ends agree; how many are left, at the front."""
    count = 0
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a != b:
            edges[count, 0] = a
            edges[count, 1] = b
            edges[count, 2] = edges[e, 2]
            count += 1
    return count


@njit(nogil=True, cache=True)
def spanning_forest(values, edges, m):
    """Minimum spanning forest of m basins 0, 1, … and their edges, which are overwritten.

    Returns the edges of the forest (f, 3): two basins and the saddle. Each round, every tree takes its least edge.
    """
    forest = np.empty((m, 3), edges.dtype)
    parent = np.arange(m).astype(edges.dtype)
    least = np.empty(m, edges.dtype)
    ends = edges[:, :2].copy()  # of the forest's edges the basins are wanted, not the trees
    taken, left = 0, edges.shape[0]
    while left:
        least[:] = -1
        for e in range(left):
            saddle = edges[e, 2]
            for side in range(2):
                tree = edges[e, side]
                if least[tree] < 0 or lower(values, saddle, edges[least[tree], 2]):
                    least[tree] = e
        for tree in range(m):
            e = least[tree]
            if e < 0:
                continue
            a, b = _root(parent, edges[e, 0]), _root(parent, edges[e, 1])
            if a != b:
                parent[b] = a
                forest[taken, 0] = ends[e, 0]
                forest[taken, 1] = ends[e, 1]
                forest[taken, 2] = edges[e, 2]
                taken += 1
        kept = 0
        for e in range(left):
            a, b = _root(parent, edges[e, 0]), _root(parent, edges[e, 1])
            if a != b:
                edges[kept, 0] = a
                edges[kept, 1] = b
                edges[kept, 2] = edges[e, 2]
                ends[kept, 0] = ends[e, 0]
                ends[kept, 1] = ends[e, 1]
                kept += 1
        left = kept
    return forest[:taken]


@njit(inline="always", nogil=True, cache=True)
def _root(parent, u):
    """The root of u's tree, with path halving."""
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return u


@njit(nogil=True, cache=True)
def join(values, minima, forest, order):
    """Elder rule over the forest's edges in ``order``: who ended each basin, and where.

    Returns for every basin the basin with a lower minimum that it joined (itself: none) and the saddle (−1: none), and
    the basins that ended, in their order.
    """
    m = minima.size
    parent = np.arange(m).astype(forest.dtype)
    oldest = np.arange(m).astype(forest.dtype)
    elder = np.arange(m).astype(forest.dtype)
    saddle = np.full(m, -1, forest.dtype)
    ended = np.empty(order.size, forest.dtype)
    for i in range(order.size):
        e = order[i]
        a, b = _root(parent, forest[e, 0]), _root(parent, forest[e, 1])
        old, young = oldest[a], oldest[b]
        if lower(values, minima[young], minima[old]):
            old, young = young, old
        elder[young] = old
        saddle[young] = forest[e, 2]
        parent[b] = a
        oldest[a] = old
        ended[i] = young
    return elder, saddle, ended


@njit(nogil=True, cache=True)
def count(values, labels, elder, saddle, begin, end, sizes):
    """Add every vertex of [begin, end) to the basin whose cluster it joined when its own value was reached."""
    for u in range(begin, end):
        if values[u] < np.inf:
            b = labels[u]
            while saddle[b] >= 0 and not lower(values, u, saddle[b]):
                b = elder[b]
            sizes[b] += 1


@njit(nogil=True, cache=True)
def gather(elder, saddle, ended, sizes):
    """Add the cluster of each basin, in the order of their ends, to that of the basin that went on."""
    for b in ended:
        a = elder[b]
        while saddle[a] == saddle[b]:  # several clusters ended at one vertex: none of them is part of another
            a = elder[a]
        sizes[a] += sizes[b]


@njit(nogil=True, cache=True)
def number_basins(down, minima):
    """Replace each vertex's root by the root's number among the roots; their vertices go to ``minima``.

    Returns how many there are, and writes nothing but ``minima`` where these do not fit.
    """
    m = 0
    for u in range(down.size):
        if down[u] == u:
            if m < minima.size:
                minima[m] = u
            m += 1
    if m > minima.size:
        return m
    for i in range(m):
        down[minima[i]] = ~i
    for u in range(down.size):
        if down[u] >= 0:
            down[u] = down[down[u]]
    for u in range(down.size):
        down[u] = ~down[u]
    return m
