"""Loss, error or perplexity of a network, as a landscape without gradients, for thresholds."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape

Metric = Literal["loss", "error", "perplexity"]


class Measured(Landscape):
    """A metric of a network on samples, by the rules of its loss of record.

    ``loss`` is the mean loss, ``error`` the share of samples (of text: tokens) that are not answered right, 0..1,
    ``perplexity`` the exponential of the mean loss. Raises ValueError for the error of a regression.
    """

    def __init__(self, network: NetworkLandscape, data: Split, metric: Metric) -> None:
        if metric == "error" and data.y.is_floating_point():
            raise ValueError("metric: error is for classes, these targets are real numbers: use loss")
        self.network, self.data, self.metric = network, data, metric
        self.dim, self.device = network.dim, network.device

    @property
    def rows_at_once(self) -> int:
        """As many as of the network."""
        return self.network.rows_at_once

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """The network's starts."""
        return self.network.init(n, generator)

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:  # noqa: ARG002
        """The metric of every row, float64, without a gradient."""
        with torch.no_grad():
            loss, accuracy = self.network.evaluate(theta, self.data)
        if self.metric == "error":
            answers = self.data.y.numel()
            return ((1 - accuracy) * answers).round() / answers  # k/n to the bit, as a threshold of that value is
        return loss.exp() if self.metric == "perplexity" else loss
