"""The loss of record of n networks: their mean losses over a whole data set.

In the precision of θ (float32, or float64 for those who ask), summed in float64, no augmentation, dropout off, no
weight decay. BatchNorm statistics are recomputed for every network, with one pass over the training set in a fixed
order, weighted by batch sizes (what Garipov et al. do). All networks that are given go through the data in one pass.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lossbars.datasets.dataset import Split, are_tokens
from lossbars.landscapes.network.execution import Way, outputs, repeated
from lossbars.landscapes.network.precision import Layout, fastest_batch, products_in
from lossbars.landscapes.network.stacked_linear import Parameters
from lossbars.landscapes.torch_private import BATCH_NORMS

EVALUATION_BATCH = 1000  # samples at a time; fixed, since BatchNorm's statistics depend on it
EVALUATED_TOKENS = 2**14  # of a text, where a sample is a window of them
RECORD_NUMBERS = 2**26  # parameters of all networks that go through the data in one pass: 256 MiB
OUTPUT_NUMBERS = 2**24  # outputs of all networks at a time: 64 MiB
Call = Callable[[Parameters, Tensor], Tensor]


def losses_of(output: Tensor, y: Tensor) -> Float[Tensor, "n b"]:
    """Losses of outputs (n, b, q): cross entropy of classes, squared error of real targets.

    Of text, with outputs (n, b, T, q): the mean over a window's tokens, in nats per token.
    """
    n = len(output)
    if y.is_floating_point():
        if output.shape[1:] != y.shape[-2:]:  # else they would be broadcast
            gives, wanted = tuple(output.shape[2:]), tuple(y.shape[-1:])
            raise ValueError(f"the network gives outputs of shape {gives} for targets of shape {wanted}")
        return (output - y).square().mean(-1)
    if are_tokens(y):
        return _token_losses(output, y).mean(-1)
    return F.cross_entropy(output.transpose(1, 2), y.expand(n, y.shape[-1]), reduction="none")


def _token_losses(output: Tensor, y: Tensor) -> Tensor:
    """(n, b, T) cross entropies of outputs (n, b, T, q) and tokens (b, T), or (n, b, T)."""
    places = output.shape[:-1]
    if len(places) != 3 or places[1:] != y.shape[-2:]:
        gives, wanted = tuple(output.shape[2:]), (*y.shape[-1:], "tokens")
        raise ValueError(f"the network gives outputs of shape {gives} for targets of shape {wanted}")
    classes = y.long().expand(places)
    return F.cross_entropy(output.flatten(0, 2), classes.flatten(), reduction="none").view(places)


def dtype_of(parameters: Parameters) -> torch.dtype:
    """The precision of θ."""
    return next(iter(parameters.values())).dtype


class Record:
    """Networks of one architecture, measured on data by the rules above; ``train`` is what statistics are of.

    Each gives ``output_numbers`` numbers for a sample.
    """

    def __init__(
        self, module: nn.Module, train: Split, way: Way, layout: Layout, device: torch.device, output_numbers: int
    ) -> None:
        self.module, self.train, self.way, self.layout, self.device = module, train, way, layout, device
        self.output_numbers = output_numbers
        self.norms = [m for m in module.modules() if isinstance(m, BATCH_NORMS)]
        self.samples_at_once = fastest_batch(module, device, EVALUATION_BATCH)
        if are_tokens(train.y):
            self.samples_at_once = max(1, min(EVALUATED_TOKENS // train.y.shape[1], OUTPUT_NUMBERS // output_numbers))

    def batches(self, data: Split, most: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """The data in their order, as many samples at a time as is fastest, or ``most``."""
        size = min(self.samples_at_once, most or self.samples_at_once)
        for x, y in zip(data.x.split(size), data.y.split(size), strict=True):
            yield x.to(self.device), y.to(self.device)

    def rows_at_once(self, parameters: int, step_rows: int, batch: int) -> int:
        """As many networks as go through the data in one pass; each has so many parameters.

        A training step takes ``step_rows`` of them, on ``batch`` samples.
        """
        most = min(RECORD_NUMBERS // parameters, OUTPUT_NUMBERS // (self.samples_at_once * self.output_numbers))
        if self.way == "loop":
            return max(1, most)
        share = max(1, self.samples_at_once // batch) if self.device.type == "cuda" else 1
        return max(1, min(most, step_rows // share))

    @torch.no_grad()
    def evaluate(self, parameters: Parameters, data: Split) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Mean losses and accuracies (NaN for regression), float64."""
        call = self.call(parameters)
        n = len(next(iter(parameters.values())))
        loss = torch.zeros(n, dtype=torch.float64, device=self.device)
        correct = torch.zeros_like(loss)
        for x, y in self.batches(data):
            output = call(parameters, x)
            loss += losses_of(output, y).double().sum(1)
            correct += float("nan") if y.is_floating_point() else (output.argmax(-1) == y).double().flatten(1).sum(1)
        return loss / len(data), correct / data.y.numel()

    def call(self, parameters: Parameters) -> Call:
        """Outputs in evaluation mode, with BatchNorm statistics of these parameters."""
        buffers = self.statistics(parameters)

        def outputs_of(given: Parameters, x: Tensor) -> Tensor:
            self.module.eval()
            return self.outputs(given, buffers, x)

        return outputs_of

    def outputs(self, parameters: Parameters, buffers: Parameters, x: Tensor) -> Tensor:
        """Outputs on samples that all networks share, in the mode that the module is in."""
        inputs = x.to(dtype_of(parameters)) if x.is_floating_point() else x
        with products_in("float32"):
            return outputs(self.way, self.module, parameters, buffers, inputs, own=False, layout=self.layout)

    @torch.no_grad()
    def statistics(self, parameters: Parameters) -> Parameters:
        """Buffers with BatchNorm statistics recomputed over the training set, in its own order."""
        dtype = dtype_of(parameters)
        copies = repeated(self.module, len(next(iter(parameters.values()))))
        buffers = {name: b.to(dtype) if b.is_floating_point() else b for name, b in copies.items()}
        if not self.norms:
            return buffers
        self.module.eval()
        before = [norm.momentum for norm in self.norms]
        seen = 0
        for x in self.whole_batches():
            seen += len(x)
            for norm in self.norms:
                norm.train()
                norm.momentum = len(x) / seen  # the first batch replaces what was there
            self.outputs(parameters, buffers, x.to(self.device))
        for norm, momentum in zip(self.norms, before, strict=True):
            norm.momentum = momentum
            norm.eval()
        return buffers

    def whole_batches(self) -> list[Tensor]:
        """Samples of the training set in the batches that BatchNorm's statistics are averages of."""
        batches = list(self.train.x.split(EVALUATION_BATCH))
        if len(batches) > 1 and len(batches[-1]) == 1:  # BatchNorm takes no variance of a single number
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches
