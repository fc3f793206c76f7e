"""What a job costs: memory and time, from the size of its network and its recipe. Loads no torch.

The constants are fitted to what benchmarks/resources.md lists; docs/resources.md says how good the fit is.
"""

from dataclasses import dataclass
from itertools import pairwise

from lossbars.experiments import CNNSpec, LeNetSpec, MLPSpec, Model, ResNet195kSpec
from lossbars.recipes import Curves, Descent, Paths, Triangles

MB = 2**20
FLOAT = 4  # bytes
EVALUATED = 1000  # samples at a time in the loss of record


@dataclass(frozen=True)
class Size:
    """Numbers of a data set that decide cost: training and test samples, numbers per sample, outputs."""

    train: int
    test: int
    inputs: int
    outputs: int


SIZES = {
    "digits": Size(1438, 359, 64, 10),
    "mnist": Size(60_000, 10_000, 784, 10),
    "fmnist": Size(60_000, 10_000, 784, 10),
    "cifar10": Size(50_000, 10_000, 3072, 10),
    "svhn": Size(73_257, 26_032, 3072, 10),
}
UNKNOWN_SIZE = Size(50_000, 10_000, 3072, 10)  # a user's own data: as much as CIFAR10


@dataclass(frozen=True)
class Network:
    """Numbers of a network that decide cost."""

    parameters: int
    products: int  # multiply-adds of one forward pass of one sample
    kept: int  # numbers that a forward pass of one sample leaves for the backward pass
    calls: int  # operations of a forward pass, each with its own start-up
    stacked: bool  # whether several run as one, in batched matrix products
    passes: int = 1  # of the whole training set for one loss of record; with BatchNorm 2
    slowness: int = 1  # how many times a product takes what it takes in a matrix product


# a user's own: a small residual network
UNKNOWN_NETWORK = Network(1_000_000, 50_000_000, 300_000, 60, stacked=False, passes=2, slowness=2)
LENET = Network(44_426, 281_640, 11_000, 12, stacked=False, slowness=4)  # few channels


def network(model: Model, size: Size) -> Network:
    """The network of a model on data of a size; of a user's own network nothing is known before it runs."""
    match model.network:
        case MLPSpec() as spec:
            return _mlp(spec, size)
        case LeNetSpec():
            return LENET
        case CNNSpec() as spec:
            return _cnn(spec, size)
        case ResNet195kSpec() as spec:
            return _resnet_195k(spec, size)
    return UNKNOWN_NETWORK


def _mlp(spec: MLPSpec, size: Size) -> Network:
    widths = [size.inputs, *[spec.width] * spec.depth, size.outputs]
    products = sum(a * b for a, b in pairwise(widths))
    return Network(products + sum(widths[1:]), products, 2 * sum(widths[1:]), 2 * spec.depth + 1, stacked=True)


@dataclass(frozen=True)
class Convolution:
    """One layer: channels that it takes and gives, side of its kernel, places of the image, and after a max pool."""

    before: int
    after: int
    kernel: int
    places: int
    pooled: int = 0  # none follows where 0

    @property
    def weights(self) -> int:
        """Without biases."""
        return self.before * self.after * self.kernel**2


def _convolutional(layers: list[Convolution], features: int, norms: int, calls: int, size: Size, kept: int) -> Network:
    """A network of convolutions and a linear layer; ``norms`` are BatchNorm's channels, ``kept`` is theirs."""
    weights = sum(one.weights for one in layers) + features * size.outputs
    biases = sum(one.after for one in layers) + size.outputs
    products = sum(one.weights * one.places for one in layers) + features * size.outputs
    kept += sum(one.after * (2 * one.places + 3 * one.pooled) for one in layers)  # before and after ReLU; 64-bit places
    return Network(weights + biases + 2 * norms, products, kept, calls, stacked=False, passes=2 if norms else 1)


def _cnn(spec: CNNSpec, size: Size) -> Network:
    widths = [_channels(size), *[spec.channels] * spec.depth]
    places = [size.inputs // widths[0] // 4**i for i in range(spec.depth)]
    after = zip(pairwise(widths), places, [*places[1:], 16], strict=True)
    layers = [Convolution(a, b, 5, here, then) for (a, b), here, then in after]
    normed = sum(one.after * one.places for one in layers) if spec.batch_norm else 0
    norms = spec.channels * spec.depth if spec.batch_norm else 0
    return _convolutional(layers, 16 * spec.channels, norms, (4 if norms else 3) * spec.depth + 2, size, normed)


def _resnet_195k(spec: ResNet195kSpec, size: Size) -> Network:
    channels = _channels(size)
    widths, places = [channels, 16, 32, 64, 64], [size.inputs // channels // 4**i for i in range(4)]
    layers = []
    for i, here in enumerate(places):
        if i < 3 or spec.layers == "table":
            layers.append(Convolution(widths[i], widths[i + 1], 3, here))
        layers += [Convolution(widths[i + 1], widths[i + 1], 3, here, pooled) for pooled in (0, here // 4)]
    return _convolutional(layers, 64, 64, 30, size, kept=0)


def _channels(size: Size) -> int:
    """Of an image: grey, or in colours."""
    return 1 if size.inputs % 3 else 3


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

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.epochs * (self.samples // self.batch)


def training(model: Model, kind: str, size: Size, samples: int, stacked: int) -> Training:
    """The minima, curves or triangles of one job."""
    descent = longest(model, kind)
    nodes, free = control_points(descent)
    return Training(
        network(model, size),
        size,
        samples,
        stacked,
        nodes,
        free,
        free if isinstance(descent, Paths) else getattr(descent, "points", 1),
        min(descent.batch_size, samples),
        descent.epochs,
        evaluations(descent),
        2 if descent.optimiser == "adam" else 1,
    )


def longest(model: Model, kind: str) -> Descent:
    """The recipe of a kind; of minima in groups, the one with most epochs stands for all."""
    if kind == "minima" and model.groups:
        return max((own.minima for own in model.groups.values()), key=lambda minima: minima.epochs)
    return model.kinds[kind]


def control_points(descent: Descent) -> tuple[int, int]:
    """How many vectors of the parameters' length one simplex holds, and how many of them move."""
    match descent:
        case Curves(family=family):
            return family.bends + 2, family.bends
        case Paths(family=family):
            return family.points + 2 * insertions(descent), family.points - 2
        case Triangles(sides=sides):
            return 7, 4 if sides == "trained" else 1
    return 1, 1


def insertions(paths: Paths) -> int:
    """How often points may be inserted, two at a time."""
    return (paths.epochs - 1) // paths.family.insertion.every if paths.family.insertion else 0


def evaluations(descent: Descent) -> int:
    """Forward passes over the data that measuring one simplex takes."""
    match descent:
        case Curves(grid=grid):  # the curve and the straight segment
            return 2 * grid.points + 2 * grid.refinements
        case Paths(grid=grid):
            segments = control_points(descent)[0] - 1
            return segments * (grid.between + 1) + 1 + 2 * grid.refinements
        case Triangles(grid=grid):
            return grid.points * (grid.points + 1) // 2 + 4 + 6 * grid.refinements
    return 5  # a minimum: loss, its gradient (three times a forward pass), and the test set


# Memory ------------------------------------------------------------------------------------------

PROCESS = 920 * MB  # a process that has imported torch
DATA = 9  # bytes for each number of a data set: as stored, as float32, and on the way from one to the other


def memory(job: Training) -> int:
    """Most bytes that a training process holds."""
    return PROCESS + data_bytes(job) + vector_bytes(job) + activation_bytes(job)


def device_memory(job: Training) -> int:
    """Most bytes that it holds on a GPU, the libraries' own apart."""
    numbers = job.samples * job.size.inputs
    return FLOAT * numbers + vector_bytes(job) + activation_bytes(job)


def data_bytes(job: Training) -> int:
    """Data sets are read whole, before the samples that are used are taken."""
    return DATA * (job.size.train + job.size.test) * job.size.inputs


def vector_bytes(job: Training) -> int:
    """Vectors of the parameters' length: control points, what moves them, and a checkpoint of it."""
    moved = job.free * (2 + job.moments) + 2 * job.points  # variables, gradients, moments; θ and its gradient
    saved = job.free * (1 + job.moments)
    return FLOAT * job.network.parameters * job.stacked * (3 * job.nodes + moved + saved)


def activation_bytes(job: Training) -> int:
    """What a training step keeps for its backward pass, or an evaluation for the next layer, whichever is more."""
    rows = job.stacked * job.points if job.network.stacked else 1
    step = 2 * rows * job.batch * (job.network.kept + job.size.inputs)
    evaluated = rows if job.network.stacked else 1
    record = evaluated * min(EVALUATED, job.samples) * job.network.kept
    return FLOAT * max(step, record)


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
    own = job.network
    calls = own.calls * (1 if own.stacked else job.stacked * job.points) + 20  # 20: the optimiser, the places
    steps = job.steps * (calls * machine.call + vector_traffic(job) / machine.moved)
    trained = 3 * job.epochs * job.points  # forward, and backward twice
    measured = job.evaluations * own.passes
    products = own.slowness * own.products * job.samples * job.stacked * (trained + measured)
    return machine.start + steps + products / machine.products


def vector_traffic(job: Training) -> int:
    """Bytes of vectors that one training step reads and writes."""
    return FLOAT * job.network.parameters * job.stacked * (job.free * (4 + 2 * job.moments) + 6 * job.points)
