"""Saddles carried over to copies of a minimum: permutations of units and changes of sign permute coordinates."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.barcodes.complex import Simplex
from lossbars.optimise.saddles.certificates import Certificate

COPY = 1e-7  # difference of sorted coordinates up to which two minima are copies, relative to the largest coordinate
SAME_VALUE = 1e-9  # relative difference of values up to which two saddles are copies


def carried(place: Float[Tensor, " d"], one: Float[Tensor, " d"], other: Float[Tensor, " d"]) -> Tensor | None:
    """``place`` under the signed permutation of coordinates that takes ``one`` to ``other``; None if there is none.

    Where coordinates of ``one`` have equal moduli there are several, and the one taken may be no symmetry of the loss:
    what is carried is a place to climb from, and is examined like any other.
    """
    order, target = one.abs().argsort(), other.abs().argsort()
    apart = (one.abs()[order] - other.abs()[target]).abs().max()
    if float(apart) > COPY * float(one.abs().max()):
        return None
    image = torch.empty_like(place)
    image[target] = place[order] * one[order].sign() * other[target].sign()
    return image


def copies_of_saddles(
    minima: Float[Tensor, "k d"],
    edges: Mapping[Simplex, Certificate],
    deaths: Mapping[int, float],
    done: set[tuple[int, float]],
    most: int,
) -> Float[Tensor, "n d"]:
    """Places where saddles below the death of a minimum are expected, by those beside its copies.

    ``deaths`` are of minima whose bars end. At most ``most`` places, each tried once: ``done`` is added to.
    """
    beside: dict[int, list[Certificate]] = {}
    for edge, certificate in edges.items():
        for end in edge:
            beside.setdefault(end, []).append(certificate)
    moduli = minima.abs().sort(1).values
    places: list[Tensor] = []
    for i, death in sorted(deaths.items()):
        own = {_rounded(certificate.value) for certificate in beside.get(i, ())}
        alike = (moduli - moduli[i]).abs().amax(1) <= COPY * float(moduli[i, -1])
        for other in alike.nonzero().flatten().tolist():
            for certificate in beside.get(other, ()):
                key = (i, _rounded(certificate.value))
                if other == i or certificate.value >= death * (1 - SAME_VALUE) or key[1] in own or key in done:
                    continue
                done.add(key)
                place = carried(certificate.saddle, minima[other], minima[i])
                if place is not None:
                    places.append(place)
                if len(places) == most:
                    return torch.stack(places)
    return torch.stack(places) if places else minima[:0]


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")
