"""What a job asks of the machine, from the size of its model and its recipe. Loads no torch."""

from dataclasses import dataclass
from itertools import pairwise

from lossbars.experiments import CustomNetwork, LeNetSpec, Model
from lossbars.recipes import Bezier, Chain, Descent

PROCESS_MB = 1200  # a process that imports torch, with room for its allocator
FLOPS = 1e10  # float32 operations a second that one core is sure to reach


@dataclass(frozen=True)
class Size:
    """Numbers that decide cost: training samples, numbers per sample, outputs."""

    samples: int
    inputs: int
    outputs: int


SIZES = {"digits": Size(1438, 64, 10), "mnist": Size(60_000, 784, 10), "fmnist": Size(60_000, 784, 10)}
UNKNOWN_SIZE = Size(50_000, 3072, 10)  # a user's own data: as much as CIFAR10
UNKNOWN_NETWORK = (1_000_000, 50_000_000)  # a user's own network: parameters, multiply-adds per sample


def network_cost(model: Model, size: Size) -> tuple[int, int]:
    """Parameters, and multiply-adds of one forward pass of one sample."""
    network = model.network
    if isinstance(network, LeNetSpec):
        return 44_426, 281_640
    if isinstance(network, CustomNetwork):
        return UNKNOWN_NETWORK
    widths = [size.inputs, *[network.width] * network.depth, size.outputs]
    products = sum(a * b for a, b in pairwise(widths))
    return products + sum(widths[1:]), products


def evaluations(model: Model, kind: str) -> int:
    """Passes over the data that measuring one simplex takes."""
    if kind == "minima":
        return 4
    grid = (model.curves if kind == "curves" else model.triangles).grid  # type: ignore[union-attr]
    if kind == "curves":
        return 2 * grid.points + 2 * grid.refinements
    return grid.points * (grid.points + 1) // 2 + 6 * grid.refinements


def control_points(model: Model, kind: str) -> int:
    """Vectors of the parameters' length that one simplex holds."""
    family = model.curves.family
    bends = family.bends if isinstance(family, Chain | Bezier) else 0
    return {"minima": 1, "curves": bends + 2, "triangles": 7}[kind]


def memory_mb(model: Model, kind: str, size: Size, stacked: int, attempt: int) -> int:
    """Data, vectors of parameters (control points, moments, gradients) and activations; ×attempt."""
    descent: Descent = getattr(model, kind)
    parameters, products = network_cost(model, size)
    data = size.samples * size.inputs * 6
    vectors = stacked * parameters * 4 * (4 * control_points(model, kind) + 4)
    activations = 8 * stacked * max(descent.batch_size, 1000) * min(products // 10, 100_000)
    return (PROCESS_MB + (data + vectors + activations) // 2**20) * attempt


def minutes(model: Model, kind: str, size: Size, stacked: int, attempt: int) -> int:
    """Three products per sample and step, one per sample of an evaluation; at least 10 minutes; ×attempt."""
    descent: Descent = getattr(model, kind)
    _, products = network_cost(model, size)
    points = getattr(descent, "points", 1)
    passes = 3 * descent.epochs * points + evaluations(model, kind)
    return (10 + round(2 * products * size.samples * stacked * passes / FLOPS / 60)) * attempt
