"""Exact spectra of H, H0 and H1 of one small net, and that of H by stochastic Lanczos quadrature."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from lossbars.experiments.hessian.config import NetSpectrum
from lossbars.experiments.hessian.steps.setting import make_net
from lossbars.hessian.critical_search import descend
from lossbars.hessian.derivatives import hessian, operator
from lossbars.hessian.gauss_newton import split
from lossbars.hessian.lanczos import Quadrature, quadrature
from lossbars.seeding import generator, numpy_generator
from lossbars.workflow.work import Work


def step(work: Work[NetSpectrum]) -> None:
    """Write a row per eigenvalue of ``hessian``, ``gauss-newton`` (H0) and ``residual`` (H1), and per ``lanczos`` node.

    Columns: part, value, weight; and, equal in all rows, energy (L over outputs), off (largest entry of H − H0 − H1
    over the largest of H), distance (largest difference of the distribution functions of H: by Lanczos, and exact).
    """
    torch.set_num_threads(work.threads)
    task = work.settings
    random = generator(work.experiment, work.model, "spectrum")
    net = make_net(task.net, random)
    start = torch.randn(1, net.dim, generator=random, dtype=torch.float64) / max(task.net.hidden) ** 0.5
    (theta,) = descend(net, start, task.descent.rate, task.descent.steps)
    full, (first, second) = hessian(net, theta[None])[0], split(net, theta)
    exact = {"hessian": full, "gauss-newton": first, "residual": second}
    values = {name: torch.linalg.eigvalsh(matrix).numpy() for name, matrix in exact.items()}
    probing = numpy_generator(work.experiment, work.model, "probes")
    lanczos = quadrature(operator(net, theta), task.lanczos.steps, task.lanczos.probes, probing)
    parts = [pd.DataFrame({"part": name, "value": value, "weight": 1 / len(value)}) for name, value in values.items()]
    parts.append(pd.DataFrame({"part": "lanczos", "value": lanczos.nodes.ravel(), "weight": lanczos.weights.ravel()}))
    off = float((full - first - second).abs().max() / full.abs().max())
    apart = _apart(lanczos, values["hessian"])
    work.report(f"H − H0 − H1 is {off:.2g} of H; Lanczos is {apart:.2g} from the exact spectrum")
    energy = float(net.loss(theta[None])) / task.net.outputs
    table = pd.concat(parts, ignore_index=True).assign(energy=energy, off=off, distance=apart)
    work.write_table("table", table)


def _apart(lanczos: Quadrature, exact: Float[np.ndarray, " d"]) -> float:
    """Both are step functions: the largest difference is at a step of one of them."""
    x = np.concatenate([exact, lanczos.nodes.ravel()])
    return float(np.abs(lanczos.cdf(x) - np.searchsorted(exact, x, side="right") / len(exact)).max())
