"""Architectures: plain modules, one file per family. A new one is a file, a recipe, and a line in each list here."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from lossbars.networks.cnn import CNN
from lossbars.networks.conv_fc import ConvFC
from lossbars.networks.custom import load_network
from lossbars.networks.gpt import GPT
from lossbars.networks.lenet import LeNet
from lossbars.networks.lstm import LSTM
from lossbars.networks.mlp import MLP
from lossbars.networks.resnet import ResNet
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.networks.specs import (
    CNNSpec,
    ConvFCSpec,
    CustomNetwork,
    GPTSpec,
    LeNetSpec,
    LSTMSpec,
    MLPSpec,
    ResNet195kSpec,
    ResNetSpec,
    WideResNetSpec,
    check_fit,
)
from lossbars.networks.wide_resnet import WideResNet


@dataclass(frozen=True)
class DataShape:
    """What a network must fit: the shape of one input, the number of outputs, and whether inputs are text."""

    inputs: tuple[int, ...]
    outputs: int
    tokens: bool = False


Images = LeNetSpec | CNNSpec | ConvFCSpec | ResNet195kSpec | ResNetSpec | WideResNetSpec
Spec = MLPSpec | Images | GPTSpec | LSTMSpec | CustomNetwork


def network_maker(spec: Spec, shape: DataShape) -> Callable[[], nn.Module]:
    """A function that makes the network anew, initialised from torch's global generator.

    Raises ValueError where the network cannot read the data.
    """
    check_fit(spec, shape.tokens)
    match spec:
        case MLPSpec():
            return lambda: MLP(shape.inputs, shape.outputs, spec.depth, spec.width, spec.activation)
        case LeNetSpec():
            return lambda: LeNet(shape.inputs, shape.outputs)
        case CNNSpec():
            return lambda: CNN(shape.inputs, shape.outputs, spec.depth, spec.channels, spec.batch_norm)
        case ConvFCSpec():
            layers = spec.model_dump(exclude={"kind"})
            return lambda: ConvFC(shape.inputs, shape.outputs, **layers)
        case ResNet195kSpec():
            settings = spec.model_dump(exclude={"kind"})
            return lambda: ResNet195k(shape.inputs, shape.outputs, **settings)
        case ResNetSpec():
            return lambda: ResNet(shape.inputs, shape.outputs, spec.depth, spec.width, spec.shortcuts)
        case WideResNetSpec():
            return lambda: WideResNet(shape.inputs, shape.outputs, spec.depth, spec.width)
        case GPTSpec():
            sizes = spec.model_dump(exclude={"kind"})
            return lambda: GPT(shape.inputs[0], shape.outputs, **sizes)
        case LSTMSpec():
            recurrent = spec.model_dump(exclude={"kind"})
            return lambda: LSTM(shape.outputs, **recurrent)
        case CustomNetwork():
            network = load_network(spec.source)
            return lambda: network(**spec.arguments)
