"""Train the minima of one block of seeds, and polish them on their objective."""

import math
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lossbars.experiments.networks.settings import MeasuredSettings, MinimaSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.landscapes.objective import objective
from lossbars.optimise.descent import Checkpoint, Diverged, State
from lossbars.optimise.minimise import minimise
from lossbars.optimise.polish import Polished, polish
from lossbars.optimise.quasi_newton import REASONS
from lossbars.optimise.stages import Stages
from lossbars.seeding import generator
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.training_step import Training, begin, held_out, saved_on_stop
from lossbars.workflow.work import Work


def step(work: Work[MinimaSettings]) -> None:
    """Write θ (n, d) of the block's seeds and a table of their metrics."""
    recipe, seeds = work.settings.minima, block_seeds(work.part)
    training = begin(work, recipe.batch_size)
    landscape = training.landscape

    def of(purpose: str, seed: int) -> torch.Generator:
        return generator(work.experiment, work.model, purpose, seed)

    start = torch.cat([landscape.init(1, of("start", seed)) for seed in seeds])
    order = [of("order", seed) for seed in seeds]
    names = [f"seed {seed}" for seed in seeds]

    def trained(checkpoint: Checkpoint | None) -> Tensor:
        return minimise(landscape, start, recipe, order, names, checkpoint, work.report)

    with saved_on_stop(training.checkpoint):
        if work.settings.polish:
            stages = Stages(training.checkpoint)
            theta = stages.run("training", lambda checkpoint: {"theta": trained(checkpoint)})["theta"]
            function, how = objective(landscape, recipe.penalty), work.settings.polish
            end = stages.run("polish", lambda saved: _polished(polish(function, theta, how, names, saved, work.report)))
        else:
            theta = trained(training.checkpoint)
            end = _unpolished(theta)
    if recipe.penalty != work.settings.weight_decay:  # they are minima of another function than is measured
        end = end | {"residue": torch.full_like(end["residue"], torch.nan)}
    table = pd.DataFrame({"seed": seeds} | metrics(work.settings, training, end["theta"], seeds) | _columns(end))
    work.write_table("table", table)
    facts = landscape.facts | {"seeds": work.part}
    work.write_tensors("tensors", {"seeds": torch.tensor(seeds), "theta": end["theta"]}, facts)
    low, high = table["objective"].min(), table["objective"].max()
    work.report(f"objectives {low:.6g} to {high:.6g}, largest residue {table['residue'].max():.3g}")


def _polished(end: Polished) -> State:
    """What is kept of a polish."""
    stopped = torch.tensor([REASONS.index(reason) for reason in end.stopped])
    return {"theta": end.theta, "residue": end.residue, "passes": end.passes, "stopped": stopped}


def _unpolished(theta: Tensor) -> State:
    """The same of minima that are left as they were trained: how far a polish would take them is not known."""
    n = len(theta)
    unknown = torch.full((n,), torch.nan, dtype=torch.float64)
    return {"theta": theta, "residue": unknown, "passes": torch.zeros(n, dtype=torch.long), "stopped": -torch.ones(n)}


def _columns(end: State) -> dict[str, Any]:
    """``residue``: how far the second half of the polish lowered the objective; ``stopped``: why it ended."""
    names = [REASONS[int(number)] if number >= 0 else "unpolished" for number in end["stopped"]]
    return {"residue": end["residue"].cpu(), "polish_passes": end["passes"].cpu(), "stopped": names}


def metrics(settings: MeasuredSettings, training: Training, theta: Tensor, seeds: list[int]) -> dict[str, Tensor]:
    """Columns with a row for each minimum: objective, data loss, accuracies in percent, norm of the full gradient."""
    function = objective(training.landscape, settings.weight_decay)
    values, data_loss = function.losses(theta)
    if not bool(values.isfinite().all()):
        bad = [seed for seed, value in zip(seeds, values.tolist(), strict=True) if not math.isfinite(value)]
        raise Diverged(
            f"the loss of seed {bad[0]} on all data is not finite after the training: try a smaller learning rate"
        )
    _, train_accuracy = training.landscape.evaluate(theta, training.landscape.train)
    test_loss, test_accuracy = training.landscape.evaluate(theta, held_out(settings, training.data))
    _, gradient = function.value_and_gradient(theta, None)
    return {
        "objective": values.cpu(),
        "data_loss": data_loss.cpu(),
        "train_accuracy": 100 * train_accuracy.cpu(),
        "test_loss": test_loss.cpu(),
        "test_accuracy": 100 * test_accuracy.cpu(),
        "gradient_norm": gradient.double().norm(dim=1).cpu(),
    }
