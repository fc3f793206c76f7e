"""Networks that a configuration may name. Loads no torch."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from lossbars.recipes import Recipe, yaml_number
from lossbars.user_files import split_source

Dropout = Annotated[float, Field(ge=0, lt=1), BeforeValidator(yaml_number)]


class MLPSpec(Recipe):
    """Fully connected: ``depth`` hidden layers of ``width`` units."""

    kind: Literal["mlp"]
    depth: PositiveInt
    width: PositiveInt = 32
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"


class LeNetSpec(Recipe):
    """LeNet of Barannikov et al. 2020, Topological obstructions, appendix I."""

    kind: Literal["lenet"]


class CNNSpec(Recipe):
    """CNN-1-C, CNN-2-C or CNN-3-C of Barannikov et al. 2022, §4.2."""

    kind: Literal["cnn"]
    depth: Literal[1, 2, 3]
    channels: PositiveInt
    batch_norm: bool = False  # before each activation


class ResNet195kSpec(Recipe):
    """The residual network of Barannikov et al. 2022, §5; its switches are in docs/choices.md."""

    kind: Literal["resnet-195k"]
    layers: Literal["text", "table"] = "text"
    relu_after_sum: bool = False
    pooling: Literal["max", "average"] = "max"
    init: Literal["default", "kaiming"] = "default"


def _check_depth(kind: str, depth: int, rest: int) -> None:
    """Raise ValueError unless three stages have whole blocks of two layers, with ``rest`` layers around them."""
    if depth <= rest or (depth - rest) % 6:
        first = ", ".join(str(6 * n + rest) for n in (1, 2, 3))
        raise ValueError(f"depth of a {kind} is 6 n + {rest}, as {first}, not {depth}")


class ResNetSpec(Recipe):
    """ResNet-``depth`` of Barannikov et al. 2022, §6, ``width`` times as wide, with or without shortcuts."""

    kind: Literal["resnet"]
    depth: PositiveInt  # 6 n + 2: 20, 56, 110
    width: PositiveInt = 1
    shortcuts: bool = True

    @model_validator(mode="after")
    def _depth(self) -> "ResNetSpec":
        _check_depth(self.kind, self.depth, 2)
        return self


class WideResNetSpec(Recipe):
    """WideResNet-``depth``×``width`` of Barannikov et al. 2022, §8, with pre-activation."""

    kind: Literal["wide-resnet"]
    depth: PositiveInt = 16  # 6 n + 4: 10, 16, 28
    width: PositiveInt = 10

    @model_validator(mode="after")
    def _depth(self) -> "WideResNetSpec":
        _check_depth(self.kind, self.depth, 4)
        return self


class GPTSpec(Recipe):
    """The transformer of Barannikov et al. 2022, §7, by the code that it cites. Reads text."""

    kind: Literal["gpt"]
    layers: PositiveInt = 6
    heads: PositiveInt = 6
    width: PositiveInt = 384
    dropout: Dropout = 0.2

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "GPTSpec":
        if self.width % self.heads:
            raise ValueError(f"width: {self.width} is no multiple of {self.heads} heads")
        return self


class LSTMSpec(Recipe):
    """The LSTM of Freeman & Bruna 2017, §4.2: the small one of Zaremba et al. 2014. Reads text."""

    kind: Literal["lstm"]
    layers: PositiveInt = 2
    width: PositiveInt = 200
    dropout: Dropout = 0.0


class ConvFCSpec(Recipe):
    """Convolutions, then hidden layers: the CNNs of Freeman & Bruna 2017, §4.2, by their code."""

    kind: Literal["conv-fc"]
    channels: Annotated[list[PositiveInt], Field(min_length=1)] = [32, 64]
    hidden: Annotated[list[PositiveInt], Field(min_length=1)] = [1024]
    dropout: Dropout = 0.5
    pooling: Literal[2, 3] = 2
    norm: Literal["none", "local-response"] = "none"


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
        MLPSpec
        | LeNetSpec
        | CNNSpec
        | ConvFCSpec
        | ResNet195kSpec
        | ResNetSpec
        | WideResNetSpec
        | GPTSpec
        | LSTMSpec
        | CustomNetwork,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_network_shorthand),
]


def check_fit(network: Recipe, text: bool) -> None:
    """Raise ValueError where a network cannot read the data; a user's own may read anything."""
    kind = network.model_dump()["kind"]
    if isinstance(network, GPTSpec | LSTMSpec) and not text:
        text_data = "{kind: text, path: …}, data: ptb"
        raise ValueError(f"{kind} reads text, the data is none: use data: {text_data}, or another network")
    if text and not isinstance(network, GPTSpec | LSTMSpec | CustomNetwork):
        raise ValueError(f"{kind} cannot read text: use gpt, lstm, or a network of your own")
