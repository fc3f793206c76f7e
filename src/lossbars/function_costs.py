"""What jobs on functions cost: memory and time, from points, coordinates and neighbours. Loads no torch.

The constants are fitted to runs of one thread: clouds of 2e5 to 4e6 points, in 2 to 6 and in 12 dimensions, bottleneck
distances of barcodes of up to a million points, and the curves of six functions of two variables.
"""

from dataclasses import dataclass
from itertools import pairwise

from lossbars.costs import BEADS, TRAINED_BEADS
from lossbars.escape_experiments import EscapeModel
from lossbars.function_experiments import Optimised
from lossbars.landscape_specs import AnyLandscape, PerceptronSpec, RegressionSpec
from lossbars.recipes import AnyCurves, Paths, Strings
from lossbars.saddle_experiments import Saddles, of_size
from lossbars.string_experiments import StringsModel

MB = 2**20
FLOAT = 8  # bytes
CLOUD_RULES = ("cloud", "optimised", "cloud_pairs")
THREADS = {"cloud": 2}  # pairs of clouds are many jobs, each on one

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

NOISY = 0.05  # bars of a cloud, as a share of its points
MATCHING = 2e-5  # seconds of a bottleneck distance, for a bar

MINIMA = 60  # that descents find, as a guess
STEP = 2e-3  # seconds of a step of a descent, however few rows it has
GRADIENT = 4  # times the evaluation
KNOWN_PAIRS = 15  # of known minima, of which few functions have more than six


ESCAPE_STEP = 1e-4  # seconds of a step of gradient descent on polynomials, however few runs it has
ESCAPE_RUN = 2e-8  # more, for a run
HALVINGS = 40  # of an interval of learning rates, at most
ESCAPE_BYTES = 400  # of a run


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


def pair_seconds(cloud: Points, pairs: int) -> float:
    """Of pairs of clouds, their distances, and those to the exact barcode."""
    bars = 2 * NOISY * cloud.points
    return pairs * (2 * cloud_seconds(cloud) + 3 * MATCHING * bars)


def optimised_seconds(landscape: AnyLandscape, recipe: Optimised) -> float:
    """Of descents and curves, if the landscape has as many minima as is guessed."""
    minima, curves = recipe.minima, recipe.curves
    gradient = GRADIENT * evaluation(landscape)
    joined = min(MINIMA * MINIMA // 2, MINIMA * recipe.neighbours)
    return minima.epochs * (STEP + recipe.starts * gradient) + curves.epochs * (
        STEP + joined * curves.points * gradient
    )


def saddle_seconds(whole: Saddles, model: str) -> float:
    """Of curves between the known minima, by each optimiser at each size."""
    own = whole.models[model]
    gradient = KNOWN_PAIRS * GRADIENT * evaluation(own.landscape)
    recipes = [of_size(recipe, size) for recipe in own.optimisers.values() for size in whole.sizes]
    return sum(_steps(recipe) * (STEP + _places(recipe) * gradient) for recipe in recipes)


def _steps(recipe: AnyCurves) -> int:
    """Of the longest of all curves; strings, at a failing threshold, train until their rounds are over."""
    failing = recipe.halvings * recipe.family.rounds if isinstance(recipe, Strings) else 1
    return failing * recipe.epochs


def _places(recipe: AnyCurves) -> int:
    """In a step."""
    match recipe:
        case Paths(family=family):
            return family.points
        case Strings():
            return TRAINED_BEADS
    return recipe.points


def string_seconds(own: StringsModel, pairs: int) -> float:
    """Of strings between pairs of points of a landscape; a bead takes all its epochs where a pair does not connect."""
    assert own.landscape
    recipe, levels = own.strings, len(own.thresholds)
    gradient = GRADIENT * evaluation(own.landscape)
    trained = recipe.epochs * recipe.family.rounds * (STEP + pairs * TRAINED_BEADS * gradient)
    checked = pairs * BEADS * (recipe.grid.between + 2 * recipe.grid.refinements) * evaluation(own.landscape)
    return levels * (trained + checked)


def escape_memory(own: EscapeModel) -> int:
    """Most bytes of runs on polynomials."""
    return PROCESS + own.runs * ESCAPE_BYTES


def escape_seconds(own: EscapeModel) -> float:
    """Of runs on the grid of rates, and of those that halve the interval around the smallest that escapes."""
    few = own.bars.number * own.descent.starts
    passes = (1 + HALVINGS) * ESCAPE_STEP + (own.runs + HALVINGS * few) * ESCAPE_RUN
    return own.descent.steps * passes
