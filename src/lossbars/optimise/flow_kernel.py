"""The kernel of :func:`.path_points.project`: a point's numbers are read twice, and nothing in between is kept.

Torch's operations go over arrays of all points once for each sum and each difference, and one step's arrays of a
network's path are larger than a processor's cache; here a point, its neighbours and its gradient are in it from the
first reading to the second. Compiled code is kept on disk until this file changes.
"""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})  # NaN and infinity keep their meaning
def write_normal_parts(ends, moving, gradient, out, steps, size, tiny, tangent, orthogonal):
    """Normal parts of gradients into ``out``, and the norms (n, m) of what was taken off and of what is left.

    The first four are flat: row r of ``size`` numbers begins at r times the array's own number in ``steps``. Row
    p · m + i is moving point i of path p, rows 2 p and 2 p + 1 of ``ends`` are its minima. ``tiny`` is the least
    square of a segment's length. ``out`` may be ``gradient``.
    """
    paths, points = tangent.shape
    half, zero = tiny / tiny / (tiny / tiny + tiny / tiny), tiny - tiny  # in the arrays' own precision
    for p in range(paths):
        for i in range(points):
            row = p * points + i
            here = moving[row * steps[1] :][:size]
            before = ends[2 * p * steps[0] :][:size] if i == 0 else moving[(row - 1) * steps[1] :][:size]
            after = ends[(2 * p + 1) * steps[0] :][:size] if i == points - 1 else moving[(row + 1) * steps[1] :][:size]
            g, normal = gradient[row * steps[2] :][:size], out[row * steps[3] :][:size]
            uu = vv = uv = gu = gv = zero
            for j in range(size):
                u, v = here[j] - before[j], after[j] - here[j]
                uu += u * u
                vv += v * v
                uv += u * v
                gu += g[j] * u
                gv += g[j] * v
            a, b = half * gu / max(uu, tiny), half * gv / max(vv, tiny)
            square = zero
            for j in range(size):
                left = g[j] - a * (here[j] - before[j]) - b * (after[j] - here[j])
                normal[j] = left
                square += left * left
            tangent[p, i] = np.sqrt(max(a * a * uu + b * b * vv + (a + a) * b * uv, zero))
            orthogonal[p, i] = np.sqrt(square)
