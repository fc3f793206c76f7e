"""The claims about Hessians, in their order."""

from functools import partial

from lossbars.claims.claim import Claims, judged_by
from lossbars.claims.papers import OURS
from lossbars.experiments.hessian.claims import nets, spectra
from lossbars.experiments.hessian.claims.nets import LECTURE, HessianResults
from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.hessian.kind import RULES
from lossbars.plots.tables import span
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

CLAIMS: Claims = [
    judged_by(
        spectra.spectra_agree,
        "spectra",
        "Eigenvalues of sampled Wishart plus Wigner matrices follow the law that the R-transforms give.",
        f"{LECTURE}, fig. 1",
    ),
    judged_by(spectra.index_agrees, "index", "The share of negative eigenvalues is α(ε, τ).", LECTURE),
    judged_by(
        partial(spectra.critical_energies, relu=False),
        "critical-energy",
        "Negative eigenvalues appear at ε_c = (1 − 20τ − 8τ² + (1 + 8τ)^{3/2})/16.",
        LECTURE,
    ),
    judged_by(
        partial(spectra.critical_energies, relu=True),
        "critical-energy-relu",
        "With ReLU they appear at ε_c = σ²(27 − 18ξ − ξ² + 8ξ^{3/2})/(32τ(1 − τ)³), ξ = 1 + 16τ − 8τ².",
        LECTURE,
    ),
    judged_by(spectra.small_indices, "small-indices", "Near ε_c, α ≈ α0 |(ε − ε_c)/ε_c|^{3/2}.", LECTURE),
    judged_by(
        nets.three_halves,
        "three-halves",
        "Critical points of tanh nets: α ≈ α0 |ε − ε_c|^{3/2}, α small.",
        f"{LECTURE}, fig. 6a",
    ),
    judged_by(nets.fitted_energies, "fitted-energy", "Their ε_c is ½(1 − τ)².", f"{LECTURE}, fig. 6b", "½(1 − τ)²"),
    judged_by(
        nets.linear_nets, "linear-nets", "Linear networks obey ε_c = ½(1 − τ).", f"{LECTURE}, fig. 6b", "½(1 − τ)"
    ),
    judged_by(nets.parts_add_up, "parts", "H = H0 + H1, H0 positive semidefinite, H1 indefinite.", LECTURE),
    judged_by(nets.quadrature_agrees, "lanczos", "Stochastic Lanczos quadrature finds the exact spectrum.", OURS),
    judged_by(
        nets.null_spaces,
        "null-space",
        "Minimisers of an interpolating smooth net form a manifold of dimension d − r·n.",
        LECTURE,
    ),
]


def results(work: Work[ClaimsSettings[Hessians]]) -> HessianResults:
    """The tables of all tasks."""
    return HessianResults(work.settings, {rule.name: work.tables(rule.name) for rule in RULES.values()})


def claims(experiment: str, config: Hessians) -> Claims:  # noqa: ARG001
    """All claims, of every experiment on Hessians."""
    return CLAIMS


def budget(results: HessianResults) -> str:
    """Rows of matrices, searches and starts in one line."""
    parts = []
    if matrices := results.tasks("random-matrices").values():
        count = sum(len(task.taus) * len(task.energies) for task in matrices)
        parts.append(f"{count} matrices of {span(task.rows for task in matrices)} rows")
    if searches := results.tasks("critical-points").values():
        counts = (len(task.samples) * task.data_sets * len(task.indices) for task in searches)
        parts.append(f"{sum(counts)} searches of {span(task.steps for task in searches)} steps")
    if minimisers := results.tasks("minimisers").values():
        parts.append(f"{sum(len(task.nets) * task.starts for task in minimisers)} minimisers")
    return ", ".join(parts) or "one net"
