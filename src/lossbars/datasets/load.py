"""Data sets by their names: fetched, verified, and read into tensors."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from lossbars.datasets.dataset import Dataset
from lossbars.datasets.specs import TextData, module_of


def load_dataset(name: str, data_root: Path | None, downloads: Path) -> Dataset:
    """The data set called ``name`` in config.yaml.

    Files are taken from ``data_root`` (torchvision's layout) where they are, else downloaded into
    ``downloads``, but for ``ptb``; checksums are verified either way. Raises DataError, saying what to do.
    """
    return import_module(module_of(name)).load(name, data_root, downloads)


def load_text(data: TextData, data_root: Path | None) -> dict[str, tuple[int, Iterator[bytes]]]:
    """Training and test text, as :func:`lossbars.datasets.text.text_streams` gives them."""
    return import_module(module_of(data)).text_streams(data, data_root)
