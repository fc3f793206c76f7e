"""Flow the paths between the minima of two blocks of seeds, and measure the loss along them."""

from lossbars.experiments.networks.settings import CurvesSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.joining import Joined, Joining, join, padded
from lossbars.optimise.flow import flow, path_profiles
from lossbars.recipes import Paths
from lossbars.workflow.work import Work


def step(work: Work[CurvesSettings[Paths]]) -> None:
    """Write the points of the block's paths, how they moved, and the profiles along them.

    Paths may have different numbers of points: ``nodes`` (n, k, d) has NaN after the last one, ``lengths`` (n,) says
    how many there are. Norms of gradients (e, n, m), of each epoch: see :class:`lossbars.optimise.flow.Flowed`.
    """
    join(work, _flowed)


def _flowed(recipe: Paths, to: Joining) -> Joined:
    names = to.names("path")
    end = flow(to.landscape, to.start, recipe, to.random("order"), names, to.checkpoint, to.report)
    paths = to.exact(end.paths)
    norms = {"tangent": end.tangent, "orthogonal": end.orthogonal, "first": end.first}
    return Joined(
        padded(paths) | norms,
        lambda: path_profiles(to.landscape, paths, recipe.grid, to.report, names),
        (recipe.family.points - 1) * (recipe.grid.between + 1) + 1,
    )
