"""What jobs on landscapes cost: memory and time, from points, coordinates and neighbours. Loads no torch.

The constants are fitted to runs of one thread: clouds of 2e5 to 4e6 points, in 2 to 6 and in 12 dimensions,
and the curves of six functions of two variables.
"""

from dataclasses import dataclass
from itertools import pairwise

from lossbars.landscapes.specs import AnyLandscape, PerceptronSpec, RegressionSpec

MB = 2**20
FLOAT = 8  # bytes

START = 30.0  # seconds until a process has imported torch and compiled its loops, which it keeps for later ones
PROCESS = 700 * MB  # that it holds then

EVALUATION = 1e-7  # seconds of a function, for a point and coordinate
PRODUCTS = 5e8  # multiply-adds a second of tiny networks, their activations with them
PLACES = 101  # where a tiny network is compared with its target

SEARCH = (2e-7, 4e-7, 7e-7, 1.2e-6, 2.2e-6, 5.2e-6)  # seconds of the search for neighbours, for a point, by dimension
FAR_SEARCH = 1.2e-4  # beyond these dimensions
SWEEP = 4e-8  # seconds of union-find, for an edge
SWEPT = 70  # bytes of union-find, for a point
PART = 2**24  # points of a cloud that are held with their neighbours; larger clouds are made part by part
KEPT = 24  # bytes that are kept of every other point
FAR_PROCESS = 300 * MB  # more, of the search beyond these dimensions
FAR_EDGE = 50  # bytes of it, for an edge
NEAREST = 12  # neighbours of a point, at least, where the configuration leaves them to the library
STEP = 2e-3  # seconds of a step of a descent, however few rows it has
GRADIENT = 4  # times the evaluation


@dataclass(frozen=True)
class Points:
    """Numbers of a cloud that decide cost."""

    landscape: AnyLandscape
    points: int
    neighbours: int | None

    @property
    def nearest(self) -> int:
        """Neighbours of a point."""
        return self.neighbours or max(NEAREST, 2 * self.landscape.dimension)


def evaluation(landscape: AnyLandscape) -> float:
    """Seconds of the loss of one point."""
    if isinstance(landscape, RegressionSpec | PerceptronSpec):
        return PLACES * sum(a * b + b for a, b in pairwise([1, *landscape.hidden, 1])) / PRODUCTS
    return EVALUATION * landscape.dimension


def cloud_memory(cloud: Points) -> int:
    """Most bytes that a process holds while it finds the barcode of a cloud."""
    near = cloud.landscape.dimension <= len(SEARCH)
    edge = FLOAT // 2 if near else FAR_EDGE
    point = FLOAT * cloud.landscape.dimension + edge * cloud.nearest + SWEPT
    held = min(cloud.points, PART) if near else cloud.points
    return PROCESS + (0 if near else FAR_PROCESS) + held * point + (cloud.points - held) * KEPT


def cloud_seconds(cloud: Points) -> float:
    """Of sampling, evaluation, search and sweep; the process's start apart."""
    dimension = cloud.landscape.dimension
    search = SEARCH[dimension - 1] if dimension <= len(SEARCH) else FAR_SEARCH
    return cloud.points * (evaluation(cloud.landscape) + search + cloud.nearest * SWEEP)
