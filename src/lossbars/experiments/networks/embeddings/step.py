"""Theorem 2 on the minima and curves of one model, embedded in a larger one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from torch import Generator, Tensor

from lossbars.experiments.networks.embeddings.config import Embedding as Recipe
from lossbars.experiments.networks.embeddings.theorem import Bounds, bounds, descend_from, with_points
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.optimise.descent import Diverged
from lossbars.seeding import generator
from lossbars.simplices import Bezier
from lossbars.symmetry.embedding import Embedding, embedding
from lossbars.workflow.artefacts import made_by, read_records, read_tensors, write_table
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import expected_key, read_minima
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import CHECKPOINT_SECONDS, make_landscape, read_data, reporter, saved_on_stop, use

BEZIER_POINTS = 61  # of the chain that stands for a Bezier curve
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


def embedding_(
    job: Job,
    data: Path,
    barcode: Path,
    minima: list[Path],
    curves: list[Path],
    threads: int,
    device: str,
    checkpoints: Path,
    out: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Write a row per minimum of the small model but its lowest: its saddle, and bounds of that in the large model."""
    inputs = [data, barcode, *minima, *curves]
    kept = Finished(checkpoints, job, "", inputs, [out])
    if kept.fetch():
        return
    where, recipe = use(threads, device), Recipe(**job.recipe["embedding"])
    data_set = read_data(data, job)
    small = make_landscape(_of_small(job), data_set, recipe.descent.batch_size, where)
    large = make_landscape(job, data_set, recipe.descent.batch_size, where)
    found, bars, theta = between(small, large), read_bars(barcode, job), read_minima(minima, job)
    seeds = sorted({seed for bar in bars for seed in (bar.a, bar.b)})
    embedded = found.apply(torch.stack([theta[seed] for seed in seeds]).to(where))
    first, second = (CheckpointFile(checkpoints, job, p, inputs, checkpoint_seconds) for p in ("descent", "path"))
    names, random = [f"embedded minimum {seed}" for seed in seeds], _generators(job, "descent", seeds)
    with saved_on_stop(first):
        own = (recipe.descent, recipe.fluctuation, recipe.snapshots)
        trajectories = descend_from(large, embedded, *own, random, names, first, reporter(job, "descent"))
    of_seed = dict(zip(seeds, trajectories, strict=True))
    wide = make_landscape(job, data_set, recipe.path.batch_size, where)
    with saved_on_stop(second):
        obtained = _bounds(job, wide, recipe, bars, of_seed, found, read_curves(curves, job), second)
    write_table(out, _table(bars, obtained, found), job)
    kept.keep()
    first.remove()
    second.remove()


def _of_small(job: Job) -> Job:
    return replace(job, recipe=job.recipe | {"network": job.recipe["small_network"]})


def between(small: NetworkLandscape, large: NetworkLandscape) -> Embedding:
    """The embedding of one network's parameters into another's. Raises ValueError where there is none."""
    ours, theirs = (dict(zip(one.names, one.shapes, strict=True)) for one in (small, large))
    return embedding(ours, theirs)


def _generators(job: Job, purpose: str, numbers: Sequence[int]) -> list[Generator]:
    return [generator(job.experiment, job.model, purpose, number) for number in numbers]


def read_bars(path: Path, job: Job) -> list[Bar]:
    """The finite direct bars of the small model, in the order of its barcode; none modulo permutations."""
    (direct,) = (r for r in read_records(path, job.expects["barcode"]) if r["convention"] == "direct")
    bars = [bar for bar in direct["bars"] if bar["dim"] == 0]
    births = {bar["born_at"][0]: bar["birth"] for bar in bars}
    finite = [(bar["born_at"][0], sum(bar["dies_at"]), bar) for bar in bars if bar["death"] is not None]
    return [Bar(a, both - a, (births[a], births[both - a]), bar["death"], bar["dies_on"]) for a, both, bar in finite]


def read_curves(paths: list[Path], job: Job) -> Curves:
    """Every curve as a chain: of a path its points, of a Bezier curve its places on a grid."""
    found = {}
    for path in paths:
        kind = made_by(path).kind
        tensors, facts = read_tensors(path, expected_key(job, kind, path))
        nodes = tensors["nodes"]
        if facts["family"] == "bezier":
            bezier = Bezier(nodes.shape[1] - 2)
            nodes = bezier.blend(torch.linspace(0, 1, BEZIER_POINTS)[:, None]) @ nodes
        lengths = tensors.get("lengths", torch.full((len(nodes),), nodes.shape[1]))
        for (a, b), points, length in zip(tensors["pairs"].tolist(), nodes, lengths.tolist(), strict=True):
            found[kind, a, b] = points[:length]
    return found


def _bounds(
    job: Job,
    landscape: NetworkLandscape,
    recipe: Recipe,
    bars: list[Bar],
    trajectories: dict[int, Tensor],
    found: Embedding,
    curves: Curves,
    checkpoint: CheckpointFile,
) -> Bounds:
    """Of all bars at once: their chains are given as many points each as the longest has."""
    chains = [bar.of(curves) for bar in bars]
    longest = max(map(len, chains))
    embedded = [found.apply(with_points(chain, longest).to(landscape.device)) for chain in chains]
    return bounds(
        landscape,
        torch.stack([trajectories[bar.a] for bar in bars]),
        torch.stack(embedded),
        torch.stack([trajectories[bar.b] for bar in bars]),
        recipe.path,
        recipe.path.grid,
        recipe.fluctuation,
        generator(job.experiment, job.model, "path", "order"),
        _generators(job, "path", [bar.a for bar in bars]),
        [f"path of minimum {bar.a}" for bar in bars],
        checkpoint,
        reporter(job, "path"),
    )


def _table(bars: list[Bar], obtained: Bounds, found: Embedding) -> pd.DataFrame:
    """``_a`` and ``_b`` are of the minimum and of the lower one: loss in the small model (birth), embedded (start),
    at the end of its descent, and the highest on it."""
    columns = {"a": [bar.a for bar in bars], "b": [bar.b for bar in bars]}
    births = torch.tensor([bar.births for bar in bars], dtype=torch.float64)
    pairs = {"birth": births, "start": obtained.start, "end": obtained.end, "highest": obtained.highest}
    sides = {f"{name}_{side}": pair[:, i].numpy() for name, pair in pairs.items() for i, side in enumerate("ab")}
    maxima = {name: getattr(obtained, name).numpy() for name in ("curve", "before", "after")}
    penalty = {"penalty": [bar.penalty for bar in bars], "by": [bar.kind for bar in bars]}
    return pd.DataFrame(columns | sides | penalty | maxima | {"ones": found.ones})


if __name__ == "__main__":
    run(embedding_, known=(Diverged,))
