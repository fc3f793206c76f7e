"""Claims about Hessians at critical points (Tanner's lecture; Pennington & Bahri 2017)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, Finding, number, unmeasured
from lossbars.claims.papers import LECTURE as TANNER
from lossbars.claims.verdicts import together
from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.hessian.fits import (
    POWER,
    IndexLaw,
    by_index,
    fits,
    index_law,
    linear_minimum,
    linear_prediction,
    minimal_energy,
    smooth_prediction,
)
from lossbars.hessian.random_matrices import critical_energy
from lossbars.workflow.claims_results import Results

LECTURE = f"{TANNER}, after Pennington & Bahri 2017"
SPECTRUM = "a model whose task is spectrum"  # what claims on the parts of one Hessian need
FEW_INDICES = "critical points of four small indices"  # what a fit needs
EXACT = 1e-9  # relative, of numbers that are equal but for rounding
OTHER_POWERS = (1.0, 2.0)
LIKELIHOOD = 3.84  # of normal errors: twice the logarithm of a ratio, from which it is significant at 5 %
TINY = 1e-300
INTERPOLATES = 1e-25  # loss
FEWEST_MINIMA = 3  # of which there is a standard error
QUADRATURE = 3.0  # times the standard deviation of a probe's mean


@dataclass(frozen=True)
class HessianResults(Results[Hessians]):
    """The tables of one experiment on Hessians."""

    tables: dict[str, pd.DataFrame]  # rule → rows of its models, with a column ``model``

    def tasks(self, kind: str) -> dict[str, Any]:
        """Model → its task, of one kind of task."""
        return {key: self.models[key].task for key in self.config.of_task(kind)}

    def by_model(self, rule: str) -> Iterable[tuple[str, pd.DataFrame]]:
        """Each model that has a table of this rule, and its rows."""
        if rule in self.tables:
            for model, rows in self.tables[rule].groupby("model", sort=False):
                yield str(model), rows


def three_halves(results: HessianResults) -> Finding:
    """Whether the power 3/2 leaves less of the energies than 1 and 2 do."""
    texts, verdicts = [], []
    for name, _, searches in _fitted(results):
        law, *others = (index_law(by_index(searches), power) for power in (POWER, *OTHER_POWERS))
        left = ", ".join(f"{number(other.off, 2)} by {other.power:g}" for other in others)
        texts.append(f"{name}: α0 = {number(law.scale, 3)}, leaves {number(law.off, 2)} ({left})")
        verdicts.append(_compared(law, min(other.off for other in others)))
    if not texts:
        return unmeasured(FEW_INDICES)
    detail = "α ≈ α0 |ε − ε_c|^p for α ≤ 0.1; what the fit leaves of the mean energies, by p = 3/2 and by others; "
    detail += "holds where 3/2 leaves the least for each τ, fails where another leaves less at 5 % for one"
    return Finding("; ".join(texts), results.qualified(together(verdicts)), detail)


def _compared(law: IndexLaw, least: float) -> str:
    """The verdict on a fit, where another power leaves ``least``."""
    if law.off < least:
        return HOLDS
    return FAILS if 2 * law.points * np.log(law.off / max(least, TINY)) > LIKELIHOOD else UNDECIDED


def fitted_energies(results: HessianResults) -> Finding:
    """Whether ε_c of tanh nets is nearer ½(1 − τ)² than ½(1 − τ) and than the random matrices' ε_c."""
    texts, off = [], []
    for name, tau, searches in _fitted(results):
        law = index_law(by_index(searches))
        predicted = [smooth_prediction(tau), linear_prediction(tau), critical_energy(tau) if tau < 1 else 0.0]
        off.append([law.critical - value for value in predicted])
        texts.append(f"{name}: {number(law.critical, 3)} ± {number(law.error, 1)}, published {number(predicted[0], 3)}")
        least, _, count = minimal_energy(searches)
        texts[-1] += f"; {count} minima at {number(least, 3)} in the mean" if count else "; no minima"
    if not texts:
        return unmeasured(FEW_INDICES)
    distances = np.sqrt(np.square(off).mean(0))
    others = ("½(1 − τ)²", "½(1 − τ)", "ε_c of the matrices")
    named = ", ".join(f"{number(d, 2)} from {name}" for d, name in zip(distances, others, strict=True))
    detail = f"ε_c of the fit with its standard error; root mean square distances over τ: {named}; "
    detail += "holds where the first is the least"
    return Finding("; ".join(texts), results.judged(bool(distances[0] == distances.min())), detail)


def linear_nets(results: HessianResults) -> Finding:
    """Whether minima of linear nets are at ½(1 − τ)."""
    texts, holds = [], []
    for name, tau, searches in _searches(results, linear=True):
        mean, spread, count = minimal_energy(searches)
        if count < FEWEST_MINIMA:
            continue
        error, stated = spread / np.sqrt(count), linear_prediction(tau)
        texts.append(f"{name}: {number(mean, 3)} ± {number(error, 1)}; ½(1 − τ) = {number(stated, 3)}")
        texts[-1] += f", ½(1 − n/m) = {number(linear_minimum(tau), 3)}"
        holds.append(abs(mean - stated) <= 2 * error)
    if not texts:
        return unmeasured(f"{FEWEST_MINIMA} minima of nets whose activation is the identity")
    detail = "mean energy of minima and its standard error; holds within two of them. τ = 2n/m counts both weight "
    detail += "matrices, but their product alone fits the targets, by n² numbers: n/m of the data's"
    return Finding("; ".join(texts), results.judged(all(holds)), detail)


def _searches(results: HessianResults, linear: bool) -> Iterable[tuple[str, float, pd.DataFrame]]:
    """Name, τ and searches of linear nets, or of the others, by τ."""
    parts = []
    for model, task in results.tasks("critical-points").items():
        if (task.activation == "identity") == linear:
            table = results.tables["hessian_critical"]
            for tau, searches in table[table["model"] == model].groupby("tau"):
                parts.append((f"{results.label(model)}, τ = {tau:.3g}", float(tau), searches))
    return sorted(parts, key=lambda search: search[1])


def _fitted(results: HessianResults) -> Iterable[tuple[str, float, pd.DataFrame]]:
    """Name, τ and searches of nets that are not linear, where there are enough small indices for a fit."""
    for name, tau, searches in _searches(results, linear=False):
        if fits(by_index(searches)):
            yield name, tau, searches


def parts_add_up(results: HessianResults) -> Finding:
    """Whether H = H0 + H1, H0 has no negative eigenvalue, and H1 has both signs."""
    texts, holds = {}, True
    for model, rows in results.by_model("hessian_parts"):
        first = rows.loc[rows["part"] == "gauss-newton", "value"]
        second = rows.loc[rows["part"] == "residual", "value"]
        off, least = rows["off"].iloc[0], first.min() / first.max()
        texts[model] = f"off by {off:.1g}; H0 from {number(first.min(), 2)} to {number(first.max(), 3)}, "
        texts[model] += f"H1 from {number(second.min(), 3)} to {number(second.max(), 3)}"
        holds &= bool(off <= EXACT and least >= -EXACT and second.min() < 0 < second.max())
    detail = "largest entry of H − H0 − H1, over the largest of H; each is computed by itself"
    return results.finding(texts, holds, detail, SPECTRUM)


def quadrature_agrees(results: HessianResults) -> Finding:
    """Whether the spectrum by Lanczos is the exact one, up to the spread of random probes."""
    texts, holds = {}, True
    for model, rows in results.by_model("hessian_parts"):
        lanczos = results.tasks("spectrum")[model].lanczos
        count, apart = int((rows["part"] == "hessian").sum()), rows["distance"].iloc[0]
        # a probe's mean of an indicator varies by at most √(1/2d); the quadrature smears it over a node's weight
        limit = QUADRATURE / np.sqrt(2 * count * lanczos.probes) + 1 / lanczos.steps
        texts[model] = f"{number(apart, 2)} of at most {number(limit, 2)} (d = {count})"
        holds &= bool(apart <= limit)
    detail = "largest difference of the distribution functions; at most three standard deviations and one part of the "
    return results.finding(texts, holds, detail + "steps", SPECTRUM)


def null_spaces(results: HessianResults) -> Finding:
    """Whether the null space at every interpolating minimiser has dimension d − r·n."""
    if not results.tasks("minimisers"):
        return unmeasured("a model whose task is minimisers")
    texts, holds = [], True
    for net, rows in results.tables["hessian_minimisers"].groupby("net", sort=False):
        zero = rows[rows["loss"] <= INTERPOLATES]
        expected = int((rows["parameters"] - rows["fitted"]).iloc[0])
        right = int((zero["dimension"] == expected).sum())
        gap = (zero["next"] / zero["largest"]).min() if len(zero) else np.nan
        texts.append(f"{net}: {expected} at {right} of {len(zero)} ({len(rows)} starts), gap {gap:.0e}")
        holds &= right == len(zero) > 0
    detail = f"d − r·n, and minimisers (loss up to {INTERPOLATES:g}) that have it; gap: least ratio of the first "
    detail += "eigenvalue above the null space to its largest"
    return Finding("; ".join(texts), results.judged(holds), detail)
