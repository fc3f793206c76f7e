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
    Annotated[MLPSpec | LeNetSpec | CNNSpec | ResNet195kSpec | CustomNetwork, Field(discriminator="kind")],
    BeforeValidator(_network_shorthand),
]

DATASETS = ("digits", "mnist", "fmnist", "cifar10", "svhn")


def _known_data(value: Any) -> Any:
    if isinstance(value, str) and value not in DATASETS:
        if ":" not in value:
            raise ValueError(f"unknown data set {value!r}: one of {', '.join(DATASETS)}, or path/to/my_data.py:load")
        split_source(value, "data")
    return value


DataName = Annotated[str, BeforeValidator(_known_data)]
