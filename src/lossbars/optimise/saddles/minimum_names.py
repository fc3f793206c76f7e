"""Names of minima: descents that end at one minimum, up to rounding, are given one number."""

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.optimise.saddles.certificates import Certifying
from lossbars.optimise.saddles.certified_descent import Descended, LossInBox

SAME_VALLEY = 0.1  # distance, in units of reach, up to which minima joined by a flat segment are one
ALONG = 33  # places on a segment where its highest value is looked for
ROUNDING = 1e-12  # relative, of values


class MinimumNames:
    """Minima by number: where the descents from the given ones end, then others as they are found."""

    def __init__(self, objective: LossInBox, settings: Certifying, places: Tensor, values: Tensor) -> None:
        self.objective, self.settings = objective, settings
        self.places, self.values = places, values
        self.found_by: list[int] = []

    def copy(self) -> "MinimumNames":
        """The same names, to which others may be added."""
        copy = MinimumNames(self.objective, self.settings, self.places, self.values)
        copy.found_by = list(self.found_by)
        return copy

    def of(self, ends: Descended, row: int, reach: float, top: int, flat: bool) -> int | None:
        """The number of an end: of the nearest minimum where the two are one; else a new one, None where it is flat."""
        place, value = ends.theta[row], ends.value[row]
        distance = torch.linalg.vector_norm(self.places - place, dim=1)
        nearest = int(distance.argmin())
        close = float(distance[nearest])
        if close <= self.settings.same * reach or (
            close <= SAME_VALLEY * reach and self._one_valley(place, float(value), nearest)
        ):
            return nearest
        if flat:
            return None
        self.places = torch.cat([self.places, place.unsqueeze(0)])
        self.values = torch.cat([self.values, value.unsqueeze(0)])
        self.found_by.append(top)
        return len(self.places) - 1

    def _one_valley(self, place: Tensor, value: float, number: int) -> bool:
        """Whether the segment between the two is nowhere higher than its ends, but for rounding."""
        level = max(value, float(self.values[number]))
        return highest_on_segment(self.objective, place, self.places[number]) <= level + ROUNDING * max(1.0, abs(level))


def highest_on_segment(objective: LossInBox, one: Float[Tensor, " d"], other: Float[Tensor, " d"]) -> float:
    """The largest value at places of a straight segment."""
    share = torch.linspace(0, 1, ALONG, dtype=one.dtype, device=one.device).unsqueeze(1)
    return float(objective.value(torch.lerp(one.unsqueeze(0), other.unsqueeze(0), share)).max())
