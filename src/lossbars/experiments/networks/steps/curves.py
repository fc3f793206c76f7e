"""Optimise the curves between the minima of two blocks of seeds, and measure the loss along them."""

from lossbars.experiments.networks.settings import CurvesSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.joining import Joined, Joining, join
from lossbars.optimise.connect import connect
from lossbars.recipes import Curves
from lossbars.simplices.families import curve_family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from lossbars.workflow.work import Work


def step(work: Work[CurvesSettings[Curves]]) -> None:
    """Write control points ``nodes`` (n, k, d) of the block's curves, and the profiles along them."""
    join(work, _connected)


def _connected(recipe: Curves, to: Joining) -> Joined:
    family = curve_family(recipe)
    start, names = Simplices(family, family.start(to.corners)), to.names("curve")
    order, places = to.random("order"), [to.random(a, b) for a, b in to.pairs]
    end = connect(to.landscape, start, recipe, order, places, names, to.checkpoint, to.report)
    return Joined(
        {"nodes": end.nodes}, lambda: profiles(to.landscape, end, recipe.grid, to.report, names), recipe.grid.points
    )
