"""A user's own data set."""

from collections.abc import Mapping

from torch import Tensor

from lossbars.datasets.dataset import PARTS, DataError, Dataset
from lossbars.user_files import load_object


def load_custom(source: str) -> Dataset:
    """What ``path/to/my_data.py:load`` returns: four tensors, in the order of PARTS or under these names."""
    found = load_object(source, "data")()
    parts = [found[name] for name in PARTS] if isinstance(found, Mapping) and set(PARTS) <= set(found) else found
    if not isinstance(parts, tuple | list) or len(parts) != 4 or not all(isinstance(part, Tensor) for part in parts):
        raise DataError(f"data {source!r}: must return the tensors {', '.join(PARTS)}, in this order or by name")
    try:
        return Dataset(*parts)
    except DataError as error:
        raise DataError(f"data {source!r}: {error}") from None
