"""Sizes of networks, that decide what a job costs. Loads no torch."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import isqrt

from lossbars.datasets.sizes import Size
from lossbars.networks.specs import (
    CNNSpec,
    ConvFCSpec,
    GPTSpec,
    LeNetSpec,
    LSTMSpec,
    MLPSpec,
    NetworkSpec,
    ResNet195kSpec,
    ResNetSpec,
    WideResNetSpec,
)


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
    measured: int = 0  # numbers of one sample that a pass without a backward pass holds at a time; 0: all that are kept


# a user's own: a small residual network
UNKNOWN_NETWORK = Network(1_000_000, 50_000_000, 300_000, 60, stacked=False, passes=2, slowness=2)
LENET = Network(44_426, 281_640, 11_000, 12, stacked=False, slowness=4)  # few channels


def network(spec: NetworkSpec, size: Size) -> Network:
    """The cost of a network on data of a size; of a user's network nothing is known before it runs."""
    match spec:
        case MLPSpec():
            return _mlp(spec, size)
        case LeNetSpec():
            return LENET
        case CNNSpec():
            return _cnn(spec, size)
        case ConvFCSpec():
            return _conv_fc(spec, size)
        case ResNet195kSpec():
            return _resnet_195k(spec, size)
        case ResNetSpec():
            return _resnet(spec, size)
        case WideResNetSpec():
            return _wide_resnet(spec, size)
        case GPTSpec():
            return _gpt(spec, size)
        case LSTMSpec():
            return _lstm(spec, size)
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


def _conv_fc(spec: ConvFCSpec, size: Size) -> Network:
    widths, sides = [_channels(size), *spec.channels], [isqrt(size.inputs // _channels(size))]
    for _ in spec.channels:
        sides.append(-(-sides[-1] // 2))
    pairs = zip(pairwise(widths), pairwise(sides), strict=True)
    layers = [Convolution(a, b, 5, here**2, then**2) for (a, b), (here, then) in pairs]
    connected = [widths[-1] * sides[-1] ** 2, *spec.hidden, size.outputs]
    linear = sum(a * b for a, b in pairwise(connected))
    parameters = sum(one.weights + one.after for one in layers) + linear + sum(connected[1:])
    products = sum(one.weights * one.places for one in layers) + linear
    kept = sum(one.after * (one.places + 3 * one.pooled) for one in layers) + 3 * sum(spec.hidden)
    calls = 3 * len(layers) + 3 * len(spec.hidden) + 2
    if spec.norm != "none":  # the first after its pool; each in eight operations, which keep four numbers of one
        kept += 4 * sum(one.after * (one.places if i else one.pooled) for i, one in enumerate(layers))
        calls += 8 * len(layers)
    return Network(parameters, products, kept, calls, stacked=False)


def _resnet_195k(spec: ResNet195kSpec, size: Size) -> Network:
    channels = _channels(size)
    widths, places = [channels, 16, 32, 64, 64], [size.inputs // channels // 4**i for i in range(4)]
    layers = []
    for i, here in enumerate(places):
        if i < 3 or spec.layers == "table":
            layers.append(Convolution(widths[i], widths[i + 1], 3, here))
        layers += [Convolution(widths[i + 1], widths[i + 1], 3, here, pooled) for pooled in (0, here // 4)]
    return _convolutional(layers, 64, 64, 30, size, kept=0)


def _resnet(spec: ResNetSpec, size: Size) -> Network:
    n, width = (spec.depth - 2) // 6, 16 * spec.width
    layers = [Convolution(_channels(size), width, 3, places := size.inputs // _channels(size))]
    for stage in range(3):
        layers += _stage(width // 2 if stage else width, width, n, places, 1 if spec.shortcuts else 0)
        width, places = 2 * width, places // 4
    return _residual(layers, width // 2, sum(one.after for one in layers), False, 7 * 3 * n, size)


def _wide_resnet(spec: WideResNetSpec, size: Size) -> Network:
    n, before, width = (spec.depth - 4) // 6, 16, 16 * spec.width
    layers, norms = [Convolution(_channels(size), 16, 3, places := size.inputs // _channels(size))], 0
    for stage in range(3):
        layers += _stage(before, width, n, places, 1)
        norms += before + (2 * n - 1) * width
        if stage:  # its first convolution is before the stride
            layers[-2 * n - 1] = replace(layers[-2 * n - 1], places=4 * places)
        before, width, places = width, 2 * width, places // 4
    return _residual(layers, before, norms + before, True, 7 * 3 * n, size)


def _stage(before: int, after: int, blocks: int, places: int, shortcut: int) -> list[Convolution]:
    """Convolutions of a stage, the 1 × 1 of its first block, where there is one, before all others."""
    first = [Convolution(before, after, 1, places)] * (shortcut if before != after else 0)
    inner = [Convolution(before if i == 0 else after, after, 3, places) for i in range(2 * blocks)]
    return first + inner


def _residual(layers: list[Convolution], features: int, norms: int, biases: bool, calls: int, size: Size) -> Network:
    """What follows from the convolutions of a residual network with BatchNorm."""
    found = _convolutional(layers, features, norms, calls, size, kept=0)
    parameters = found.parameters - (0 if biases else sum(one.after for one in layers))
    widest = max(one.after * one.places for one in layers)
    return replace(found, parameters=parameters, slowness=2, measured=5 * widest)


def _gpt(spec: GPTSpec, size: Size) -> Network:
    tokens, width, ends = size.inputs, spec.width, size.inputs * spec.width
    weights = spec.layers * 12 * width**2 + width * size.outputs
    others = spec.layers * 10 * width + (size.outputs + tokens) * width + 2 * width + size.outputs
    scores = spec.heads * tokens**2  # of all tokens on all: a mask hides the later ones
    products = tokens * weights + spec.layers * 2 * tokens**2 * width
    # with dropout attention keeps its scores, their softmax and what is left of it, without it none
    kept = spec.layers * (14 * ends + 3 * scores if spec.dropout else 12 * ends) + tokens * size.outputs + 2 * ends
    return Network(weights + others, products, kept, 24 * spec.layers + 6, stacked=False)


def _lstm(spec: LSTMSpec, size: Size) -> Network:
    tokens, width, ends = size.inputs, spec.width, size.inputs * spec.width
    weights = spec.layers * 8 * width**2 + width * size.outputs
    others = spec.layers * 8 * width + size.outputs * width + size.outputs
    # gates and states of all steps, in oneDNN's workspace
    kept = spec.layers * (21 if spec.dropout else 19) * ends + tokens * size.outputs + 2 * ends
    return Network(weights + others, tokens * weights, kept, 3 * spec.layers + 4, stacked=False)


def _channels(size: Size) -> int:
    """Of an image: grey, or in colours."""
    return 1 if size.inputs % 3 else 3
