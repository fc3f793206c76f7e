"""Connect pairs of models by Dynamic String Sampling at falling thresholds."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lossbars.datasets.dataset import Split
from lossbars.experiments.strings.fits import CONNECTED
from lossbars.landscape import Landscape
from lossbars.landscapes.metric import Measured
from lossbars.landscapes.perceptron import Perceptron
from lossbars.optimise.descent import Diverged
from lossbars.optimise.strings.sweep import Answer, sweep
from lossbars.optimise.strings.view import View, view
from lossbars.recipes import Beads
from lossbars.seeding import generator
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import read_landscape
from lossbars.workflow.result_store import Finished
from lossbars.workflow.training_step import (
    CHECKPOINT_SECONDS,
    inputs_of,
    make_landscape,
    read_data,
    reporter,
    saved_on_stop,
    use,
)

NOT_CONNECTED = "not connected within the budget"


def strings(
    job: Job,
    data: list[Path],
    pairs: str,
    threads: int,
    device: str,
    checkpoints: Path,
    out: Path,
    table: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Write each pair's string at the lowest threshold that it connects at, and a row per pair and threshold.

    Tensors: ``pairs`` (n,), ``nodes`` (n, k, d) with NaN after a string's last bead, ``lengths`` (n,) that say how many
    there are, and what :class:`lossbars.optimise.strings.view.View` shows of each. Columns of the table: pair,
    threshold, answer, above (what is still above the threshold: nothing, an end, a bead or a segment), beads (between
    the ends), length (normalised), distance (of the ends), highest (the measure on the string), gradients and measured
    (so far).
    """
    kept = Finished(checkpoints, job, pairs, data, [out, table])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Beads(**job.recipe["strings"])
    landscape, measure, facts = _landscapes(job, data, recipe, where)
    numbers = block_seeds(pairs)
    checkpoint, report = CheckpointFile(checkpoints, job, pairs, data, checkpoint_seconds), reporter(job, pairs)
    thresholds, reuse = job.recipe["thresholds"], job.recipe["reuse"]
    with saved_on_stop(checkpoint):
        answers, found = sweep(
            landscape,
            measure,
            _starts(job, landscape, numbers),
            thresholds,
            recipe,
            lambda level, number: generator(job.experiment, job.model, "strings", "order", level, number),
            reuse,
            checkpoint,
            report,
        )
    views = [view(measure, beads) for beads in found]
    write_table(table, _table(answers, numbers), job)
    write_tensors(out, _tensors(numbers, found, views), job, facts)
    kept.keep()
    checkpoint.remove()


def _landscapes(
    job: Job, data: list[Path], recipe: Beads, device: torch.device
) -> tuple[Landscape, Landscape, dict[str, str]]:
    """What beads are trained on, what thresholds are on, and how networks are run."""
    if "landscape" in job.recipe:
        landscape, _ = read_landscape(job)
        return landscape, landscape, {}
    data_set = read_data(data[0], job)
    network = make_landscape(job, data_set, recipe.batch_size, device)
    level = job.recipe["level"]
    if level["of"] == "test":
        split = Split(inputs_of(data_set.test_x, job, data_set.tokens), data_set.test_y)
    else:
        split = network.train
    some = Split(split.x[: level["samples"]], split.y[: level["samples"]])
    return network, Measured(network, some, level["metric"]), network.facts


def _starts(job: Job, landscape: Landscape, numbers: list[int]) -> Callable[[int], Tensor]:
    """Ends (n, 2, d) for each threshold, by its number."""

    def starts(level: int) -> Tensor:
        names = (job.experiment, job.model, "strings", "ends", level)
        if job.recipe["ends"] == "random":
            return torch.stack([landscape.init(2, generator(*names, pair)) for pair in numbers])
        assert isinstance(landscape, Perceptron)  # the configuration was checked
        one = torch.cat([landscape.init(1, generator(*names, pair)) for pair in numbers])
        return torch.stack([one, landscape.swapped(one, 0, 1)], dim=1)

    return starts


def _table(answers: list[Answer], numbers: list[int]) -> pd.DataFrame:
    rows = [
        asdict(one) | {"pair": numbers[one.pair], "answer": CONNECTED if one.connected else NOT_CONNECTED}
        for one in answers
    ]
    names = ["pair", "threshold", "answer", "above", "beads", "length", "distance", "highest", "gradients", "measured"]
    return pd.DataFrame(rows)[names]


def _tensors(numbers: list[int], found: list[Tensor], views: list[View]) -> dict[str, Tensor]:
    nodes = pad_sequence(found, True, float("nan"))
    counts = {"pairs": torch.tensor(numbers), "lengths": torch.tensor([len(beads) for beads in found])}
    shown = {
        f"view.{name}": pad_sequence(
            [getattr(own, name) for own in views], batch_first=True, padding_value=float("nan")
        )
        for name in ("places", "values", "beads", "shares")
    }
    return {"nodes": nodes} | counts | shown


if __name__ == "__main__":
    run(strings, known=(Diverged,))
