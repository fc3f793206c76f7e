"""What the jobs used, the claims, the report and the provenance of all experiments that ran."""


use rule task as usage with:
    input:
        unpack(reads("usage")),
    output:
        **writes("usage"),
    log:
        log_of("usage"),
    benchmark:
        benchmark_of("usage")
    localrule: True
    message:
        "Gather what the jobs of {wildcards.experiment} used"


use rule task as claims_report with:
    input:
        unpack(reads("claims_report")),
    output:
        **writes("claims_report"),
    log:
        log_of("claims_report"),
    benchmark:
        benchmark_of("claims_report")
    localrule: True
    message:
        "Write the claims of every experiment that ran"


use rule task as report with:
    input:
        unpack(reads("report")),
    output:
        **writes("report"),
    log:
        log_of("report"),
    benchmark:
        benchmark_of("report")
    localrule: True
    message:
        "Write the report of every experiment that ran"


# The step finds what it reads itself: a command line with thousands of paths is too long for a shell.
use rule task as provenance with:
    input:
        unpack(reads("provenance")),
    output:
        **writes("provenance"),
    log:
        log_of("provenance"),
    benchmark:
        benchmark_of("provenance")
    localrule: True
    params:
        module=RULES["provenance"].module,
        job=lambda wildcards, output: task_at(output[0]).job.to_json(),
        part="",
        inputs=[],
        outputs=lambda wildcards, output: f"record={output[0]}",
    message:
        "Record where every result comes from"
