"""The objective: the data loss of a landscape plus λ/2 ‖θ‖², with the λ (weight decay) that minima are trained with."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape


class Objective(Landscape):
    """Data loss of ``data`` plus weight_decay/2 ‖θ‖², biases included, with its gradient.

    The term of the loss of record (``batch=None``) is summed in float64. On a batch it has the dtype of θ. With a
    weight decay of 0 both are those of ``data``, to the bit. Raises ValueError for a negative weight decay.
    """

    def __init__(self, data: Landscape, weight_decay: float) -> None:
        if not weight_decay >= 0:
            raise ValueError(f"the objective needs weight_decay ≥ 0, not {weight_decay}")
        self.data, self.weight_decay = data, weight_decay
        self.dim, self.device, self.steps_per_epoch = data.dim, data.device, data.steps_per_epoch

    @property
    def stack_size(self) -> int:
        """As many rows as the data loss takes at a time."""
        return self.data.stack_size

    @property
    def rows_at_once(self) -> int:
        """As many rows as are measured of the data loss at a time."""
        return self.data.rows_at_once

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n random starts."""
        return self.data.init(n, generator)

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:
        """One pass over the data; see :meth:`Landscape.batches`."""
        return self.data.batches(generators)

    def losses(self, theta: Float[Tensor, "n d"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Objective and data loss of every row, float64."""
        data_loss = self.data.loss(theta)
        return self._with_term(data_loss, theta, None), data_loss

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """Data loss plus weight_decay/2 ‖θ‖² of every row."""
        return self._with_term(self.data.loss(theta, batch), theta, batch)

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Objective and gradient of every row."""
        value, gradient = self.data.value_and_gradient(theta, batch)
        if self.weight_decay:
            gradient = torch.add(gradient, theta, alpha=self.weight_decay)
        return self._with_term(value, theta, batch), gradient

    def _with_term(self, value: Tensor, theta: Tensor, batch: Batch | None) -> Tensor:
        if not self.weight_decay:
            return value
        rows = theta.double() if batch is None else theta
        return value + self.weight_decay / 2 * rows.square().sum(1)


def objective(landscape: Landscape, weight_decay: float) -> Landscape:
    """The landscape itself where the weight decay is 0; else its :class:`Objective`."""
    return landscape if weight_decay == 0 else Objective(landscape, weight_decay)


def trained_on(landscape: Landscape, weight_decay: float) -> Landscape:
    """What a training with this weight decay descends on: the landscape, if it has the term already, or with it.

    Raises ValueError for a landscape that has the term with another weight decay.
    """
    if not isinstance(landscape, Objective):
        return objective(landscape, weight_decay)
    if landscape.weight_decay != weight_decay:
        raise ValueError(
            f"a training with weight decay {weight_decay:g} on an objective with {landscape.weight_decay:g}: give both "
            "the same"
        )
    return landscape
