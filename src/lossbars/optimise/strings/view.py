"""A string as it lies in space: along its principal components (Freeman & Bruna 2017, appendix D)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.flow import path_profiles
from lossbars.recipes import PathGrid

COMPONENTS = 3
BETWEEN = 9  # places on each segment that are shown, beside its ends


@dataclass(frozen=True)
class View:
    """Places of a string and of its beads along the principal components of the beads; missing ones are 0."""

    places: Float[Tensor, "g 3"]  # on the string, in order
    values: Float[Tensor, " g"]  # the measure there
    beads: Float[Tensor, "k 3"]
    shares: Float[Tensor, " 3"]  # of the beads' variance


def view(measure: Landscape, beads: Float[Tensor, "k d"]) -> View:
    """Projection of a string on the three principal components of its beads, ends included."""
    wide = beads.double().cpu()
    centred = wide - wide.mean(0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    some = min(COMPONENTS, len(sizes))
    projected = torch.zeros(len(beads), COMPONENTS, dtype=torch.float64)
    projected[:, :some] = centred @ directions[:some].T
    shares = torch.zeros(COMPONENTS, dtype=torch.float64)
    shares[:some] = sizes[:some].square() / sizes.square().sum()
    (profile,) = path_profiles(measure, [beads], PathGrid(between=BETWEEN, refinements=0))
    place = profile.t[:, 0].double() * (len(beads) - 1)
    left = place.floor().long().clamp(max=len(beads) - 2)
    places = torch.lerp(projected[left], projected[left + 1], (place - left)[:, None])
    return View(places, profile.loss, projected, shares)
