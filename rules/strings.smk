"""Strings between pairs of networks at falling thresholds."""


use rule task as strings with:
    input:
        unpack(reads("strings")),
    output:
        **writes("strings"),
    log:
        log_of("strings"),
    benchmark:
        benchmark_of("strings")
    message:
        "Connect pairs {wildcards.part} of {wildcards.experiment}/{wildcards.model}"
