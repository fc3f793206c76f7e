"""Connect the minima of two blocks of seeds by Dynamic String Sampling, and measure the loss along the strings."""

import torch

from lossbars.experiments.networks.settings import CurvesSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.joining import Joined, Joining, join, padded
from lossbars.optimise.flow import path_profiles
from lossbars.optimise.strings.lowest import lowest
from lossbars.recipes import Strings
from lossbars.workflow.work import Work


def step(work: Work[CurvesSettings[Strings]]) -> None:
    """Write the beads of the block's strings at the lowest thresholds that connect, and the profiles along them.

    Strings have different numbers of beads: ``nodes`` (n, k, d) has NaN after the last one, ``lengths`` (n,) says how
    many there are; ``failed`` (n,) is the highest threshold at which a pair was not connected, NaN where none failed.
    """
    join(work, _lowered)


def _lowered(recipe: Strings, to: Joining) -> Joined:
    strings = lowest(
        to.landscape,
        to.start,
        recipe,
        lambda step, number: to.random("order", step, number),
        to.checkpoint,
        to.report,
    )
    beads = to.exact([one.beads for one in strings])
    failed = torch.tensor([one.failed for one in strings], dtype=torch.float64)
    return Joined(
        padded(beads) | {"failed": failed},
        lambda: path_profiles(to.landscape, beads, recipe.grid, to.report, to.names("string")),
        recipe.grid.between + 2,
    )
