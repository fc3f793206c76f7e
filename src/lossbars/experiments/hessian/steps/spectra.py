"""Eigenvalues of sampled matrices of the model of a Hessian, beside their computed spectrum."""

import itertools

import numpy as np
import pandas as pd

from lossbars.experiments.hessian.config import RandomMatrices
from lossbars.hessian.random_matrices import index_of, relu_hessian, spectrum_grid, wishart_wigner
from lossbars.hessian.sampled_matrices import distance, sample_relu_hessian, sample_wishart_wigner
from lossbars.seeding import numpy_generator
from lossbars.workflow.work import Work

BINS, PLACES = 60, 301


def step(work: Work[RandomMatrices]) -> None:
    """Write a row per place of a curve (part ``density``) and bin of a histogram (``sampled``) of each τ and energy.

    Columns: relu, tau, energy, rows, distance (Kolmogorov–Smirnov, of the eigenvalues from the law), index (mass of the
    law below 0), negative (share of the eigenvalues), part, x (of a bin: its left end), y.
    """
    task = work.settings
    parts = []
    for tau, energy in itertools.product(task.taus, task.energies):
        random = numpy_generator(work.experiment, work.model, "matrix", str(tau), str(energy))
        law = (relu_hessian if task.relu else wishart_wigner)(energy, tau)
        sample = sample_relu_hessian if task.relu else sample_wishart_wigner
        values = sample(energy, tau, task.rows, random)
        heights, ends = np.histogram(values, BINS, density=True)
        grid = spectrum_grid(law, PLACES)
        curve = pd.DataFrame({"part": "density", "x": grid, "y": law.density(grid)})
        bins = pd.DataFrame({"part": "sampled", "x": ends, "y": np.append(heights, 0.0)})
        facts = {"relu": task.relu, "tau": tau, "energy": energy, "rows": task.rows}
        facts |= {"distance": distance(values, law), "index": index_of(law), "negative": float((values < 0).mean())}
        work.report(f"τ = {tau:g}, ε = {energy:g}: {facts['distance']:.2g} from the law")
        parts.append(pd.concat([curve, bins], ignore_index=True).assign(**facts))
    table = pd.concat(parts, ignore_index=True)
    first = ["relu", "tau", "energy", "rows", "distance", "index", "negative"]
    work.write_table("table", table[[*first, "part", "x", "y"]])
