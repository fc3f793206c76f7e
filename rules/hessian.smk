"""Hessians at critical points: a rule for each kind of task."""


use rule task as hessian_spectra with:
    input:
        unpack(reads("hessian_spectra")),
    output:
        **writes("hessian_spectra"),
    log:
        log_of("hessian_spectra"),
    benchmark:
        benchmark_of("hessian_spectra")
    message:
        "Spectra of the random matrices of {wildcards.experiment}/{wildcards.model}"


use rule task as hessian_critical with:
    input:
        unpack(reads("hessian_critical")),
    output:
        **writes("hessian_critical"),
    log:
        log_of("hessian_critical"),
    benchmark:
        benchmark_of("hessian_critical")
    message:
        "Search the critical points of {wildcards.experiment}/{wildcards.model}"


use rule task as hessian_parts with:
    input:
        unpack(reads("hessian_parts")),
    output:
        **writes("hessian_parts"),
    log:
        log_of("hessian_parts"),
    benchmark:
        benchmark_of("hessian_parts")
    message:
        "Spectra of the Hessian and its parts of {wildcards.experiment}/{wildcards.model}"


use rule task as hessian_minimisers with:
    input:
        unpack(reads("hessian_minimisers")),
    output:
        **writes("hessian_minimisers"),
    log:
        log_of("hessian_minimisers"),
    benchmark:
        benchmark_of("hessian_minimisers")
    message:
        "Search the minimisers of {wildcards.experiment}/{wildcards.model}"
