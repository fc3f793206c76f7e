"""Optimise the curves between the minima of two blocks of seeds, and measure the loss along them."""

from functools import partial

from lossbars.experiments.networks.settings import CurvesSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.joining import Joined, Joining, join
from lossbars.experiments.networks.steps.optimised import connected
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.settle import settle
from lossbars.optimise.stages import Stages
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

    def trained(checkpoint: Checkpoint | None) -> State:
        return {"nodes": connected(to.landscape, start, recipe, order, places, names, checkpoint, to.report).nodes}

    if not recipe.settle:
        nodes = trained(to.checkpoint)["nodes"]
        end = Simplices(family, nodes)
        measure = partial(profiles, to.landscape, end, recipe.grid, to.report, names)
        return Joined({"nodes": nodes}, measure, recipe.grid.points)
    stages = Stages(to.checkpoint)
    nodes = stages.run("training", trained)["nodes"]
    rest = stages.part("settling")
    settled = settle(to.landscape, Simplices(family, nodes), recipe.settle, recipe.grid, names, rest, to.report)
    tensors = {"nodes": settled.simplices.nodes, "passes": settled.passes}
    return Joined(tensors, lambda: settled.profiles, recipe.grid.points, settled.residue.tolist())
