"""A user's own network."""

from torch import nn

from lossbars.user_files import load_object


def load_network(source: str) -> type[nn.Module]:
    """The ``nn.Module`` class named ``path/to/file.py:Class``. Raises ValueError if it is none."""
    found = load_object(source, "network")
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ValueError(f"network {source!r}: not a subclass of torch.nn.Module")
    return found
