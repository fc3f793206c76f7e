"""Data sets that a configuration may name. Loads no torch."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag

from lossbars.recipes import Recipe, yaml_number
from lossbars.user_files import split_source

DATASETS = ("digits", "mnist", "fmnist", "cifar10", "cifar100", "svhn", "ptb")
PTB_FILES = ("ptb/ptb.train.txt", "ptb/ptb.valid.txt", "ptb/ptb.test.txt")  # below data_root, never downloaded


def _whole(value: Any) -> Any:
    """``1.0e8`` is a whole number too."""
    number = yaml_number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else value


class TextData(Recipe):
    """UTF-8 files, read byte by byte: each window of ``context`` of them is a sample."""

    kind: Literal["text"]
    path: Annotated[str, Field(min_length=1)]  # a file or a folder, absolute or below data_root
    context: PositiveInt = 256
    tokens: Annotated[PositiveInt | None, BeforeValidator(_whole)] = None  # training and test; all where null
    test: Annotated[float, Field(gt=0, lt=1), BeforeValidator(yaml_number)] = 0.1  # the last share of each file
    vocabulary: Literal["bytes"] = "bytes"

    @property
    def title(self) -> str:
        """What messages call it."""
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
    return isinstance(data, TextData) or data == "ptb"
