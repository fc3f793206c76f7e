"""A landscape on a box, unfolded: beyond a face it goes on as its mirror image."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape

Box = Sequence[tuple[float, float]]


class Unfolded(Landscape):
    """A landscape on a box, reflected at the faces: f(fold(θ)) for any θ."""

    def __init__(self, landscape: Landscape, box: Box) -> None:
        self.landscape, self.box = landscape, box
        self.dim, self.device = len(box), landscape.device

    def fold(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The place in the box that θ is a mirror image of; θ itself, up to rounding, inside."""
        side = sides(theta, self.box)
        return low_corner(theta, self.box) + (side - (self._turn(theta) - side).abs())

    def _turn(self, theta: Tensor) -> Tensor:
        """How far θ is on the way to the far face and back, from 0 to two sides."""
        return torch.remainder(theta - low_corner(theta, self.box), 2 * sides(theta, self.box))

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n random starts of the landscape."""
        return self.fold(self.landscape.init(n, generator))

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch | None]:
        """One pass over the landscape's data."""
        return self.landscape.batches(generators)

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """Loss at the place in the box."""
        return self.landscape.loss(self.fold(theta), batch)

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss at the place in the box, and the gradient, mirrored as θ is."""
        value, gradient = self.landscape.value_and_gradient(self.fold(theta), batch)
        return value, torch.where(self._turn(theta) <= sides(theta, self.box), gradient, -gradient)


def low_corner(like: Tensor, box: Box) -> Float[Tensor, " d"]:
    """The lowest coordinates, as ``like`` has them."""
    return like.new_tensor([side[0] for side in box])


def sides(like: Tensor, box: Box) -> Float[Tensor, " d"]:
    """The lengths of the sides, as ``like`` has them."""
    return like.new_tensor([high - low for low, high in box])
