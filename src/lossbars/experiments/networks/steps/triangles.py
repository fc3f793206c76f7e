"""Optimise the triangles between the minima of three blocks of seeds, and measure the loss on them."""

import pandas as pd
import torch
from torch import Tensor

from lossbars.experiments.networks.settings import TrianglesSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep, read_minima  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.optimised import connected, losses_of, report_maxima
from lossbars.landscapes.objective import objective
from lossbars.seeding import generator
from lossbars.simplices import Triangle
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.blocks import Triple, block_triples
from lossbars.workflow.training_step import begin, saved_on_stop
from lossbars.workflow.work import Work


def step(work: Work[TrianglesSettings]) -> None:
    """Write control points (n, 7, d) of the block's triangles and the loss on them.

    With ``sides: fixed`` the side centres are the bends of the trained curves; otherwise the sides start straight.
    """
    recipe, triples = work.settings.triangles, block_triples(*work.part.split("+"))
    training = begin(work, recipe.batch_size)
    landscape, family = objective(training.landscape, work.settings.weight_decay), Triangle(recipe.sides)
    nodes = _start(family, read_minima(work), triples)
    if recipe.sides == "fixed":
        _set_sides(nodes, triples, _read_bends(work))
    start = Simplices(family, nodes.to(landscape.device))
    order = generator(work.experiment, work.model, "triangles", "order")
    places = [generator(work.experiment, work.model, "triangles", *triple) for triple in triples]
    names = ["triangle " + "+".join(map(str, triple)) for triple in triples]
    with saved_on_stop(training.checkpoint):
        end = connected(landscape, start, recipe, order, places, names, training.checkpoint, work.report)
    measured = profiles(landscape, end, recipe.grid, work.report, names)
    work.write_table("table", _table(triples, measured))
    facts = training.landscape.facts | {"sides": recipe.sides}
    work.write_tensors("tensors", {"triples": torch.tensor(triples), "nodes": end.nodes}, facts)
    report_maxima(work, measured)


def _start(family: Triangle, theta: dict[int, Tensor], triples: list[Triple]) -> Tensor:
    return family.start(torch.stack([torch.stack([theta[seed] for seed in triple]) for triple in triples]))


def _read_bends(work: Work[TrianglesSettings]) -> dict[tuple[int, int], Tensor]:
    """Pair → the one bend (d) of its trained curve."""
    bends = {}
    for _, tensors, _ in work.all_tensors("curves"):
        for (a, b), nodes in zip(tensors["pairs"].tolist(), tensors["nodes"], strict=True):
            bends[a, b] = nodes[1]
    return bends


def _set_sides(nodes: Tensor, triples: list[Triple], bends: dict[tuple[int, int], Tensor]) -> None:
    """Side centres D, E, F from the curves, and O to their mean."""
    for i, (a, b, c) in enumerate(triples):
        nodes[i, 3], nodes[i, 4], nodes[i, 5] = bends[a, b], bends[b, c], bends[a, c]
        nodes[i, 6] = nodes[i, 3:6].mean(0)


def _table(triples: list[Triple], measured: list[Profile]) -> pd.DataFrame:
    rows = [
        pd.DataFrame(
            {"a": a, "b": b, "c": c} | {f"t{i + 1}": profile.t[:, i].double() for i in range(3)} | losses_of(profile)
        )
        for (a, b, c), profile in zip(triples, measured, strict=True)
    ]
    return pd.concat(rows, ignore_index=True)
