"""Networks that a configuration may name, and what they cost. Loads no torch.

A configuration may name every class below that derives from :class:`Architecture`, by its ``kind``. The network itself
is made by the function ``maker(spec, shape)`` of the module ``lossbars.networks.<kind>`` (where ``-`` becomes ``_``).
"""

from abc import abstractmethod
from dataclasses import replace
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from lossbars.datasets.specs import Size
from lossbars.networks.sizes import UNKNOWN_NETWORK, Convolution, Network, convolutional, residual, stage
from lossbars.recipes import Recipe, yaml_number
from lossbars.user_files import split_source

Dropout = Annotated[float, Field(ge=0, lt=1), BeforeValidator(yaml_number)]


class Architecture(Recipe):
    """A network as a configuration describes it, and what it costs."""

    kind: str
    text: ClassVar[bool | None] = False  # whether it reads tokens of a text; None: it may read anything

    @property
    def smooth(self) -> bool | None:
        """Whether its outputs are smooth functions of its parameters; None: not known before it runs."""
        return False  # ReLU

    @property
    def module(self) -> str:
        """The module that makes it, on which results depend beside the code that all networks share."""
        return f"lossbars.networks.{self.kind.replace('-', '_')}"

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but the kind, by name."""
        return self.model_dump(exclude={"kind"})

    @abstractmethod
    def size(self, data: Size) -> Network:
        """The cost of training it on data of a size."""


class MLPSpec(Architecture):
    """Fully connected: ``depth`` hidden layers of ``width`` units."""

    kind: Literal["mlp"]
    depth: PositiveInt
    width: PositiveInt = 32
    activation: Literal["relu", "tanh", "sigmoid", "gelu"] = "relu"

    @property
    def smooth(self) -> bool:
        """All units but ReLU are."""
        return self.activation != "relu"

    def size(self, data: Size) -> Network:
        """Products of matrices alone."""
        widths = [data.inputs, *[self.width] * self.depth, data.outputs]
        products = sum(a * b for a, b in pairwise(widths))
        return Network(products + sum(widths[1:]), products, 2 * sum(widths[1:]), 2 * self.depth + 1, stacked=True)


class LeNetSpec(Architecture):
    """LeNet of Barannikov et al. 2020, Topological obstructions, appendix I."""

    kind: Literal["lenet"]

    def size(self, data: Size) -> Network:  # noqa: ARG002 (only grey images of 28 × 28 fit)
        """Slow for its size, since it has few channels."""
        return Network(44_426, 281_640, 11_000, 12, stacked=False, slowness=4)


class CNNSpec(Architecture):
    """CNN-1-C, CNN-2-C or CNN-3-C of Barannikov et al. 2022, §4.2."""

    kind: Literal["cnn"]
    depth: Literal[1, 2, 3]
    channels: PositiveInt
    batch_norm: bool = False  # before each activation

    def size(self, data: Size) -> Network:
        """The last pool leaves 16 places of each channel."""
        widths = [data.channels, *[self.channels] * self.depth]
        places = [data.inputs // widths[0] // 4**i for i in range(self.depth)]
        after = zip(pairwise(widths), places, [*places[1:], 16], strict=True)
        layers = [Convolution(a, b, 5, here, then) for (a, b), here, then in after]
        normed = sum(layer.after * layer.places for layer in layers) if self.batch_norm else 0
        norms = self.channels * self.depth if self.batch_norm else 0
        return convolutional(layers, 16 * self.channels, norms, (4 if norms else 3) * self.depth + 2, data, normed)


class ConvFCSpec(Architecture):
    """Convolutions, then hidden layers: the CNNs of Freeman & Bruna 2017, §4.2, by their code."""

    kind: Literal["conv-fc"]
    channels: Annotated[list[PositiveInt], Field(min_length=1)] = [32, 64]
    hidden: Annotated[list[PositiveInt], Field(min_length=1)] = [1024]
    dropout: Dropout = 0.5
    pooling: Literal[2, 3] = 2
    norm: Literal["none", "local-response"] = "none"

    def size(self, data: Size) -> Network:
        """Each pool halves a side, rounded up."""
        widths, sides = [data.channels, *self.channels], [isqrt(data.inputs // data.channels)]
        for _ in self.channels:
            sides.append(-(-sides[-1] // 2))
        pairs = zip(pairwise(widths), pairwise(sides), strict=True)
        layers = [Convolution(a, b, 5, here**2, then**2) for (a, b), (here, then) in pairs]
        connected = [widths[-1] * sides[-1] ** 2, *self.hidden, data.outputs]
        linear = sum(a * b for a, b in pairwise(connected))
        parameters = sum(layer.weights + layer.after for layer in layers) + linear + sum(connected[1:])
        products = sum(layer.weights * layer.places for layer in layers) + linear
        kept = sum(layer.after * (layer.places + 3 * layer.pooled) for layer in layers) + 3 * sum(self.hidden)
        calls = 3 * len(layers) + 3 * len(self.hidden) + 2
        if self.norm != "none":  # the first after its pool; each in eight operations, which keep four numbers of one
            kept += 4 * sum(layer.after * (layer.places if i else layer.pooled) for i, layer in enumerate(layers))
            calls += 8 * len(layers)
        return Network(parameters, products, kept, calls, stacked=False)


class ResNet195kSpec(Architecture):
    """The residual network of Barannikov et al. 2022, §5; its switches are in docs/choices.md."""

    kind: Literal["resnet-195k"]
    layers: Literal["text", "table"] = "text"
    relu_after_sum: bool = False
    pooling: Literal["max", "average"] = "max"
    init: Literal["default", "kaiming"] = "default"

    def size(self, data: Size) -> Network:
        """Four stages, each of a quarter of the places of the one before."""
        channels = data.channels
        widths, places = [channels, 16, 32, 64, 64], [data.inputs // channels // 4**i for i in range(4)]
        layers = []
        for i, here in enumerate(places):
            if i < 3 or self.layers == "table":
                layers.append(Convolution(widths[i], widths[i + 1], 3, here))
            layers += [Convolution(widths[i + 1], widths[i + 1], 3, here, pooled) for pooled in (0, here // 4)]
        return convolutional(layers, 64, 64, 30, data)


def _check_depth(kind: str, depth: int, rest: int) -> None:
    """Raise ValueError unless three stages have whole blocks of two layers, with ``rest`` layers around them."""
    if depth <= rest or (depth - rest) % 6:
        first = ", ".join(str(6 * n + rest) for n in (1, 2, 3))
        raise ValueError(f"depth of a {kind} is 6 n + {rest}, as {first}, not {depth}")


class ResNetSpec(Architecture):
    """ResNet-``depth`` of Barannikov et al. 2022, §6, ``width`` times as wide, with or without shortcuts."""

    kind: Literal["resnet"]
    depth: PositiveInt  # 6 n + 2: 20, 56, 110
    width: PositiveInt = 1
    shortcuts: bool = True

    @model_validator(mode="after")
    def _depth(self) -> "ResNetSpec":
        _check_depth(self.kind, self.depth, 2)
        return self

    def size(self, data: Size) -> Network:
        """Three stages, each twice as wide as the one before, on a quarter of its places."""
        n, width = (self.depth - 2) // 6, 16 * self.width
        layers = [Convolution(data.channels, width, 3, places := data.inputs // data.channels)]
        for i in range(3):
            layers += stage(width // 2 if i else width, width, n, places, 1 if self.shortcuts else 0)
            width, places = 2 * width, places // 4
        return residual(layers, width // 2, sum(layer.after for layer in layers), False, 7 * 3 * n, data)


class WideResNetSpec(Architecture):
    """WideResNet-``depth``×``width`` of Barannikov et al. 2022, §8, with pre-activation."""

    kind: Literal["wide-resnet"]
    depth: PositiveInt = 16  # 6 n + 4: 10, 16, 28
    width: PositiveInt = 10

    @model_validator(mode="after")
    def _depth(self) -> "WideResNetSpec":
        _check_depth(self.kind, self.depth, 4)
        return self

    def size(self, data: Size) -> Network:
        """As of a ResNet, but the stride is that of the second convolution of a block."""
        n, before, width = (self.depth - 4) // 6, 16, 16 * self.width
        layers, norms = [Convolution(data.channels, 16, 3, places := data.inputs // data.channels)], 0
        for i in range(3):
            layers += stage(before, width, n, places, 1)
            norms += before + (2 * n - 1) * width
            if i:  # its first convolution is before the stride
                layers[-2 * n - 1] = replace(layers[-2 * n - 1], places=4 * places)
            before, width, places = width, 2 * width, places // 4
        return residual(layers, before, norms + before, True, 7 * 3 * n, data)


class GPTSpec(Architecture):
    """The transformer of Barannikov et al. 2022, §7, by the code that it cites. Reads text."""

    text = True
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

    def size(self, data: Size) -> Network:
        """Attention takes scores of all tokens on all: a mask hides the later ones."""
        tokens, width, ends = data.inputs, self.width, data.inputs * self.width
        weights = self.layers * 12 * width**2 + width * data.outputs
        others = self.layers * 10 * width + (data.outputs + tokens) * width + 2 * width + data.outputs
        scores = self.heads * tokens**2
        products = tokens * weights + self.layers * 2 * tokens**2 * width
        # with dropout attention keeps its scores, their softmax and what is left of it, without it none
        kept = self.layers * (14 * ends + 3 * scores if self.dropout else 12 * ends) + tokens * data.outputs + 2 * ends
        return Network(weights + others, products, kept, 24 * self.layers + 6, stacked=False)


class LSTMSpec(Architecture):
    """The LSTM of Freeman & Bruna 2017, §4.2: the small one of Zaremba et al. 2014. Reads text."""

    text = True
    kind: Literal["lstm"]
    layers: PositiveInt = 2
    width: PositiveInt = 200
    dropout: Dropout = 0.0

    def size(self, data: Size) -> Network:
        """oneDNN's workspace keeps gates and states of all steps."""
        tokens, width, ends = data.inputs, self.width, data.inputs * self.width
        weights = self.layers * 8 * width**2 + width * data.outputs
        others = self.layers * 8 * width + data.outputs * width + data.outputs
        kept = self.layers * (21 if self.dropout else 19) * ends + tokens * data.outputs + 2 * ends
        return Network(weights + others, tokens * weights, kept, 3 * self.layers + 4, stacked=False)


class CustomNetwork(Architecture):
    """A user's own module: ``source`` is ``path/to/file.py:Class``, called with ``arguments``."""

    text = None
    kind: Literal["custom"]
    source: str
    arguments: dict[str, Any] = {}

    @property
    def smooth(self) -> None:
        """Seen when it runs."""
        return

    @model_validator(mode="after")
    def _file_and_class(self) -> "CustomNetwork":
        split_source(self.source, "network")
        return self

    def size(self, data: Size) -> Network:  # noqa: ARG002 (nothing is known of it before it runs)
        """As of a small residual network."""
        return UNKNOWN_NETWORK


def _network_shorthand(value: Any) -> Any:
    return {"kind": "custom", "source": value} if isinstance(value, str) else value


KINDS = {get_args(spec.model_fields["kind"].annotation)[0]: spec for spec in Architecture.__subclasses__()}
if TYPE_CHECKING:
    NetworkSpec = Architecture
else:
    NetworkSpec = Annotated[
        Annotated[Union[tuple(KINDS.values())], Field(discriminator="kind")],  # noqa: UP007 (as many as there are)
        BeforeValidator(_network_shorthand),
    ]


def check_fit(network: Architecture, text: bool) -> None:
    """Raise ValueError where a network cannot read the data; a user's own may read anything."""
    if network.text and not text:
        text_data = "{kind: text, path: …}, data: ptb"
        raise ValueError(f"{network.kind} reads text, the data is none: use data: {text_data}, or another network")
    if text and network.text is False:
        readers = ", ".join(kind for kind, spec in KINDS.items() if spec.text)
        raise ValueError(f"{network.kind} cannot read text: use {readers}, or a network of your own")
