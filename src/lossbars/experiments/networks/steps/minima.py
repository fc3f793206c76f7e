"""Train the minima of one block of seeds."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from lossbars.datasets.dataset import Split
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.minimise import minimise
from lossbars.recipes import Minima
from lossbars.seeding import generator
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
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


def minima(
    job: Job,
    data: Path,
    seeds: str,
    threads: int,
    device: str,
    checkpoints: Path,
    out: Path,
    metrics: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Write θ (n, d) of the block's seeds and a table of their metrics."""
    inputs = [data]
    kept = Finished(checkpoints, job, seeds, inputs, [out, metrics])
    if kept.fetch():
        return
    where = use(threads, device)
    recipe = Minima(**job.recipe["minima"])
    data_set = read_data(data, job)
    landscape = make_landscape(job, data_set, recipe.batch_size, where)
    numbers = block_seeds(seeds)
    checkpoint, report = CheckpointFile(checkpoints, job, seeds, inputs, checkpoint_seconds), reporter(job, seeds)

    def of(purpose: str, seed: int) -> torch.Generator:
        return generator(job.experiment, job.model, purpose, seed)

    start = torch.cat([landscape.init(1, of("start", seed)) for seed in numbers])
    order = [of("order", seed) for seed in numbers]
    names = [f"seed {seed}" for seed in numbers]
    with saved_on_stop(checkpoint):
        theta = minimise(landscape, start, recipe, order, names, checkpoint, report)
    test = Split(inputs_of(data_set.test_x, job, data_set.tokens), data_set.test_y)
    table = _metrics(landscape, theta, numbers, test, recipe.penalty)
    facts = landscape.facts | {"seeds": seeds}
    write_table(metrics, table, job)
    write_tensors(out, {"seeds": torch.tensor(numbers), "theta": theta}, job, facts)
    kept.keep()
    checkpoint.remove()
    report(f"losses {table.loss.min():.4g} to {table.loss.max():.4g}")


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


if __name__ == "__main__":
    run(minima, known=(Diverged,))
