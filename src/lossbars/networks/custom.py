"""A user's network."""

from functools import partial

from torch import nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import CustomNetwork
from lossbars.user_files import load_object


def load_network(source: str) -> type[nn.Module]:
    """The ``nn.Module`` class named ``path/to/file.py:Class``. Raises ValueError if it is none."""
    network = load_object(source, "network")
    if not (isinstance(network, type) and issubclass(network, nn.Module)):
        raise ValueError(f"network {source!r}: not a subclass of torch.nn.Module")
    return network


def maker(spec: CustomNetwork, _: DataShape) -> Maker:
    """A function that makes the network of a configuration. Raises ValueError for no ``nn.Module``."""
    return partial(load_network(spec.source), **spec.arguments)
