"""Theorem 2 of Barannikov et al. 2022 on the minima and curves of one model, embedded in a larger one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import Generator, Tensor

from lossbars.experiments.networks.embeddings.theorem import Bounds, bounds, descend_from, with_points
from lossbars.experiments.networks.settings import EmbeddingSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep, read_minima  # noqa: F401 (workflow.run reads them)
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.descent import Checkpoint
from lossbars.seeding import generator
from lossbars.simplices.families import FAMILIES, POLYGONAL
from lossbars.symmetry.embedding import Embedding, embedding
from lossbars.workflow.records import read_barcodes
from lossbars.workflow.training_step import make_landscape, read_data, saved_on_stop, use
from lossbars.workflow.work import Work

POINTS = 61  # of the chain that stands for a smooth curve
Curves = dict[tuple[str, int, int], Tensor]  # kind and pair → points (k, d) of a chain


@dataclass(frozen=True)
class Bar:
    """A finite direct bar of the small model: minimum a, the lower one b, and the curve between that ends the bar."""

    a: int
    b: int
    births: tuple[float, float]  # losses of a and of b
    penalty: float
    kind: str  # of the curve

    def of(self, curves: Curves) -> Tensor:
        """Points (k, d) of its curve, from a to b."""
        points = curves[self.kind, min(self.a, self.b), max(self.a, self.b)]
        return points if self.a < self.b else points.flip(0)


def step(work: Work[EmbeddingSettings]) -> None:
    """Write a row per minimum of the small model but its lowest: its saddle, and bounds of that in the large model."""
    settings, recipe, decay = work.settings, work.settings.embedding, work.settings.weight_decay
    device, data = use(work), read_data(work, work.settings)
    small = make_landscape(settings.of_small, data, recipe.descent.batch_size, device)
    large = make_landscape(settings, data, recipe.descent.batch_size, device)
    into, bars, theta = between(small, large), read_bars(work), read_minima(work)
    seeds = sorted({seed for bar in bars for seed in (bar.a, bar.b)})
    embedded = into.apply(torch.stack([theta[seed] for seed in seeds]).float().to(device))
    descent, path = (replace(work, part=part) for part in ("descent", "path"))  # each has its own state on the way
    names, random = [f"embedded minimum {seed}" for seed in seeds], _generators(work, "descent", seeds)
    first, second = descent.checkpoint(), path.checkpoint()
    with saved_on_stop(first):
        how = (recipe.descent, recipe.fluctuation, recipe.snapshots)
        trajectories = descend_from(objective(large, decay), embedded, *how, random, names, first, descent.report)
    of_seed = dict(zip(seeds, trajectories, strict=True))
    wide = make_landscape(settings, data, recipe.path.batch_size, device)
    with saved_on_stop(second):
        obtained = _bounds(path, objective(wide, decay), bars, of_seed, into, read_curves(work), second)
    work.write_table("table", _table(bars, obtained, into.ones, decay))
    first.remove()
    second.remove()


def between(small: NetworkLandscape, large: NetworkLandscape) -> Embedding:
    """The embedding of one network's parameters into another's. Raises ValueError where there is none."""
    return embedding(small.shapes, large.shapes)


def _generators(work: Work[Any], purpose: str, numbers: Sequence[int]) -> list[Generator]:
    return [generator(work.experiment, work.model, purpose, number) for number in numbers]


def read_bars(work: Work[Any]) -> list[Bar]:
    """The finite direct bars of the small model, in the order of its barcode; none modulo permutations."""
    (direct,) = (one for one in read_barcodes(work, "barcode") if one.convention == "direct")
    bars = direct.barcode.of_dim(0)
    births = {bar.born_at[0]: bar.birth for bar in bars}
    finite = [(bar.born_at[0], sum(bar.dies_at), bar.death, direct.dies_on[bar.dies_at]) for bar in bars if bar.dies_at]
    return [Bar(a, both - a, (births[a], births[both - a]), death, kind) for a, both, death, kind in finite]


def read_curves(work: Work[Any]) -> Curves:
    """Every curve as a chain: of a path its points, of a smooth curve its places on a grid."""
    curves: Curves = {}
    for job, tensors, facts in work.all_tensors("curves"):
        nodes = tensors["nodes"]
        if facts["family"] not in POLYGONAL:
            family = FAMILIES[facts["family"]](nodes.shape[1] - 2)
            nodes = family.blend(torch.linspace(0, 1, POINTS)[:, None]) @ nodes
        lengths = tensors.get("lengths", torch.full((len(nodes),), nodes.shape[1]))
        for (a, b), points, length in zip(tensors["pairs"].tolist(), nodes, lengths.tolist(), strict=True):
            curves[job.kind, a, b] = points[:length]
    return curves


def _bounds(
    work: Work[EmbeddingSettings],
    landscape: Landscape,
    bars: list[Bar],
    trajectories: dict[int, Tensor],
    into: Embedding,
    curves: Curves,
    checkpoint: Checkpoint,
) -> Bounds:
    """Of all bars at once: their chains are given as many points each as the longest has."""
    recipe = work.settings.embedding
    chains = [bar.of(curves) for bar in bars]
    longest = max(map(len, chains))
    embedded = [into.apply(with_points(chain, longest).float().to(landscape.device)) for chain in chains]
    return bounds(
        landscape,
        torch.stack([trajectories[bar.a] for bar in bars]),
        torch.stack(embedded),
        torch.stack([trajectories[bar.b] for bar in bars]),
        recipe.path,
        recipe.path.grid,
        recipe.fluctuation,
        generator(work.experiment, work.model, "path", "order"),
        _generators(work, "path", [bar.a for bar in bars]),
        [f"path of minimum {bar.a}" for bar in bars],
        checkpoint,
        work.report,
    )


def _table(bars: list[Bar], obtained: Bounds, ones: int, weight_decay: float) -> pd.DataFrame:
    """``_a`` and ``_b`` are of the minimum and of the lower one: loss in the small model (birth), embedded (start),
    at the end of its descent, and the highest on it. ``shift`` is by how much the objective grows in an embedding: the
    weights of 1 that it adds, times λ/2 (Barannikov et al. 2022, §3.5, for λ/2 ‖θ‖²).
    """
    columns = {"a": [bar.a for bar in bars], "b": [bar.b for bar in bars]}
    births = torch.tensor([bar.births for bar in bars], dtype=torch.float64)
    pairs = {"birth": births, "start": obtained.start, "end": obtained.end, "highest": obtained.highest}
    sides = {f"{name}_{side}": pair[:, i].numpy() for name, pair in pairs.items() for i, side in enumerate("ab")}
    maxima = {name: getattr(obtained, name).numpy() for name in ("curve", "before", "after")}
    penalty = {"penalty": [bar.penalty for bar in bars], "by": [bar.kind for bar in bars]}
    return pd.DataFrame(columns | sides | penalty | maxima | {"ones": ones, "shift": weight_decay / 2 * ones})
