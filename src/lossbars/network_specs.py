"""Networks and data sets that a configuration may name. Loads no torch."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from lossbars.recipes import Recipe
from lossbars.user_files import split_source


class MLPSpec(Recipe):
    """Fully connected: ``depth`` hidden layers of ``width`` units."""

    kind: Literal["mlp"]
    depth: PositiveInt
    width: PositiveInt = 32
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"


class LeNetSpec(Recipe):
    """LeNet of topological-obstructions.txt, appendix I."""

    kind: Literal["lenet"]


class CNNSpec(Recipe):
    """CNN-1-C, CNN-2-C or CNN-3-C of loss-barcode.txt, section 4.2."""

    kind: Literal["cnn"]
    depth: Literal[1, 2, 3]
    channels: PositiveInt
    batch_norm: bool = False  # before each activation


class ResNet195kSpec(Recipe):
    """The residual network of loss-barcode.txt, section 5; its switches are in docs/choices.md."""

    kind: Literal["resnet-195k"]
    layers: Literal["text", "table"] = "text"
    relu_after_sum: bool = False
    pooling: Literal["max", "average"] = "max"
    init: Literal["default", "kaiming"] = "default"


class ResNetSpec(Recipe):
    """ResNet-``depth`` of loss-barcode.txt, section 6, ``width`` times as wide, with or without shortcuts."""

    kind: Literal["resnet"]
    depth: PositiveInt  # 6 n + 2: 20, 56, 110
    width: PositiveInt = 1
    shortcuts: bool = True

    @model_validator(mode="after")
    def _depth(self) -> "ResNetSpec":
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth of a resnet is 6 n + 2, as 8, 20, 56 or 110, not {self.depth}")
        return self


class WideResNetSpec(Recipe):
    """WideResNet-``depth``×``width`` of loss-barcode.txt, section 8, with pre-activation."""

    kind: Literal["wide-resnet"]
    depth: PositiveInt = 16  # 6 n + 4: 10, 16, 28
    width: PositiveInt = 10

    @model_validator(mode="after")
    def _depth(self) -> "WideResNetSpec":
        if self.depth < 10 or self.depth % 6 != 4:
            raise ValueError(f"depth of a wide-resnet is 6 n + 4, as 10, 16 or 28, not {self.depth}")
        return self


class CustomNetwork(Recipe):
    """A user's own module: ``source`` is ``path/to/file.py:Class``, called with ``arguments``."""

    kind: Literal["custom"]
    source: str
    arguments: dict[str, Any] = {}

    @model_validator(mode="after")
    def _file_and_class(self) -> "CustomNetwork":
        split_source(self.source, "network")
        return self


def _network_shorthand(value: Any) -> Any:
    return {"kind": "custom", "source": value} if isinstance(value, str) else value


NetworkSpec = Annotated[
    Annotated[
        MLPSpec | LeNetSpec | CNNSpec | ResNet195kSpec | ResNetSpec | WideResNetSpec | CustomNetwork,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_network_shorthand),
]

DATASETS = ("digits", "mnist", "fmnist", "cifar10", "cifar100", "svhn")


def _known_data(value: Any) -> Any:
    if isinstance(value, str) and value not in DATASETS:
        if ":" not in value:
            raise ValueError(f"unknown data set {value!r}: one of {', '.join(DATASETS)}, or path/to/my_data.py:load")
        split_source(value, "data")
    return value


DataName = Annotated[str, BeforeValidator(_known_data)]
