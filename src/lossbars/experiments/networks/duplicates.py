"""Distances between the minima of one model, as they are and up to permutations of units, and which are one point."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.seeding import generator
from lossbars.symmetry.alignment import matched
from lossbars.symmetry.permutations import Group, Place, Symmetry

NEAR = 1e-3  # of the larger norm of two minima: below it they are one point, if their objectives agree
AGREE = 1e-6  # of an objective, beside the residues of both
PERMUTED = ", units permuted"


def symmetry_of(records: Iterable[Mapping[str, Any]], dim: int) -> Symmetry:
    """The symmetry of a network of ``dim`` parameters whose groups were written as records."""
    groups = [
        Group(
            record["size"],
            tuple(Place(p["name"], p["offset"], tuple(p["shape"]), p["axis"], p["span"]) for p in record["places"]),
        )
        for record in records
    ]
    return Symmetry(dim, tuple(groups))


def distances(theta: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """Between all pairs, Euclidean; infinite on the diagonal."""
    # not torch.cdist, whose matrix product loses half of the digits of small distances
    return torch.stack([(theta - row).norm(dim=1) for row in theta]).fill_diagonal_(torch.inf)


def permuted_distances(theta: Float[Tensor, "n d"], symmetry: Symmetry, *names: str | int) -> Float[Tensor, "n n"]:
    """As :func:`distances`, each the smallest that matching one of a pair to the other finds: an upper bound.

    ``names`` are those of the generator that decides the order in which groups of units are matched.
    """
    apart = distances(theta)
    for i in range(len(theta)):
        for j in range(len(theta)):
            if i != j:
                copy = matched(theta[i], theta[j], symmetry, generator(*names, i, j))
                found = (theta[i] - copy).norm()
                apart[i, j] = torch.minimum(apart[i, j], found)
    return torch.minimum(apart, apart.T)


def same_as(
    minima: pd.DataFrame,
    theta: Float[Tensor, "n d"],
    plain: Float[Tensor, "n n"],
    permuted: Float[Tensor, "n n"] | None,
) -> list[str]:
    """For each of n minima the first before it that is the same point: "3", "3, units permuted", or "" for none.

    Two are one point if their distance is at most ``NEAR`` of the larger norm, and their objectives differ by no more
    than their residues and ``AGREE`` of the larger. ``minima`` has columns seed, objective and residue, a row for each.
    """
    objective, residue = (
        torch.tensor(minima[name].to_list(), dtype=torch.float64) for name in ("objective", "residue")
    )
    norms = theta.norm(dim=1)
    within = NEAR * torch.maximum(norms[:, None], norms)
    allowed = residue.nan_to_num().clamp_min(0)
    agree = (objective[:, None] - objective).abs() <= (
        allowed[:, None] + allowed + AGREE * torch.maximum(objective[:, None], objective).abs()
    )
    seeds, found = minima["seed"].tolist(), []
    for i in range(len(theta)):
        words = ""
        for j in range(i):
            if agree[i, j] and plain[i, j] <= within[i, j]:
                words = str(seeds[j])
            elif agree[i, j] and permuted is not None and permuted[i, j] <= within[i, j]:
                words = f"{seeds[j]}{PERMUTED}"
            if words:
                break
        found.append(words)
    return found
