"""Products of the Hessians of the loss of record with vectors, of n networks at once.

Where a network has kinks, as ReLU gives it, these are second derivatives of the smooth piece that θ lies in: they exist
almost everywhere, and say nothing of the kinks beside it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from lossbars.landscapes.network.evaluation import losses_of
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.memory import kept_bytes
from lossbars.landscapes.network.precision import products_in
from lossbars.landscapes.network.stacked_linear import Parameters

KEPT = 2**29  # bytes of graphs that are kept from one product to the next
GRAPHS = 3  # what a gradient with a graph keeps, in graphs of a loss


class NoSecondDerivative(ValueError):  # noqa: N818 (it says what is lacking)
    """A network of whose loss of record no second derivatives can be had."""


class _Slopes(NamedTuple):
    leaves: list[Tensor]  # parameters
    slopes: list[Tensor]  # the gradient of the summed losses of some samples, with its graph


class RecordHessian:
    """v ↦ H v of the loss of record at n fixed θ (n, d), in the dtype of θ.

    The gradients of all samples are kept with their graphs where these fit ``KEPT`` bytes (``keeps``): a product then
    costs about two gradients, else four. Raises NoSecondDerivative for a network with BatchNorm, whose statistics are
    functions of θ; a product raises it for a network one of whose operations has no second derivative.
    """

    def __init__(self, landscape: NetworkLandscape, theta: Float[Tensor, "n d"]) -> None:
        if landscape.record.norms:
            raise NoSecondDerivative(
                "BatchNorm's statistics depend on the parameters, which second derivatives do not follow"
            )
        self.landscape, self.theta = landscape, theta.detach()
        self.call = landscape.record.call(landscape.unflatten(self.theta))
        self.keeps = len(theta) <= rows_kept(landscape, theta.dtype)
        self.kept: list[_Slopes] = []

    def __call__(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """H v of every row."""
        total = torch.zeros_like(self.theta)
        given, places = (list(self.landscape.unflatten(rows).values()) for rows in (vectors, total))
        # The kernels that are fastest for recurrent layers and attention have no second derivatives.
        with torch.backends.cudnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), products_in("float32"):
            try:
                for leaves, slopes in self._all_slopes():
                    _add_products(places, leaves, slopes, given, self.keeps)
            except RuntimeError as error:
                if "derivative" not in str(error) and "double backward" not in str(error):
                    raise
                raise NoSecondDerivative(f"an operation of the network has no second derivative: {error}") from None
        return total / len(self.landscape.train)

    def _all_slopes(self) -> Iterable[_Slopes]:
        if self.kept:
            return self.kept
        most = max(1, self.landscape.fit.samples // GRAPHS) if self.landscape.device.type == "cuda" else None
        every = self._slopes_of_batches(most)
        if self.keeps:
            self.kept = list(every)
            return self.kept
        return every

    def _slopes_of_batches(self, most: int | None) -> Iterator[_Slopes]:
        for x, y in self.landscape.record.batches(self.landscape.train, most):
            parameters: Parameters = {
                name: p.detach().requires_grad_() for name, p in self.landscape.unflatten(self.theta).items()
            }
            leaves = list(parameters.values())
            with torch.enable_grad():
                loss = losses_of(self.call(parameters, x), y).sum()
                slopes = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
            yield _Slopes(leaves, list(slopes))


def rows_kept(landscape: NetworkLandscape, dtype: torch.dtype) -> int:
    """Of how many networks the graphs of all samples fit ``KEPT`` bytes."""
    few = landscape.train.x[:3].to(landscape.device)
    words = dtype.itemsize // torch.float32.itemsize
    return KEPT // max(1, GRAPHS * words * kept_bytes(landscape.module, few) * len(landscape.train))


def _add_products(
    places: list[Tensor], leaves: list[Tensor], slopes: list[Tensor], vectors: list[Tensor], keeps: bool
) -> None:
    """Add H v of some samples, by a pass back through their gradient."""
    curved = [(slope, vector.to(slope)) for slope, vector in zip(slopes, vectors, strict=True) if slope.requires_grad]
    if not curved:  # the loss is linear in all parameters
        return
    outputs, weights = ([pair[i] for pair in curved] for i in range(2))
    parts = torch.autograd.grad(outputs, leaves, weights, retain_graph=keeps, materialize_grads=True)
    for place, part in zip(places, parts, strict=True):
        place += part
