"""What a training costs, from the size of its network and its recipe, and asks of the machine. Loads no torch.

The constants are fitted to what benchmarks/resources.md lists; docs/resources.md says how good the fit is.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from lossbars.datasets.specs import Size, size_of
from lossbars.networks.sizes import Network
from lossbars.networks.specs import NetworkSpec
from lossbars.recipes import Curvature, Curves, Descent, Paths, Polish, Settle, Strings, Triangles
from lossbars.recipes.refinement import peaks, refined
from lossbars.workflow.data_sets import data_of
from lossbars.workflow.resources import MB, MEMORY_SAFETY, Request, cpu_request, mem_mb, minutes

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

FLOAT = 4  # bytes
EVALUATED, EVALUATED_TOKENS = 1000, 2**14  # samples, of text tokens, at a time in the loss of record
BEADS, TRAINED_BEADS = 20, 3  # of a string, and of them trained at a time; by need, so both are guesses
STATISTICS = 2**31  # bytes of a graph of BatchNorm's statistics that is held, at most
MEASURED, OUTPUTS = 2**26, 2**24  # parameters and outputs of all networks that are measured at a time


@dataclass(frozen=True)
class Training:
    """One job that trains: ``stacked`` simplices, their control points, and the passes that it makes."""

    network: Network
    size: Size
    samples: int  # of the training set, that are used
    stacked: int
    nodes: int  # control points of one simplex
    free: int  # of them, moved
    points: int  # places of one simplex in a step
    batch: int
    epochs: int
    evaluations: int  # losses of record of one simplex
    moments: int  # that the optimiser keeps of each variable
    settling: int = 0  # forward passes over the data that a quasi-Newton method takes afterwards, for one simplex
    statistics: int = 0  # bytes of the graph of a batch of BatchNorm's statistics, for the gradient of the objective
    pairs: int = 0  # vectors of the parameters' length, in float32, that it keeps of one simplex

    @property
    def steps(self) -> int:
        """Of all epochs."""
        return self.epochs * (self.samples // self.batch)


def training(spec: NetworkSpec, descent: Descent, size: Size, samples: int, stacked: int) -> Training:
    """The minima, curves or triangles of one job, trained by one recipe."""
    nodes, free = control_points(descent)
    return Training(
        spec.size(size),
        size,
        samples,
        stacked,
        nodes,
        free,
        free if isinstance(descent, Paths | Strings) else getattr(descent, "points", 1),
        min(descent.batch_size, samples),
        descent.epochs * (descent.halvings if isinstance(descent, Strings) else 1),
        evaluations(descent),
        1 if descent.optimiser == "sgd" else 2,
    )


def with_settling(job: Training, recipe: Polish | Settle | None) -> Training:
    """The job with a quasi-Newton method after the training; a gradient costs three forward passes."""
    if recipe is None:
        return job
    words = 2 if recipe.precision == "float64" else 1
    nodes = job.nodes if isinstance(recipe, Settle) else 1
    normed = job.network.passes == 2  # BatchNorm: its statistics are differentiated too, by another way forth and back
    graph = words * FLOAT * job.network.kept * min(EVALUATED, job.samples) if normed else 0
    # steps and changes of the gradient, ten vectors on the way; twice all that while rows leave the stack
    return replace(
        job,
        settling=(4 if normed else 3) * words * recipe.passes,  # of two passes each with BatchNorm
        statistics=2 * min(graph, STATISTICS),
        pairs=2 * words * nodes * (2 * recipe.history + 10),
    )


def curvature(job: Training, recipe: Curvature, double: bool) -> Training:
    """Products of Hessians at the minima that ``job`` trains, without the training; a product costs four gradients.

    Where graphs of gradients can be kept, products cost half as much and four times as many are made.
    """
    words = 2 if double else 1
    passes = 3 * 2 * words * recipe.products
    vectors = words * (recipe.products + 10)
    return replace(job, epochs=0, batch=min(3 * EVALUATED, job.samples), settling=passes, pairs=vectors)


def control_points(descent: Descent) -> tuple[int, int]:
    """How many vectors of the parameters' length one simplex holds, and how many of them move."""
    match descent:
        case Curves(family=family):
            return family.bends + 2, family.bends
        case Paths(family=family):
            return family.points + 2 * insertions(descent), family.points - 2
        case Strings():
            return BEADS, TRAINED_BEADS
        case Triangles(sides=sides):
            return 7, 4 if sides == "trained" else 1
    return 1, 1


def insertions(paths: Paths) -> int:
    """How often points may be inserted, two at a time."""
    return max(0, paths.climbs_from - 1) // paths.family.insertion.every if paths.family.insertion else 0


def evaluations(descent: Descent) -> int:
    """Forward passes over the data that measuring one simplex takes."""
    match descent:
        case Curves(grid=grid):  # the curve and the straight segment
            return 2 * grid.points + refined(grid.points - 1, grid.refinements)
        case Paths(grid=grid):
            segments = control_points(descent)[0] - 1
            places = segments * (grid.between + 1)
            return places + 1 + refined(places, grid.refinements)
        case Strings(grid=grid, halvings=halvings):
            return halvings * BEADS * grid.of_segment
        case Triangles(grid=grid):
            around = sum(peaks(number) for number in range(1, grid.refinements + 1))
            return grid.points * (grid.points + 1) // 2 + 4 + 6 * around
    return 5  # a minimum: loss, its gradient (three times a forward pass), and the test set


# Memory ------------------------------------------------------------------------------------------

PROCESS = 920 * MB  # a process that has imported torch
DATA = 9  # bytes for each number of a data set: as stored, as float32, and on the way from one to the other


def memory(job: Training) -> int:
    """Most bytes that a training process holds."""
    return PROCESS + data_bytes(job) + vector_bytes(job) + activation_bytes(job)


def device_memory(job: Training) -> int:
    """Most bytes that it holds on a GPU, those of the libraries apart."""
    numbers = job.samples * job.size.inputs
    return (2 if job.size.text else FLOAT) * numbers + vector_bytes(job) + activation_bytes(job)


def data_bytes(job: Training) -> int:
    """Data sets are read in full, before the samples that are used are taken; a text is a map of its file."""
    return (1 if job.size.text else DATA) * (job.size.train + job.size.test) * job.size.inputs


def vector_bytes(job: Training) -> int:
    """Vectors of the parameters' length: control points, what moves them, and a checkpoint of it."""
    moved = job.free * (2 + job.moments) + 2 * job.points  # variables, gradients, moments; θ and its gradient
    saved = job.free * (1 + job.moments)
    together = min(MEASURED, job.network.parameters * job.stacked * job.evaluations)  # θ of all places of a profile
    vectors = max(moved + saved, job.pairs)
    return FLOAT * (job.network.parameters * job.stacked * (3 * job.nodes + vectors) + together)


def activation_bytes(job: Training) -> int:
    """What a training step keeps for its backward pass, or an evaluation for the next layer, whichever is more."""
    rows = job.stacked * job.points if job.network.stacked else 1
    step = 2 * rows * job.batch * (job.network.kept + job.size.inputs)
    evaluated = rows if job.network.stacked else 1
    samples = evaluated_windows(job.size) if job.size.text else EVALUATED
    record = evaluated * min(samples, job.samples) * (job.network.measured or job.network.kept)
    return max(FLOAT * max(step, record), job.statistics) + FLOAT * output_numbers(job, min(samples, job.samples))


def evaluated_windows(size: Size) -> int:
    """Windows of a text at a time in the loss of record: fewer, where a token has many outputs."""
    return max(1, min(EVALUATED_TOKENS, OUTPUTS // size.outputs) // size.inputs)


def output_numbers(job: Training, samples: int) -> int:
    """Outputs of all networks that are measured at a time, their losses, and what is on the way between."""
    one = samples * job.size.outputs * (job.size.inputs if job.size.text else 1)
    return 3 * max(one, min(OUTPUTS, one * job.stacked * job.evaluations))


# Time --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """How fast one core, or one GPU, is."""

    start: float  # seconds until a process has imported torch and read its data
    call: float  # seconds that one operation costs, however small, in a training step and its backward pass
    products: float  # multiply-adds a second
    moved: float  # bytes a second, of vectors that pass through memory


def seconds(job: Training, machine: Machine) -> float:
    """Time of a training process."""
    network = job.network
    calls = network.calls * (1 if network.stacked else job.stacked * job.points) + 20  # 20: the optimiser, the places
    steps = job.steps * (calls * machine.call + vector_traffic(job) / machine.moved)
    trained = 3 * job.epochs * job.points  # forward, and backward twice
    measured = (job.evaluations + job.settling) * network.passes
    products = network.slowness * network.products * job.samples * job.stacked * (trained + measured)
    return machine.start + steps + products / machine.products


def vector_traffic(job: Training) -> int:
    """Bytes of vectors that one training step reads and writes."""
    return FLOAT * job.network.parameters * job.stacked * (job.free * (4 + 2 * job.moments) + 6 * job.points)


# Requests ----------------------------------------------------------------------------------------

CORE = Machine(start=10.0, call=2e-4, products=1.5e10, moved=5e9)
# No GPU was at hand: its calls are taken to cost what a core's do, its arithmetic to be 200 times as fast.
GPU = Machine(start=30.0, call=2e-4, products=3e12, moved=1e12)
GPU_CONTEXT_MB = 1000


def data_size(plan: "Plan", experiment: str) -> tuple[Size, int]:
    """The size of an experiment's data set, and how many of its training samples are used."""
    config: Any = plan.experiments[experiment]
    size = size_of(data_of(plan, experiment), plan.data_root)
    return size, max(1, round(min(config.samples or size.train, size.train) * plan.scale.samples))


@cache
def training_request(job: Training, gpu: bool) -> Request:
    """What a training asks for, on a GPU or on one core."""
    if not gpu:
        return cpu_request(memory(job), seconds(job, CORE))
    on_device = GPU_CONTEXT_MB + math.ceil(MEMORY_SAFETY * device_memory(job) / MB)
    return Request(1, mem_mb(memory(job)), on_device, minutes(seconds(job, GPU)))
