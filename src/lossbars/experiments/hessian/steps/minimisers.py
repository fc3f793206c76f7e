"""Minimisers of nets that interpolate their samples, and the null spaces of their Hessians."""

import itertools
from pathlib import Path

import pandas as pd
import torch

from lossbars.experiments.hessian.config import Minimisers
from lossbars.experiments.hessian.steps.setting import make_net
from lossbars.hessian.derivatives import hessian, null_space
from lossbars.hessian.interpolation import interpolate
from lossbars.seeding import generator
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import say


def hessian_minimisers(job: Job, threads: int, out: Path) -> None:
    """Write a row per minimiser, each on samples of its own.

    Columns: net, start, parameters (d), fitted (outputs times samples), loss, dimension (of the null space), largest
    (modulus of an eigenvalue in it, over the largest of all), next (the smallest beyond, idem).
    """
    torch.set_num_threads(threads)
    task = Minimisers(**job.recipe["task"])
    rows = []
    for spec, start in itertools.product(task.nets, range(task.starts)):
        random = generator(job.experiment, job.model, "minimiser", spec.name, start)
        net = make_net(spec, random)
        theta = interpolate(net, net.init(1, random)[0])
        null = null_space(torch.linalg.eigvalsh(hessian(net, theta[None])[0]))
        row: dict[str, float | str] = {"net": spec.name, "start": start, "parameters": net.dim}
        row["fitted"] = spec.outputs * spec.samples
        row |= {"loss": float(net.loss(theta[None])), "dimension": null.dimension}
        rows.append(row | {"largest": null.largest, "next": null.next})
    table = pd.DataFrame(rows)
    right = int((table["dimension"] == table["parameters"] - table["fitted"]).sum())
    say(job, "", f"{right} of {len(table)} null spaces have the dimension that is expected")
    write_table(out, table, job)


if __name__ == "__main__":
    run(hessian_minimisers)
