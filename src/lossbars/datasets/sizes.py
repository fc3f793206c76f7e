"""Sizes of data sets, that decide what a job costs. Loads no torch."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lossbars.datasets.specs import TextData


@dataclass(frozen=True)
class Size:
    """Numbers of a data set that decide cost: training and test samples, numbers per sample, outputs."""

    train: int
    test: int
    inputs: int
    outputs: int
    text: bool = False  # samples are windows of tokens, which stay on disk until they are used


SIZES = {
    "digits": Size(1438, 359, 64, 10),
    "mnist": Size(60_000, 10_000, 784, 10),
    "fmnist": Size(60_000, 10_000, 784, 10),
    "cifar10": Size(50_000, 10_000, 3072, 10),
    "cifar100": Size(50_000, 10_000, 3072, 100),
    "svhn": Size(73_257, 26_032, 3072, 10),
    "ptb": Size(46_479, 4_121, 20, 10_000, text=True),
}
UNKNOWN_SIZE = Size(50_000, 10_000, 3072, 10)  # a user's own data: as much as CIFAR10
UNKNOWN_TEXT = 100_000_000  # bytes of a text that is not there yet
PACKED = 3  # bytes of a text, for one of its gzip file


@cache  # a plan asks for the same few again and again
def size_of(data: str | TextData, data_root: str | None) -> Size:
    """What is known of a data set before anything is read: of a text, the bytes asked for, or those of its files."""
    if isinstance(data, str):
        return SIZES.get(data, UNKNOWN_SIZE)
    place = Path(data_root or "") / Path(data.path).expanduser()
    there = place.exists() and (place.is_absolute() or data_root is not None)
    size = data.tokens or (_bytes(place) if there else 0) or UNKNOWN_TEXT
    test = round(size * data.test)
    return Size(max(1, (size - test) // data.context), max(1, test // data.context), data.context, 256, text=True)


def _bytes(place: Path) -> int:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size * (PACKED if path.suffix == ".gz" else 1) for path in files)
