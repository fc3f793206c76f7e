"""The curves of a model with the loss along them, as the steps read them that go on from places on curves."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lossbars.optimise.dips import Curve
from lossbars.simplices import Chain
from lossbars.simplices.families import FAMILIES
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.work import Work

Origin = tuple[str, int, int]  # the recipe of a curve, and its two minima


def read_curves(work: Work[Any], seeds: list[int]) -> tuple[list[Origin], list[Curve]]:
    """All curves with the loss along them; their ends are numbered as rows of the minima."""
    row = {seed: i for i, seed in enumerate(seeds)}
    table = work.trained("profiles")
    along = dict(iter(table[table["kind"] == "curve"].groupby(["by", "a", "b"], sort=False)))
    origins: list[Origin] = []
    curves: list[Curve] = []
    for by, pair, simplices in _control_points(work):
        rows = along[(by, *pair)]
        loss, data_loss = (torch.from_numpy(rows[name].to_numpy(copy=True)) for name in ("objective", "data_loss"))
        profile = Profile(torch.from_numpy(rows["t"].to_numpy(copy=True))[:, None], loss, data_loss)
        curves.append(Curve((row[pair[0]], row[pair[1]]), profile, partial(_places, simplices), len(origins)))
        origins.append((by, *pair))
    return origins, curves


def lowest_of_pairs(curves: list[Curve]) -> list[Curve]:
    """Of all curves of a pair the one with the lowest maximum, on which its bars end.

    Minima that are found on a higher one would be known over high humps alone.
    """
    lowest: dict[tuple[int, int], Curve] = {}
    for curve in curves:
        if curve.ends not in lowest or curve.profile.value < lowest[curve.ends].profile.value:
            lowest[curve.ends] = curve
    return list(lowest.values())


def _control_points(work: Work[Any]) -> Iterator[tuple[str, tuple[int, int], Simplices]]:
    """The recipe, the pair and the control points of each curve."""
    for job, tensors, facts in work.all_tensors("curves"):
        family = FAMILIES.get(facts["family"], Chain)  # paths and strings are chains
        counts = tensors.get("lengths", torch.full((len(tensors["pairs"]),), tensors["nodes"].shape[1]))
        for (a, b), nodes, count in zip(tensors["pairs"].tolist(), tensors["nodes"], counts.tolist(), strict=True):
            yield job.kind, (a, b), Simplices(family(count - 2), nodes[None, :count])


def _places(simplices: Simplices, t: Tensor) -> Tensor:
    """θ (m, d) at places t (m,) of a curve."""
    return simplices.at(t[None, :, None])[0]
