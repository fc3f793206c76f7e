"""The seven-point triangle (Barannikov et al. 2020, Topological obstructions, appendix I, equations 10 to 12).

        C               nodes: A, B, C, D, E, F, O
       / \\              D between A and B, E between B and C, F between A and C, O the centre
      F   E             t = (t1, t2, t3) is t3·A + t2·B + t1·C on the flat triangle
     /  O  \\
    A---D---B
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.recipes.refinement import peaks
from lossbars.simplices.base import Family

CENTRE = 6
CORNER_OF = (2, 1, 0)  # t1 belongs to C, t2 to B, t3 to A
SIDE_OF = {frozenset({0, 1}): 3, frozenset({1, 2}): 4, frozenset({0, 2}): 5}  # corners → centre of their side


class Triangle(Family):
    """Six flat triangles around O; with ``sides="fixed"`` the side centres stay where the trained curves put them."""

    size = 7
    coordinates = 3

    def __init__(self, sides: Literal["trained", "fixed"] = "trained") -> None:
        self.sides = sides
        self.corners = (0, 1, 2)

    @property
    def free(self) -> tuple[int, ...]:
        """Side centres and centre (regime 1), or the centre alone (regime 2)."""
        return (3, 4, 5, CENTRE) if self.sides == "trained" else (CENTRE,)

    def blend(self, t: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 7"]:
        """With ti ≤ tj ≤ tk: (tk − tj) X1 + 3 ti O + (2 tj − 2 ti) X2.

        X1 is the corner of tk, X2 the centre of the side between the corners of tj and tk.
        """
        ordered, index = t.sort(dim=-1, stable=True)
        low, middle, high = ordered.unbind(-1)
        corner = torch.tensor(CORNER_OF, device=t.device)[index]
        side = _side_table(t.device)[corner[..., 1], corner[..., 2]]
        weights = torch.zeros(*t.shape[:-1], self.size, dtype=t.dtype, device=t.device)
        weights.scatter_(-1, corner[..., 2:], (high - middle).unsqueeze(-1))
        weights.scatter_(-1, side.unsqueeze(-1), (2 * (middle - low)).unsqueeze(-1))
        weights[..., CENTRE] = 3 * low
        return weights

    def start(self, corners: Float[Tensor, "n 3 d"]) -> Float[Tensor, "n 7 d"]:
        a, b, c = corners.unbind(1)
        return torch.stack([a, b, c, (a + b) / 2, (b + c) / 2, (a + c) / 2, (a + b + c) / 3], dim=1)

    def sample(self, uniform: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 3"]:
        """Uniform on the triangle: the gaps between two ordered uniform numbers."""
        low, high = uniform.sort(dim=-1).values.unbind(-1)
        return torch.stack([low, high - low, 1 - high], dim=-1)

    def grid(self, points: int) -> Float[Tensor, "g 3"]:
        """All (i, j, k)/(points − 1) with i + j + k = points − 1, side centres and centre added."""
        m = points - 1
        whole = [(i / m, j / m, (m - i - j) / m) for i in range(m + 1) for j in range(m + 1 - i)]
        special = [(0, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (1 / 3, 1 / 3, 1 / 3)]
        extra = [
            s for s in special if not any(all(abs(x - y) < 1e-9 for x, y in zip(s, w, strict=True)) for w in whole)
        ]
        return torch.tensor(whole + extra, dtype=torch.float32)

    def finer(
        self, t: Float[Tensor, "n g 3"], loss: Float[Tensor, "n g"], points: int, number: int
    ) -> Float[Tensor, "n m 3"]:
        """Six neighbours of each of the highest peaks, at half the distance of the round before.

        A peak is a place that is higher than all others within the spacing of the uniform grid.
        """
        near = 1 / (points - 1)
        heights = torch.stack([_peaks(*one, 1.01 * near) for one in zip(t, loss, strict=True)])
        tops = heights.topk(min(peaks(number), heights.shape[1]), dim=1).indices
        rows = torch.arange(len(t), device=t.device)
        return torch.cat([self.around(t[rows, top], near / 2**number) for top in tops.T], dim=1)

    def around(self, t: Float[Tensor, "n 3"], spacing: float) -> Float[Tensor, "n 6 3"]:
        """The six neighbours of t in a triangular grid, pulled back onto the triangle."""
        steps = torch.tensor(
            [(1, -1, 0), (-1, 1, 0), (1, 0, -1), (-1, 0, 1), (0, 1, -1), (0, -1, 1)], dtype=t.dtype, device=t.device
        )
        moved = (t.unsqueeze(1) + spacing * steps).clamp(min=0)
        return moved / moved.sum(-1, keepdim=True)


def _peaks(t: Float[Tensor, "g 3"], loss: Float[Tensor, " g"], near: float) -> Float[Tensor, " g"]:
    """The loss, lowered below all others where a place ``near`` by is higher."""
    highest = torch.stack([loss[(t - place).abs().amax(1) <= near].max() for place in t])
    return loss - (loss < highest) * (1 + loss.max() - loss.min())


def _side_table(device: torch.device) -> Tensor:
    table = torch.zeros(3, 3, dtype=torch.long, device=device)
    for pair, node in SIDE_OF.items():
        i, j = sorted(pair)
        table[i, j] = table[j, i] = node
    return table
