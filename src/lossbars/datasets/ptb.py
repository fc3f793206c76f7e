"""The Penn Treebank as Mikolov prepared it, word by word: three files in ``ROOT/ptb``, which nothing downloads.

Samples are windows of 20 words that follow each other, without overlap; each target is the word after.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from jaxtyping import Int16
from torch import Tensor

from lossbars.datasets.dataset import DataError, Dataset, windows
from lossbars.datasets.files import verify
from lossbars.datasets.specs import DATASETS

FILES = DATASETS["ptb"].needs
CONTEXT = 20  # words of a window: the steps that Zaremba et al. 2014 unroll
END = "<eos>"  # after each line
CHECKSUMS = (
    "f26c4b92c5fdc7b3f8c7cdcb991d8420",
    "aa0affc06ff7c36e977d7cd49e3839bf",
    "8b80168b89c18661a38ef683c0dc3721",
)
ADVICE = (
    "it is not downloaded here: put {names} of Mikolov's simple-examples (there in data/) into {folder}/"
    " and set data_root in config.yaml"
)


def load(name: str, data_root: Path | None, downloads: Path) -> Dataset:  # noqa: ARG001 (nothing is downloaded)
    """46,479 + 4,121 windows (20,) of 10,000 words, int16; the validation file is verified, and not used.

    Raises DataError, saying what to do, where files are missing or damaged.
    """
    if problem := missing(data_root):
        raise DataError(": ".join(problem))
    files = [(data_root or Path()) / file for file in FILES]
    for path, checksum in zip(files, CHECKSUMS, strict=True):
        verify(path, checksum)
    train, test = words(files[0]), words(files[2])
    numbers = vocabulary(train)
    (train_x, train_y), (test_x, test_y) = (windows(_encoded(text, numbers), CONTEXT) for text in (train, test))
    return Dataset(train_x, train_y, test_x, test_y, len(numbers))


def missing(data_root: Path | None) -> tuple[str, str] | None:
    """The files that are missing, and advice; None if all are there."""
    lacking = [name for name in FILES if data_root is None or not (data_root / name).is_file()]
    if not lacking:
        return None
    folder = (data_root or Path("DATA_ROOT")) / "ptb"
    looked = f"{folder} lacks {', '.join(Path(name).name for name in lacking)}" if data_root else "no data_root is set"
    return f"ptb: {looked}", ADVICE.format(names=", ".join(Path(name).name for name in FILES), folder=folder)


def words(path: Path) -> list[str]:
    """The words of a file in their order, each line ended by ``<eos>``."""
    return [word for line in path.read_text("utf-8").splitlines() for word in (*line.split(), END)]


def vocabulary(text: Iterable[str]) -> dict[str, int]:
    """Word → number, by falling frequency, and by the alphabet where words are as frequent."""
    counts = Counter(text)
    return {word: i for i, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word)))}


def _encoded(text: list[str], numbers: dict[str, int]) -> Int16[Tensor, " n"]:
    if unknown := [word for word in text if word not in numbers]:
        raise DataError(f"ptb: the test file has {unknown[0]!r}, which is no word of the training file")
    return torch.tensor([numbers[word] for word in text], dtype=torch.int16)
