"""Samples that small networks are fitted to, by name."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Samples = tuple[Float[Tensor, "m p"], Float[Tensor, "m q"]]

PLACES = 100


def _unit_interval() -> Float[Tensor, "m 1"]:
    """The middles of 100 equal parts of [0, 1]: Freeman & Bruna 2017, §4.1, draws places at random."""
    return ((torch.arange(PLACES, dtype=torch.float64) + 0.5) / PLACES)[:, None]


def quadratic() -> Samples:
    """.5 x² + .25 x + .1 on [0, 1] (Freeman & Bruna 2017, §4.1; the coefficients are its code's)."""
    x = _unit_interval()
    return x, 0.5 * x**2 + 0.25 * x + 0.1


def cubic() -> Samples:
    """8 x³ − 10 x² + 3 x on [0, 1] (Freeman & Bruna 2017, §4.1).

    It is negative between .5 and .75, where their code has samples too.
    """
    x = _unit_interval()
    return x, 8 * x**3 - 10 * x**2 + 3 * x


def permuted_points() -> Samples:
    """Three points of the plane, each to be mapped to the next (Freeman & Bruna 2017, appendix E).

    Which three points, the text does not say.

    All angles between them are obtuse, so that a hidden unit can see one of them alone.
    """
    x = torch.tensor([[1.0, 0.2], [-0.4, 0.9], [-0.7, -0.8]], dtype=torch.float64)
    return x, x.roll(-1, dims=0)


TASKS: dict[str, Callable[[], Samples]] = {
    "quadratic": quadratic,
    "cubic": cubic,
    "permuted-points": permuted_points,
}
