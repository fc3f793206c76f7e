"""Barcodes of functions: clouds of points, and optimised curves."""


use rule task as cloud with:
    input:
        unpack(reads("cloud")),
    output:
        **writes("cloud"),
    log:
        log_of("cloud"),
    benchmark:
        benchmark_of("cloud")
    threads: RULES["cloud"].threads
    message:
        "Find the barcode of cloud {wildcards.part} of {wildcards.experiment}/{wildcards.model}"


use rule task as optimised with:
    input:
        unpack(reads("optimised")),
    output:
        **writes("optimised"),
    log:
        log_of("optimised"),
    benchmark:
        benchmark_of("optimised")
    message:
        "Optimise minima and curves of {wildcards.experiment}/{wildcards.model}"


use rule task as sublevel_barcode with:
    input:
        unpack(reads("sublevel_barcode")),
    output:
        **writes("sublevel_barcode"),
    log:
        log_of("sublevel_barcode"),
    benchmark:
        benchmark_of("sublevel_barcode")
    wildcard_constraints:
        experiment=experiments_of("functions"),
    localrule: True
    message:
        "Write the barcode of {wildcards.experiment}/{wildcards.model} down"
