"""Connect pairs of models by Dynamic String Sampling at falling thresholds."""

from collections.abc import Callable
from dataclasses import asdict

import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lossbars.datasets.dataset import Dataset, Split
from lossbars.experiments.strings.config import StringsSettings
from lossbars.experiments.strings.fits import CONNECTED
from lossbars.landscape import Landscape
from lossbars.landscapes import make
from lossbars.landscapes.metric import Measured
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.perceptron import Perceptron
from lossbars.optimise.descent import Diverged
from lossbars.optimise.strings.sweep import Answer, sweep
from lossbars.optimise.strings.view import View, view
from lossbars.seeding import generator
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.training_step import held_out, make_landscape, read_data, saved_on_stop, use
from lossbars.workflow.work import Work

ERRORS = (Diverged,)
VIEW = ("places", "values", "beads", "shares")  # what figures show of a string
NOT_CONNECTED = "not connected within the budget"


def keep(settings: StringsSettings) -> bool:  # noqa: ARG001
    """Strings are kept: they take long."""
    return True


def step(work: Work[StringsSettings]) -> None:
    """Write each pair's string at the lowest threshold that it connects at, and a row per pair and threshold.

    Tensors: ``pairs`` (n,), ``nodes`` (n, k, d) with NaN after a string's last bead, ``lengths`` (n,) that say how many
    there are, and what :class:`lossbars.optimise.strings.view.View` shows of each. Columns of the table: pair,
    threshold, answer, above (what is still above the threshold: nothing, an end, a bead or a segment), beads (between
    the ends), length (normalised), distance (of the ends), highest (the measure on the string), gradients and measured
    (so far).
    """
    settings, device = work.settings, use(work)
    landscape, measure, facts = _landscapes(work, device)
    pairs, checkpoint = block_seeds(work.part), work.checkpoint()
    with saved_on_stop(checkpoint):
        answers, strings = sweep(
            landscape,
            measure,
            _starts(work, landscape, pairs),
            settings.thresholds,
            settings.strings,
            lambda level, number: generator(work.experiment, work.model, "strings", "order", level, number),
            settings.reuse,
            checkpoint,
            work.report,
        )
    views = [view(measure, beads) for beads in strings]
    work.write_table("table", _table(answers, pairs))
    work.write_tensors("tensors", _tensors(pairs, strings, views), facts)


def _landscapes(work: Work[StringsSettings], device: torch.device) -> tuple[Landscape, Landscape, dict[str, str]]:
    """The landscape that beads are trained on, the measure that thresholds bound, and facts of how networks are run."""
    settings = work.settings
    if settings.landscape:
        landscape, _ = make.make_landscape(settings.landscape.landscape)
        return landscape, landscape, {}
    assert settings.training
    data = read_data(work, settings.training)
    network = make_landscape(settings.training, data, settings.strings.batch_size, device)
    measured = Measured(network, _looked_at(settings, data, network), settings.level.metric)
    return network, measured, network.facts


def _looked_at(settings: StringsSettings, data: Dataset, network: NetworkLandscape) -> Split:
    """The samples that thresholds are on."""
    assert settings.training
    split = held_out(settings.training, data) if settings.level.of == "test" else network.train
    return Split(split.x[: settings.level.samples], split.y[: settings.level.samples])


def _starts(work: Work[StringsSettings], landscape: Landscape, pairs: list[int]) -> Callable[[int], Tensor]:
    """Ends (n, 2, d) for each threshold, by its number."""

    def starts(level: int) -> Tensor:
        names = (work.experiment, work.model, "strings", "ends", level)
        if work.settings.ends == "random":
            return torch.stack([landscape.init(2, generator(*names, pair)) for pair in pairs])
        assert isinstance(landscape, Perceptron)  # the configuration was checked
        start = torch.cat([landscape.init(1, generator(*names, pair)) for pair in pairs])
        return torch.stack([start, landscape.swapped(start, 0, 1)], dim=1)

    return starts


def _table(answers: list[Answer], pairs: list[int]) -> pd.DataFrame:
    table = pd.DataFrame([asdict(answer) for answer in answers])
    table["pair"] = [pairs[answer.pair] for answer in answers]
    table["answer"] = [CONNECTED if answer.connected else NOT_CONNECTED for answer in answers]
    names = ["pair", "threshold", "answer", "above", "beads", "length", "distance", "highest", "gradients", "measured"]
    return table[names]


def _tensors(pairs: list[int], strings: list[Tensor], views: list[View]) -> dict[str, Tensor]:
    tensors = {"pairs": torch.tensor(pairs), "lengths": torch.tensor([len(beads) for beads in strings])}
    padded = {"nodes": strings}
    padded |= {f"view.{name}": [getattr(shown, name) for shown in views] for name in VIEW}
    return tensors | {name: pad_sequence(parts, True, float("nan")) for name, parts in padded.items()}
