"""Train the minima of one block of seeds."""

import pandas as pd
import torch
from torch import Tensor

from lossbars.datasets.dataset import Split
from lossbars.experiments.networks.settings import MinimaSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep  # noqa: F401 (workflow.run reads them)
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.minimise import minimise
from lossbars.seeding import generator
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.training_step import begin, held_out, saved_on_stop
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
    with saved_on_stop(training.checkpoint):
        theta = minimise(landscape, start, recipe, order, names, training.checkpoint, work.report)
    table = _metrics(landscape, theta, seeds, held_out(work.settings, training.data), recipe.penalty)
    work.write_table("table", table)
    facts = landscape.facts | {"seeds": work.part}
    work.write_tensors("tensors", {"seeds": torch.tensor(seeds), "theta": theta}, facts)
    work.report(f"losses {table.loss.min():.4g} to {table.loss.max():.4g}")


def _metrics(landscape: NetworkLandscape, theta: Tensor, seeds: list[int], test: Split, penalty: float) -> pd.DataFrame:
    """A row per minimum: the loss of record, the same with L2, accuracies in percent, norm of the full gradient."""
    loss, train_accuracy = landscape.evaluate(theta, landscape.train)
    if not bool(loss.isfinite().all()):
        bad = [seed for seed, value in zip(seeds, loss.tolist(), strict=True) if not torch.tensor(value).isfinite()]
        raise Diverged(
            f"the loss of record of seed {bad[0]} is not finite after the training: try a smaller learning rate"
        )
    test_loss, test_accuracy = landscape.evaluate(theta, test)
    _, gradient = landscape.value_and_gradient(theta, None)
    return pd.DataFrame(
        {
            "seed": seeds,
            "loss": loss.cpu(),
            "loss_with_l2": (loss + penalty / 2 * theta.double().square().sum(1)).cpu(),
            "train_accuracy": 100 * train_accuracy.cpu(),
            "test_loss": test_loss.cpu(),
            "test_accuracy": 100 * test_accuracy.cpu(),
            "gradient_norm": gradient.double().norm(dim=1).cpu(),
        }
    )
