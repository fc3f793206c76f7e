"""A small network on random samples, for the steps on Hessians."""

import torch
from torch import Generator

from lossbars.experiments.hessian.config import SmallNet
from lossbars.landscapes.perceptron import Architecture, Perceptron


def make_net(spec: SmallNet, random: Generator) -> Perceptron:
    """The net on standard normal inputs and targets, with the loss (2m)⁻¹ Σ ‖ŷ − y‖²."""
    x, y = (
        torch.randn(spec.samples, size, generator=random, dtype=torch.float64) for size in (spec.inputs, spec.outputs)
    )
    return Perceptron(Architecture(tuple(spec.hidden), spec.activation, spec.biases), x, y, "half-square")
