"""Distances between barcodes of clouds of growing size."""


use rule task as cloud_pairs with:
    input:
        unpack(reads("cloud_pairs")),
    output:
        **writes("cloud_pairs"),
    log:
        log_of("cloud_pairs"),
    benchmark:
        benchmark_of("cloud_pairs")
    message:
        "Measure pairs of clouds of {wildcards.part} points of {wildcards.experiment}/{wildcards.model}"
