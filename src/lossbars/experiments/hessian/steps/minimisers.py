"""Minimisers of nets that interpolate their samples, and the null spaces of their Hessians."""

import itertools

import pandas as pd
import torch

from lossbars.experiments.hessian.config import Minimisers
from lossbars.experiments.hessian.steps.setting import make_net
from lossbars.hessian.derivatives import hessian, null_space
from lossbars.hessian.interpolation import interpolate
from lossbars.seeding import generator
from lossbars.workflow.work import Work


def step(work: Work[Minimisers]) -> None:
    """Write a row per minimiser, each on samples of its own.

    Columns: net, start, parameters (d), fitted (outputs times samples), loss, dimension (of the null space), largest
    (modulus of an eigenvalue in it, over the largest of all), next (the smallest modulus beyond it, over the same).
    """
    torch.set_num_threads(work.threads)
    task = work.settings
    rows = []
    for spec, start in itertools.product(task.nets, range(task.starts)):
        random = generator(work.experiment, work.model, "minimiser", spec.name, start)
        net = make_net(spec, random)
        theta = interpolate(net, net.init(1, random)[0])
        null = null_space(torch.linalg.eigvalsh(hessian(net, theta[None])[0]))
        fitted, loss = spec.outputs * spec.samples, float(net.loss(theta[None]))
        rows.append((spec.name, start, net.dim, fitted, loss, null.dimension, null.largest, null.next))
    columns = ["net", "start", "parameters", "fitted", "loss", "dimension", "largest", "next"]
    table = pd.DataFrame(rows, columns=columns)
    right = int((table["dimension"] == table["parameters"] - table["fitted"]).sum())
    work.report(f"{right} of {len(table)} null spaces have the dimension that is expected")
    work.write_table("table", table)
