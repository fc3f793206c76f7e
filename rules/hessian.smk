"""Hessians at critical points: a rule for each kind of task."""

MESSAGES |= {
    "hessian_spectra": "Spectra of the random matrices of {wildcards.experiment}/{wildcards.model}",
    "hessian_critical": "Search the critical points of {wildcards.experiment}/{wildcards.model}",
    "hessian_parts": "Spectra of the Hessian and its parts of {wildcards.experiment}/{wildcards.model}",
    "hessian_minimisers": "Search the minimisers of {wildcards.experiment}/{wildcards.model}",
}
