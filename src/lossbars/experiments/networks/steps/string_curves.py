"""Connect the minima of two blocks of seeds by Dynamic String Sampling, and measure the loss along the strings."""

from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from lossbars.experiments.networks.steps.corners import corners_of, with_minima_at_ends
from lossbars.experiments.networks.steps.curves import curve_table, segment_profiles
from lossbars.optimise.descent import Diverged
from lossbars.optimise.flow import path_profiles
from lossbars.optimise.strings.lowest import Lowered, lowest
from lossbars.recipes import Strings
from lossbars.seeding import generator
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.blocks import Pair, block_pairs
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_minima
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import CHECKPOINT_SECONDS, make_landscape, read_data, reporter, saved_on_stop, use


def string_curves(
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
    """Write the beads of the block's strings at the lowest thresholds that connect, and the profiles along them.

    Strings have different numbers of beads: ``nodes`` (n, k, d) has NaN after the last one, ``lengths`` (n,) says how
    many there are; ``failed`` (n,) is the highest threshold at which a pair was not connected, NaN where none failed.
    """
    part = f"{first}+{second}"
    inputs = [data, *minima]
    kept = Finished(checkpoints, job, part, inputs, [out, table])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Strings(**job.recipe["curves"])
    landscape = make_landscape(job, read_data(data, job), recipe.batch_size, where)
    theta = read_minima(minima, job)
    pairs = block_pairs(first, second)
    checkpoint, report = CheckpointFile(checkpoints, job, part, inputs, checkpoint_seconds), reporter(job, part)
    corners, distances = corners_of(pairs, theta, landscape, recipe.align, job, report)

    def order(step: int, number: int) -> Generator:
        return generator(job.experiment, job.model, "curves", "order", step, number)

    with saved_on_stop(checkpoint):
        end = lowest(landscape, corners, recipe, order, checkpoint, report)
    names = [f"string {a}+{b}" for a, b in pairs]
    found = path_profiles(landscape, [own.beads for own in end], recipe.grid, report, names)
    measured = job.kind == "curves" or recipe.align != "none"
    straight = segment_profiles(landscape, corners, recipe.grid.between + 2) if measured else []
    if recipe.align != "none":
        exact = with_minima_at_ends([*found, *straight], 2 * pairs, theta, landscape, report)
        found, straight = exact[: len(pairs)], exact[len(pairs) :]
    write_table(table, curve_table(pairs, found, straight), job)
    facts = landscape.facts | {"family": recipe.family.kind, "align": recipe.align}
    write_tensors(out, _tensors(pairs, end) | distances, job, facts)
    kept.keep()
    checkpoint.remove()
    report(f"maxima {min(p.value for p in found):.4g} to {max(p.value for p in found):.4g}")


def _tensors(pairs: list[Pair], end: list[Lowered]) -> dict[str, Tensor]:
    nodes = pad_sequence([own.beads for own in end], batch_first=True, padding_value=float("nan"))
    lengths = torch.tensor([len(own.beads) for own in end])
    failed = torch.tensor([own.failed for own in end], dtype=torch.float64)
    return {"pairs": torch.tensor(pairs), "nodes": nodes, "lengths": lengths, "failed": failed}


if __name__ == "__main__":
    run(string_curves, known=(Diverged,))
