"""Optimise the triangles between the minima of three blocks of seeds, and measure the loss on them."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from lossbars.optimise.connect import connect
from lossbars.optimise.descent import Diverged
from lossbars.recipes import Triangles
from lossbars.seeding import generator
from lossbars.simplices import Triangle
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.artefacts import read_tensors, write_table, write_tensors
from lossbars.workflow.blocks import Triple, block_triples
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import expected_key, read_minima
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import CHECKPOINT_SECONDS, make_landscape, read_data, reporter, saved_on_stop, use


def triangles(
    job: Job,
    data: Path,
    minima: list[Path],
    curves: list[Path],
    first: str,
    second: str,
    third: str,
    threads: int,
    device: str,
    checkpoints: Path,
    out: Path,
    table: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Write control points (n, 7, d) of the block's triangles and the loss on them.

    With ``sides: fixed`` the side centres are the bends of the trained curves; otherwise the sides start straight.
    """
    part = f"{first}+{second}+{third}"
    inputs = [data, *minima, *curves]
    kept = Finished(checkpoints, job, part, inputs, [out, table])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Triangles(**job.recipe["triangles"])
    landscape = make_landscape(job, read_data(data, job), recipe.batch_size, where)
    triples = block_triples(first, second, third)
    checkpoint, report = CheckpointFile(checkpoints, job, part, inputs, checkpoint_seconds), reporter(job, part)
    family = Triangle(recipe.sides)
    nodes = _start(family, read_minima(minima, job), triples)
    if recipe.sides == "fixed":
        _set_sides(nodes, triples, _read_bends(curves, job))
    start = Simplices(family, nodes.to(where))
    order = generator(job.experiment, job.model, "triangles", "order")
    places = [generator(job.experiment, job.model, "triangles", *triple) for triple in triples]
    names = ["triangle " + "+".join(map(str, triple)) for triple in triples]
    with saved_on_stop(checkpoint):
        end = connect(landscape, start, recipe, order, places, names, checkpoint, report)
    found = profiles(landscape, end, recipe.grid, report, names)
    write_table(table, _table(triples, found), job)
    facts = landscape.facts | {"sides": recipe.sides}
    write_tensors(out, {"triples": torch.tensor(triples), "nodes": end.nodes}, job, facts)
    kept.keep()
    checkpoint.remove()
    report(f"maxima {min(p.value for p in found):.4g} to {max(p.value for p in found):.4g}")


def _start(family: Triangle, theta: dict[int, Tensor], triples: list[Triple]) -> Tensor:
    return family.start(torch.stack([torch.stack([theta[seed] for seed in triple]) for triple in triples]))


def _read_bends(paths: list[Path], job: Job) -> dict[tuple[int, int], Tensor]:
    """Pair → the one bend (d) of its trained curve."""
    bends = {}
    for path in paths:
        tensors, _ = read_tensors(path, expected_key(job, "curves", path))
        for (a, b), nodes in zip(tensors["pairs"].tolist(), tensors["nodes"], strict=True):
            bends[a, b] = nodes[1]
    return bends


def _set_sides(nodes: Tensor, triples: list[Triple], bends: dict[tuple[int, int], Tensor]) -> None:
    """Side centres D, E, F from the curves, and O to their mean."""
    for i, (a, b, c) in enumerate(triples):
        nodes[i, 3], nodes[i, 4], nodes[i, 5] = bends[a, b], bends[b, c], bends[a, c]
        nodes[i, 6] = nodes[i, 3:6].mean(0)


def _table(triples: list[Triple], found: list[Profile]) -> pd.DataFrame:
    rows = [
        pd.DataFrame(
            {"a": a, "b": b, "c": c}
            | {f"t{i + 1}": profile.t[:, i].double() for i in range(3)}
            | {"loss": profile.loss}
        )
        for (a, b, c), profile in zip(triples, found, strict=True)
    ]
    return pd.concat(rows, ignore_index=True)


if __name__ == "__main__":
    run(triangles, known=(Diverged,))
