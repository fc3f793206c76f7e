"""A user's data set."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lossbars.datasets.dataset import PARTS, DataError, Dataset
from lossbars.user_files import load_object


def load(source: str, data_root: Path | None, downloads: Path) -> Dataset:  # noqa: ARG001 (the user's function knows)
    """What ``path/to/my_data.py:load`` returns: four tensors, in the order of PARTS or under these names."""
    parts = load_object(source, "data")()
    if isinstance(parts, Mapping) and set(PARTS) <= set(parts):
        parts = [parts[name] for name in PARTS]
    if not isinstance(parts, tuple | list) or len(parts) != 4 or not all(isinstance(part, Tensor) for part in parts):
        raise DataError(f"data {source!r}: must return the tensors {', '.join(PARTS)}, in this order or by name")
    try:
        return Dataset(*parts)
    except DataError as error:
        raise DataError(f"data {source!r}: {error}") from None
