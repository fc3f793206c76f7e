"""The two ends of each curve, the second matched to the first by a permutation of units where a recipe says so."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossbars.experiments.networks.settings import CurvesSettings
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.seeding import generator
from lossbars.simplices.simplex import Profile
from lossbars.symmetry.alignment import distances, matched
from lossbars.symmetry.permutations import find_symmetry
from lossbars.workflow.blocks import Pair
from lossbars.workflow.work import Work

SAMPLES = 4  # of the forward pass that finds the units


def corners_of(
    pairs: list[Pair], theta: dict[int, Tensor], landscape: NetworkLandscape, work: Work[CurvesSettings[Any]]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Ends (n, 2, d) of the curves of these pairs, and, of aligned ones, ``distances`` (n, 2) before and after.

    All aligned recipes of a model match a pair alike. Raises ValueError for a network without units to permute.
    """
    corners = torch.stack([torch.stack([theta[a], theta[b]]) for a, b in pairs])
    if work.settings.curves.align == "none":
        return corners.to(landscape.device), {}
    symmetry = find_symmetry(landscape.module, landscape.train.x[:SAMPLES])
    if not symmetry.groups:
        raise ValueError("align: this network has no units that are seen to be free to permute: leave align out")
    moved = [
        matched(one, other, symmetry, generator(work.experiment, work.model, "align", a, b))
        for (a, b), (one, other) in zip(pairs, corners, strict=True)
    ]
    lengths = [distances(one, other, copy) for (one, other), copy in zip(corners, moved, strict=True)]
    corners[:, 1] = torch.stack(moved)
    before_and_after = torch.stack(lengths)
    before, after = before_and_after.mean(0).tolist()
    work.report(f"matched by permutations: mean distance {before:.4g} before, {after:.4g} after")
    return corners.to(landscape.device), {"distances": before_and_after}


def with_minima_at_ends(
    measured: list[Profile],
    pairs: list[Pair],
    theta: dict[int, Tensor],
    landscape: Landscape,
    report: Callable[[str], None],
) -> list[Profile]:
    """Profiles of aligned curves, whose last places have the losses of the minima that are matched there.

    A copy computes the same up to rounding, which would make bars of its own.
    """
    ends = sorted({b for _, b in pairs})
    at_ends = landscape.losses(torch.stack([theta[b] for b in ends]).to(landscape.device))
    losses = dict(zip(ends, torch.stack(at_ends, dim=1).cpu(), strict=True))
    exact = []
    for profile, (_, b) in zip(measured, pairs, strict=True):
        loss, data_loss = profile.loss.clone(), profile.data_loss.clone()
        loss[-1], data_loss[-1] = losses[b]
        exact.append(Profile(profile.t, loss, data_loss))
    change = max(float((one.loss[-1] - new.loss[-1]).abs()) for one, new in zip(measured, exact, strict=True))
    report(f"losses of matched copies differ from their minima's by {change:.2g} at most, which is rounding")
    return exact
