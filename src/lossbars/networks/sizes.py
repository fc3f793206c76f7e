"""Sizes of networks, that decide what a job costs. Loads no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lossbars.datasets.specs import Size


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


def convolutional(
    layers: Sequence[Convolution], features: int, norms: int, calls: int, data: Size, kept: int = 0
) -> Network:
    """A network of convolutions and a linear layer of ``features`` inputs.

    ``norms`` are the channels of BatchNorm, ``kept`` the numbers that these keep for the backward pass.
    """
    weights = sum(layer.weights for layer in layers) + features * data.outputs
    biases = sum(layer.after for layer in layers) + data.outputs
    products = sum(layer.weights * layer.places for layer in layers) + features * data.outputs
    # before and after ReLU; places of the max pool in 64 bits
    kept += sum(layer.after * (2 * layer.places + 3 * layer.pooled) for layer in layers)
    return Network(weights + biases + 2 * norms, products, kept, calls, stacked=False, passes=2 if norms else 1)


def stage(before: int, after: int, blocks: int, places: int, shortcut: int) -> list[Convolution]:
    """Convolutions of a stage, the 1 × 1 of its first block, where there is one, before all others."""
    first = [Convolution(before, after, 1, places)] * (shortcut if before != after else 0)
    inner = [Convolution(before if i == 0 else after, after, 3, places) for i in range(2 * blocks)]
    return first + inner


def residual(layers: Sequence[Convolution], features: int, norms: int, biases: bool, calls: int, data: Size) -> Network:
    """A residual network with BatchNorm, from its convolutions."""
    network = convolutional(layers, features, norms, calls, data)
    parameters = network.parameters - (0 if biases else sum(layer.after for layer in layers))
    widest = max(layer.after * layer.places for layer in layers)
    return replace(network, parameters=parameters, slowness=2, measured=5 * widest)
