"""Path optimisers on functions whose saddles are known."""


use rule task as saddle_deaths with:
    input:
        unpack(reads("saddle_deaths")),
    output:
        **writes("saddle_deaths"),
    log:
        log_of("saddle_deaths"),
    benchmark:
        benchmark_of("saddle_deaths")
    message:
        "Optimise curves on {wildcards.experiment}/{wildcards.model}"


use rule task as saddle_insertion with:
    input:
        unpack(reads("saddle_insertion")),
    output:
        **writes("saddle_insertion"),
    log:
        log_of("saddle_insertion"),
    benchmark:
        benchmark_of("saddle_insertion")
    localrule: True
    message:
        "Insert points into a path on {wildcards.experiment}/{wildcards.model}"
