"""The claims about Hessians, in their order, and the rows of an experiment."""

from dataclasses import asdict
from functools import partial

import pandas as pd

from lossbars.claims.claim import COLUMNS, Claim
from lossbars.experiments.hessian.claims import nets as found
from lossbars.experiments.hessian.claims import spectra
from lossbars.experiments.hessian.claims.nets import LECTURE, OURS, Check, HessianResults

CLAIMS: list[tuple[Claim, Check]] = [
    (
        Claim(
            "spectra",
            "Eigenvalues of sampled Wishart plus Wigner matrices follow the law that the R-transforms give.",
            f"{LECTURE}, fig. 1",
        ),
        spectra.spectra_agree,
    ),
    (Claim("index", "The share of negative eigenvalues is α(ε, τ).", LECTURE), spectra.index_agrees),
    (
        Claim("critical-energy", "Negative eigenvalues appear at ε_c = (1 − 20τ − 8τ² + (1 + 8τ)^{3/2})/16.", LECTURE),
        partial(spectra.critical_energies, relu=False),
    ),
    (
        Claim(
            "critical-energy-relu",
            "With ReLU they appear at ε_c = σ²(27 − 18ξ − ξ² + 8ξ^{3/2})/(32τ(1 − τ)³), ξ = 1 + 16τ − 8τ².",
            LECTURE,
        ),
        partial(spectra.critical_energies, relu=True),
    ),
    (Claim("small-indices", "Near ε_c, α ≈ α0 |(ε − ε_c)/ε_c|^{3/2}.", LECTURE), spectra.small_indices),
    (
        Claim("three-halves", "Critical points of tanh nets: α ≈ α0 |ε − ε_c|^{3/2}, α small.", f"{LECTURE}, fig. 6a"),
        found.three_halves,
    ),
    (
        Claim("fitted-energy", "Their ε_c is ½(1 − τ)².", f"{LECTURE}, fig. 6b", "½(1 − τ)²"),
        found.fitted_energies,
    ),
    (
        Claim("linear-nets", "Linear networks obey ε_c = ½(1 − τ).", f"{LECTURE}, fig. 6b", "½(1 − τ)"),
        found.linear_nets,
    ),
    (
        Claim("parts", "H = H0 + H1, H0 positive semidefinite, H1 indefinite.", LECTURE),
        found.parts_add_up,
    ),
    (Claim("lanczos", "Stochastic Lanczos quadrature finds the exact spectrum.", OURS), found.quadrature_agrees),
    (
        Claim("null-space", "Minimisers of an interpolating smooth net form a manifold of dimension d − r·n.", LECTURE),
        found.null_spaces,
    ),
]


def claim_rows(results: HessianResults) -> pd.DataFrame:
    """A row per claim."""
    own = {"experiment": results.experiment, "budget": budget(results)}
    rows = [own | asdict(claim) | asdict(check(results)) for claim, check in CLAIMS]
    return pd.DataFrame(rows, columns=COLUMNS)


def budget(results: HessianResults) -> str:
    """Rows of matrices, searches and starts in one line."""
    parts = []
    if matrices := results.models("random-matrices"):
        count = sum(len(own["task"]["taus"]) * len(own["task"]["energies"]) for own in matrices.values())
        parts.append(f"{count} matrices of {found.span(own['task']['rows'] for own in matrices.values())} rows")
    if searches := results.models("critical-points"):
        tasks = [own["task"] for own in searches.values()]
        counts = (len(own["samples"]) * own["data_sets"] * len(own["indices"]) for own in tasks)
        steps = found.span(own["task"]["steps"] for own in searches.values())
        parts.append(f"{sum(counts)} searches of {steps} steps")
    if minimisers := results.models("minimisers"):
        count = sum(len(own["task"]["nets"]) * own["task"]["starts"] for own in minimisers.values())
        parts.append(f"{count} minimisers")
    return ", ".join(parts) or "one net"
