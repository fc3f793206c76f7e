"""Critical points of small nets on random samples, by searches for stated indices."""

import itertools

import pandas as pd
import torch

from lossbars.experiments.hessian.config import CriticalPoints, SmallNet
from lossbars.experiments.hessian.steps.setting import make_net
from lossbars.hessian.critical_search import descend, follow
from lossbars.hessian.derivatives import index
from lossbars.seeding import generator
from lossbars.workflow.work import Work


def step(work: Work[CriticalPoints]) -> None:
    """Write a row per search.

    Columns: tau, parameters, data_set, wanted (the index asked for), before (energy where the search began), energy
    (L/n where it ended), gradient (its norm, over that at the random start), accepted (whether that is small enough),
    index (number of negative eigenvalues), alpha (its share), lowest (eigenvalue).
    """
    torch.set_num_threads(work.threads)
    task = work.settings
    parts = []
    for samples, number in itertools.product(task.samples, range(task.data_sets)):
        parts.append(_searches(work, task, samples, number))
        count, tau = int(parts[-1]["accepted"].sum()), parts[-1]["tau"].iloc[0]
        work.report(f"τ = {tau:.3g}, data set {number}: {count} of {len(parts[-1])} searches end at critical points")
    work.write_table("table", pd.concat(parts, ignore_index=True))


def _searches(work: Work[CriticalPoints], task: CriticalPoints, samples: int, number: int) -> pd.DataFrame:
    """One for each index, all on one set of samples."""
    n, wanted = task.width, torch.tensor(task.indices)
    random = generator(work.experiment, work.model, "samples", samples, number)
    spec = SmallNet(inputs=n, hidden=[n], outputs=n, samples=samples, activation=task.activation, biases=False)
    net = make_net(spec, random)
    start = torch.randn(len(wanted), net.dim, generator=random, dtype=torch.float64) / n**0.5
    begin = descend(net, start, task.descent.rate, task.descent.steps)
    ends = follow(net, begin, wanted, task.steps)
    share = ends.gradient / torch.linalg.vector_norm(net.value_and_gradient(start, None)[1], dim=1)
    indices = index(ends.eigenvalues)
    columns = {
        "tau": 2 * n / samples,
        "parameters": net.dim,
        "data_set": number,
        "wanted": task.indices,
        "before": (net.loss(begin) / n).numpy(),
        "energy": (net.loss(ends.theta) / n).numpy(),
        "gradient": share.numpy(),
        "accepted": (share <= task.tolerance).numpy(),
        "index": indices.numpy(),
        "alpha": indices.numpy() / net.dim,
        "lowest": ends.eigenvalues[:, 0].numpy(),
    }
    return pd.DataFrame(columns)
