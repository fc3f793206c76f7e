"""Gradient descent that escapes a minimum, or does not."""


use rule task as escape_runs with:
    input:
        unpack(reads("escape_runs")),
    output:
        **writes("escape_runs"),
    log:
        log_of("escape_runs"),
    benchmark:
        benchmark_of("escape_runs")
    message:
        "Run gradient descent on {wildcards.experiment}/{wildcards.model}"


use rule task as escape_trajectories with:
    input:
        unpack(reads("escape_trajectories")),
    output:
        **writes("escape_trajectories"),
    log:
        log_of("escape_trajectories"),
    benchmark:
        benchmark_of("escape_trajectories")
    localrule: True
    message:
        "Follow gradient descent on {wildcards.experiment}/{wildcards.model}"
