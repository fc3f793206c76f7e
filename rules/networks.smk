"""Minima of networks, curves and triangles between them, and the barcodes of their complex."""


use rule task as minima with:
    input:
        unpack(reads("minima")),
    output:
        **writes("minima"),
    log:
        log_of("minima"),
    benchmark:
        benchmark_of("minima")
    message:
        "Train minima {wildcards.part} of {wildcards.experiment}/{wildcards.model}"


use rule task as curves with:
    input:
        unpack(reads("curves")),
    output:
        **writes("curves"),
    log:
        log_of("curves"),
    benchmark:
        benchmark_of("curves")
    message:
        "Optimise {wildcards.curves} {wildcards.part} of {wildcards.experiment}/{wildcards.model}"


use rule task as triangles with:
    input:
        unpack(reads("triangles")),
    output:
        **writes("triangles"),
    log:
        log_of("triangles"),
    benchmark:
        benchmark_of("triangles")
    message:
        "Optimise {wildcards.triangles} {wildcards.part} of {wildcards.experiment}/{wildcards.model}"


use rule task as complex with:
    input:
        unpack(reads("complex")),
    output:
        **writes("complex"),
    log:
        log_of("complex"),
    benchmark:
        benchmark_of("complex")
    message:
        "Gather the complex of {wildcards.experiment}/{wildcards.model}"


use rule task as barcode with:
    input:
        unpack(reads("barcode")),
    output:
        **writes("barcode"),
    log:
        log_of("barcode"),
    benchmark:
        benchmark_of("barcode")
    wildcard_constraints:
        experiment=experiments_of("networks"),
    message:
        "Reduce the complex of {wildcards.experiment}/{wildcards.model}"


use rule task as robustness with:
    input:
        unpack(reads("robustness")),
    output:
        **writes("robustness"),
    log:
        log_of("robustness"),
    benchmark:
        benchmark_of("robustness")
    message:
        "Barcodes of subsets of the minima of {wildcards.experiment}/{wildcards.model}"


use rule task as embedding with:
    input:
        unpack(reads("embedding")),
    output:
        **writes("embedding"),
    log:
        log_of("embedding"),
    benchmark:
        benchmark_of("embedding")
    message:
        "Embed the minima of {wildcards.experiment} in a larger network: {wildcards.model}"
