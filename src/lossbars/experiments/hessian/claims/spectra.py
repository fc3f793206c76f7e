"""Claims about spectra of random matrices as models of Hessians (Tanner's lecture)."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from lossbars.claims.claim import Finding, number, unmeasured
from lossbars.experiments.hessian.claims.nets import EXACT, HessianResults
from lossbars.experiments.hessian.fits import POWER
from lossbars.hessian.random_matrices import (
    critical_energy,
    critical_energy_of,
    index_of,
    index_scale,
    relu_critical_energy,
    relu_hessian,
    wishart_wigner,
)
from lossbars.plots.tables import span

MATRICES = "a model whose task is random-matrices"  # what claims on sampled matrices need
RIGID = 8.0  # times 1/n: eigenvalues are rigid, and their distance from the law is of the order of log(n)/n
ABOVE = 1e-3  # (ε − ε_c)/ε_c at which the law of small indices is tried
NEAR_LAW = 0.01  # relative, of the law there


def spectra_agree(results: HessianResults) -> Finding:
    """Whether sampled eigenvalues are as near the computed law as rigid ones are."""
    if not results.tasks("random-matrices"):
        return unmeasured(MATRICES)
    rows = span(results.tables["hessian_spectra"]["rows"])
    detail = f"Kolmogorov–Smirnov distance at (τ, ε); {rows} rows"
    return _per_matrix(results, lambda matrix: number(matrix.distance, 2), lambda rows: rows["distance"], detail)


def index_agrees(results: HessianResults) -> Finding:
    """Whether the share of negative eigenvalues is α(ε, τ)."""
    return _per_matrix(
        results,
        lambda matrix: f"{number(matrix.index, 3)} and {number(matrix.negative, 3)}",
        lambda rows: (rows["index"] - rows["negative"]).abs(),
        "computed and sampled at (τ, ε)",
    )


def _per_matrix(
    results: HessianResults, words: Callable[[Any], str], off: Callable[[pd.DataFrame], pd.Series], detail: str
) -> Finding:
    """What each matrix says at its (τ, ε); the claim holds where no matrix is further off than rigid eigenvalues."""
    texts, holds = {}, True
    for model, rows in results.by_model("hessian_spectra"):
        matrices = rows.drop_duplicates(["tau", "energy"])
        texts[model] = ", ".join(f"{words(row)} at ({row.tau:g}, {row.energy:g})" for row in matrices.itertuples())
        holds &= bool((off(matrices) <= RIGID / matrices["rows"]).all())
    return results.finding(texts, holds, f"{detail}; holds up to {RIGID:g} over the rows", MATRICES)


def _below_one(results: HessianResults, relu: bool) -> list[float]:
    """Each τ of the random matrices that have a critical energy."""
    tasks = results.tasks("random-matrices").values()
    return sorted({tau for task in tasks if task.relu == relu for tau in task.taus if tau < 1})


def critical_energies(results: HessianResults, relu: bool) -> Finding:
    """Whether the closed form of ε_c is where the lower edge of the spectrum is 0."""
    closed, family = (relu_critical_energy, relu_hessian) if relu else (critical_energy, wishart_wigner)
    texts, worst = [], 0.0
    for tau in _below_one(results, relu):
        formula, root = closed(tau), critical_energy_of(family, tau)
        off = abs(formula - root) / root
        texts.append(f"τ = {tau:g}: {number(formula, 4)}, off by {off:.1g}")
        worst = max(worst, off)
    if not texts:
        return unmeasured(f"random matrices of τ < 1 {'with' if relu else 'without'} ReLU")
    detail = f"closed form, and its relative distance from the root of the edge; holds up to {EXACT:g}"
    return Finding("; ".join(texts), results.judged(worst <= EXACT), detail)


def small_indices(results: HessianResults) -> Finding:
    """Whether α/|(ε − ε_c)/ε_c|^{3/2} tends to α0."""
    texts, worst = [], 0.0
    for relu, family in ((False, wishart_wigner), (True, relu_hessian)):
        for tau in _below_one(results, relu):
            energy, scale = critical_energy_of(family, tau), index_scale(family, tau)
            ratio = index_of(family((1 + ABOVE) * energy, tau)) / ABOVE**POWER / scale
            texts.append(f"τ = {tau:g}{', ReLU' if relu else ''}: α0 = {number(scale, 4)}, {ratio:.4f} of it")
            worst = max(worst, abs(ratio - 1))
    if not texts:
        return unmeasured("random matrices of τ < 1")
    detail = f"α over the power law at (ε − ε_c)/ε_c = {ABOVE:g}; holds within {NEAR_LAW:.0%}"
    return Finding("; ".join(texts), results.judged(worst <= NEAR_LAW), detail)
