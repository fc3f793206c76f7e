"""Flow the paths between the minima of two blocks of seeds, and measure the loss along them."""

from pathlib import Path

import torch
from torch import Tensor

from lossbars.experiments.networks.steps.corners import corners_of, with_minima_at_ends
from lossbars.experiments.networks.steps.curves import curve_table, segment_profiles
from lossbars.optimise.descent import Diverged
from lossbars.optimise.flow import Flowed, flow, path_profiles
from lossbars.recipes import Paths
from lossbars.seeding import generator
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.blocks import Pair, block_pairs
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_minima
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import CHECKPOINT_SECONDS, make_landscape, read_data, reporter, saved_on_stop, use


def paths(
    job: Job,
    data: Path,
    minima: list[Path],
    first: str,
    second: str,
    threads: int,
    device: str,
    checkpoints: Path,
    out: Path,
    table: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Write the points of the block's paths, how they moved, and the profiles along them.

    Paths may have different numbers of points: ``nodes`` (n, k, d) has NaN after the last one, ``lengths`` (n,) says
    how many there are. Norms of gradients (e, n, m), of each epoch: see :class:`lossbars.optimise.flow.Flowed`.
    """
    part = f"{first}+{second}"
    inputs = [data, *minima]
    kept = Finished(checkpoints, job, part, inputs, [out, table])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Paths(**job.recipe["curves"])
    landscape = make_landscape(job, read_data(data, job), recipe.batch_size, where)
    theta = read_minima(minima, job)
    pairs = block_pairs(first, second)
    checkpoint, report = CheckpointFile(checkpoints, job, part, inputs, checkpoint_seconds), reporter(job, part)
    corners, distances = corners_of(pairs, theta, landscape, recipe.align, job, report)
    order = generator(job.experiment, job.model, "curves", "order")
    names = [f"path {a}+{b}" for a, b in pairs]
    with saved_on_stop(checkpoint):
        end = flow(landscape, corners, recipe, order, names, checkpoint, report)
    found = path_profiles(landscape, end.paths, recipe.grid, report, names)
    segment_places = (recipe.family.points - 1) * (recipe.grid.between + 1) + 1
    measured = job.kind == "curves" or recipe.align != "none"
    straight = segment_profiles(landscape, corners, segment_places) if measured else []
    if recipe.align != "none":
        exact = with_minima_at_ends([*found, *straight], 2 * pairs, theta, landscape, report)
        found, straight = exact[: len(pairs)], exact[len(pairs) :]
    write_table(table, curve_table(pairs, found, straight), job)
    facts = landscape.facts | {"family": recipe.family.kind, "align": recipe.align}
    write_tensors(out, _tensors(pairs, end) | distances, job, facts)
    kept.keep()
    checkpoint.remove()
    report(f"maxima {min(p.value for p in found):.4g} to {max(p.value for p in found):.4g}")


def _tensors(pairs: list[Pair], end: Flowed) -> dict[str, Tensor]:
    nodes = torch.nn.utils.rnn.pad_sequence(end.paths, batch_first=True, padding_value=float("nan"))
    lengths = torch.tensor([len(path) for path in end.paths])
    norms = {"tangent": end.tangent, "orthogonal": end.orthogonal, "first": end.first}
    return {"pairs": torch.tensor(pairs), "nodes": nodes, "lengths": lengths} | norms


if __name__ == "__main__":
    run(paths, known=(Diverged,))
