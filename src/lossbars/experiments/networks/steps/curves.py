"""Optimise the curves between the minima of two blocks of seeds, and measure the loss along them."""

from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.experiments.networks.steps.corners import corners_of, with_minima_at_ends
from lossbars.landscape import Landscape
from lossbars.optimise.connect import connect
from lossbars.optimise.descent import Diverged
from lossbars.recipes import Curves, Grid
from lossbars.seeding import generator
from lossbars.simplices import Bezier, Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.blocks import Pair, block_pairs
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_minima
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import CHECKPOINT_SECONDS, make_landscape, read_data, reporter, saved_on_stop, use


def curves(
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
    """Write control points (n, k, d) of the block's curves and the profiles along them.

    The first of a model's recipes for curves measures the straight segments too, and so does an aligned one, whose
    segments lead to the permuted copies: see :func:`lossbars.experiments.networks.steps.corners.corners_of`.
    """
    part = f"{first}+{second}"
    inputs = [data, *minima]
    kept = Finished(checkpoints, job, part, inputs, [out, table])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Curves(**job.recipe["curves"])
    landscape = make_landscape(job, read_data(data, job), recipe.batch_size, where)
    theta = read_minima(minima, job)
    pairs = block_pairs(first, second)
    checkpoint, report = CheckpointFile(checkpoints, job, part, inputs, checkpoint_seconds), reporter(job, part)
    family = Chain(recipe.family.bends) if recipe.family.kind == "chain" else Bezier(recipe.family.bends)
    corners, distances = corners_of(pairs, theta, landscape, recipe.align, job, report)
    start = Simplices(family, family.start(corners))
    order = generator(job.experiment, job.model, "curves", "order")
    places = [generator(job.experiment, job.model, "curves", a, b) for a, b in pairs]
    names = [f"curve {a}+{b}" for a, b in pairs]
    with saved_on_stop(checkpoint):
        end = connect(landscape, start, recipe, order, places, names, checkpoint, report)
    found = profiles(landscape, end, recipe.grid, report, names)
    measured = job.kind == "curves" or recipe.align != "none"
    straight = segment_profiles(landscape, corners, recipe.grid.points) if measured else []
    if recipe.align != "none":
        exact = with_minima_at_ends([*found, *straight], 2 * pairs, theta, landscape, report)
        found, straight = exact[: len(pairs)], exact[len(pairs) :]
    write_table(table, curve_table(pairs, found, straight), job)
    facts = landscape.facts | {"family": recipe.family.kind, "align": recipe.align}
    write_tensors(out, {"pairs": torch.tensor(pairs), "nodes": end.nodes} | distances, job, facts)
    kept.keep()
    checkpoint.remove()
    report(f"maxima {min(p.value for p in found):.4g} to {max(p.value for p in found):.4g}")


def segment_profiles(landscape: Landscape, corners: Float[Tensor, "n 2 d"], points: int) -> list[Profile]:
    """The loss along the straight segments."""
    return profiles(landscape, Simplices(Chain(0), corners), Grid(points=points, refinements=0))


def curve_table(pairs: list[Pair], found: list[Profile], straight: list[Profile]) -> pd.DataFrame:
    """A row per place: minima a and b, ``curve`` or ``segment``, t in 0..1, loss of record."""
    measured = {"curve": found} | ({"segment": straight} if straight else {})
    rows = [
        pd.DataFrame({"a": a, "b": b, "kind": kind, "t": profile.t[:, 0].double(), "loss": profile.loss})
        for kind, several in measured.items()
        for (a, b), profile in zip(pairs, several, strict=True)
    ]
    return pd.concat(rows, ignore_index=True)


if __name__ == "__main__":
    run(curves, known=(Diverged,))
