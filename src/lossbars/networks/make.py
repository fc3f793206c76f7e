"""From what a configuration says of a network to the network itself."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from torch import nn

from lossbars.networks.specs import NetworkSpec, check_fit

Maker = Callable[[], nn.Module]


@dataclass(frozen=True)
class DataShape:
    """The data that a network must fit: the shape of one input, the number of outputs, and whether inputs are text."""

    inputs: tuple[int, ...]
    outputs: int
    tokens: bool = False


def network_maker(spec: NetworkSpec, shape: DataShape) -> Maker:
    """A function that makes the network anew, initialised from torch's global generator.

    Raises ValueError where the network cannot read the data.
    """
    check_fit(spec, shape.tokens)
    return import_module(spec.module).maker(spec, shape)
