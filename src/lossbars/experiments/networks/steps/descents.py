"""Descend from places on the curves of a model, and write the minima that are found and the pieces of the curves."""

import pandas as pd
import torch
from torch import Tensor

from lossbars.experiments.networks.settings import DescentsSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep, read_minima  # noqa: F401 (workflow.run reads them)
from lossbars.experiments.networks.steps.measured_curves import Origin, lowest_of_pairs, read_curves
from lossbars.experiments.networks.steps.minima import metrics
from lossbars.landscapes.objective import objective
from lossbars.optimise.dips import Found
from lossbars.optimise.quasi_newton import REASONS
from lossbars.optimise.splitting import split
from lossbars.workflow.training_step import begin, saved_on_stop
from lossbars.workflow.work import Work

METRICS = ("objective", "data_loss", "train_accuracy", "test_loss", "test_accuracy", "gradient_norm")


def step(work: Work[DescentsSettings]) -> None:
    """Write θ (f, d) of the minima found, a table of them, and one of the pieces of curves between all minima.

    Found minima are numbered from the one after the largest seed on, in the column ``seed``. ``found_by``, ``found_a``
    and ``found_b`` name the curve from which each was reached, ``found_at`` is the place on it. The ``objective`` of a
    piece is the largest on it; it is part of the curve between ``curve_a`` and ``curve_b``, from t = ``low`` to
    ``high``.
    """
    settings = work.settings
    training, minima = begin(work, settings.batch_size), read_minima(work)
    function = objective(training.landscape, settings.weight_decay)
    seeds, theta = list(minima), torch.stack(list(minima.values())).to(training.landscape.device)
    origins, curves = read_curves(work, seeds)
    if settings.descents.places == "dips":
        curves = lowest_of_pairs(curves)
    with saved_on_stop(training.checkpoint):
        found = split(function, theta, curves, settings.descents, training.checkpoint, work.report)
    new = [max(seeds) + 1 + i for i in range(len(found.theta))]
    measured = (
        metrics(settings, training, found.theta.to(theta), new) if new else dict.fromkeys(METRICS, theta.new_empty(0))
    )
    work.write_table("table", _table(new, measured, found, origins))
    work.write_table("pieces", _pieces([*seeds, *new], found, origins))
    facts = training.landscape.facts
    work.write_tensors("tensors", {"seeds": torch.tensor(new, dtype=torch.long), "theta": found.theta}, facts)
    work.report(f"{len(new)} minima found on {len(curves)} curves, which have {len(found.pieces)} pieces")


def _table(seeds: list[int], measured: dict[str, Tensor], found: Found, origins: list[Origin]) -> pd.DataFrame:
    stopped = [REASONS[number] for number in found.stopped.tolist()]
    of_polish = {
        "residue": found.residue.cpu(),
        "polish_passes": found.passes.cpu(),
        "stopped": pd.Series(stopped, dtype="str"),
    }
    table = pd.DataFrame(
        {"seed": pd.Series(seeds, dtype="int64")} | {k: v.cpu() for k, v in measured.items()} | of_polish
    )
    reached = pd.DataFrame([origins[number] for number in found.curve], columns=["found_by", "found_a", "found_b"])
    types = {"found_by": "str", "found_a": "int64", "found_b": "int64"}
    return pd.concat([table, reached.astype(types)], axis=1).assign(found_at=pd.Series(found.t, dtype="float64"))


def _pieces(names: list[int], found: Found, origins: list[Origin]) -> pd.DataFrame:
    rows = []
    for piece in found.pieces:
        a, b = sorted(names[end] for end in piece.ends)
        rows.append((a, b, piece.height, piece.residue, *origins[piece.curve], *piece.span))
    columns = ["a", "b", "objective", "residue", "by", "curve_a", "curve_b", "low", "high"]
    whole = dict.fromkeys(("a", "b", "curve_a", "curve_b"), "int64")
    return pd.DataFrame(rows, columns=columns).astype(
        whole | dict.fromkeys(("objective", "residue", "low", "high"), "float64") | {"by": "str"}
    )
