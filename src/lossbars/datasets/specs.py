"""Data sets that a configuration may name, and their sizes. Loads no torch.

The module of a known data set in ``lossbars.datasets`` has a function ``load(name, data_root, downloads)``, and
``files(name)`` where it reads files that can be downloaded.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag

from lossbars.recipes import Recipe, yaml_number
from lossbars.user_files import split_source


@dataclass(frozen=True)
class Size:
    """Numbers of a data set that decide cost: training and test samples, numbers per sample, outputs."""

    train: int
    test: int
    inputs: int
    outputs: int
    text: bool = False  # samples are windows of tokens, which stay on disk until they are used

    @property
    def channels(self) -> int:
        """Of an image: grey, or in colours."""
        return 1 if self.inputs % 3 else 3


@dataclass(frozen=True)
class KnownData:
    """Facts about a data set that planning needs."""

    module: str  # in lossbars.datasets
    size: Size
    needs: tuple[str, ...] = ()  # files below data_root, of a data set that is never downloaded
    comes_with: str = ""  # the package that brings it, of a data set that needs no files


DATASETS = {
    "digits": KnownData("digits", Size(1438, 359, 64, 10), comes_with="scikit-learn"),
    "mnist": KnownData("mnist", Size(60_000, 10_000, 784, 10)),
    "fmnist": KnownData("mnist", Size(60_000, 10_000, 784, 10)),
    "cifar10": KnownData("cifar", Size(50_000, 10_000, 3072, 10)),
    "cifar100": KnownData("cifar", Size(50_000, 10_000, 3072, 100)),
    "svhn": KnownData("svhn", Size(73_257, 26_032, 3072, 10)),
    "ptb": KnownData(
        "ptb",
        Size(46_479, 4_121, 20, 10_000, text=True),
        needs=("ptb/ptb.train.txt", "ptb/ptb.valid.txt", "ptb/ptb.test.txt"),
    ),
}
UNKNOWN_SIZE = Size(50_000, 10_000, 3072, 10)  # a user's own data: as much as CIFAR10
UNKNOWN_TEXT = 100_000_000  # bytes of a text that is not there yet
PACKED = 3  # bytes of a text, for one of its gzip file


def _integer(value: Any) -> Any:
    """YAML's ``1.0e8`` as an integer."""
    number = yaml_number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else value


class TextData(Recipe):
    """UTF-8 files, read byte by byte: each window of ``context`` of them is a sample."""

    kind: Literal["text"]
    path: Annotated[str, Field(min_length=1)]  # a file or a folder, absolute or below data_root
    context: PositiveInt = 256
    tokens: Annotated[PositiveInt | None, BeforeValidator(_integer)] = None  # training and test; all where null
    test: Annotated[float, Field(gt=0, lt=1), BeforeValidator(yaml_number)] = 0.1  # the last share of each file
    vocabulary: Literal["bytes"] = "bytes"

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"text {self.path}"


def _known_data(value: Any) -> Any:
    if isinstance(value, str) and value not in DATASETS:
        if ":" not in value:
            raise ValueError(f"unknown data set {value!r}: one of {', '.join(DATASETS)}, or path/to/my_data.py:load")
        split_source(value, "data")
    return value


def _text_or_name(value: Any) -> str:
    return "text" if isinstance(value, dict | TextData) else "name"


DataName = Annotated[str, BeforeValidator(_known_data)]
AnyData = Annotated[Annotated[DataName, Tag("name")] | Annotated[TextData, Tag("text")], Discriminator(_text_or_name)]


def is_text(data: str | TextData) -> bool:
    """Whether samples are windows of tokens, bytes or words; what a user's function returns is seen when it runs."""
    return isinstance(data, TextData) or (data in DATASETS and DATASETS[data].size.text)


def module_of(data: str | TextData) -> str:
    """The module that reads a data set."""
    name = "text" if isinstance(data, TextData) else DATASETS[data].module if data in DATASETS else "custom"
    return f"lossbars.datasets.{name}"


@cache  # a plan asks for the same few again and again
def size_of(data: str | TextData, data_root: str | None) -> Size:
    """The size of a data set, without reading it; of a text from the tokens asked for, or from the sizes of files."""
    if isinstance(data, str):
        return DATASETS[data].size if data in DATASETS else UNKNOWN_SIZE
    place = Path(data_root or "") / Path(data.path).expanduser()
    there = place.exists() and (place.is_absolute() or data_root is not None)
    size = data.tokens or (_bytes(place) if there else 0) or UNKNOWN_TEXT
    test = round(size * data.test)
    return Size(max(1, (size - test) // data.context), max(1, test // data.context), data.context, 256, text=True)


def _bytes(place: Path) -> int:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size * (PACKED if path.suffix == ".gz" else 1) for path in files)
