"""The frame of all rules, and the rules that all kinds of experiments share."""


# The frame of every other rule; it makes nothing itself.
rule task:
    log:
        f"{PLAN.results}/logs/task.log",
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=asks("gpu"),
        mem_mb=asks("mem_mb"),
        gpu_mem_mb=asks("gpu_mem_mb"),
        runtime=asks("runtime"),
        device=device,
    params:
        module=lambda wildcards, output: task_at(output[0]).module,
        job=lambda wildcards, output: task_at(output[0]).job.to_json(),
        part=lambda wildcards, output: task_at(output[0]).part,
        inputs=listed("inputs"),
        outputs=lambda wildcards, output: [
            f"{name}={path}" for name, path in task_at(output[0]).outputs.items()
        ],
    shell:
        "LOSSBARS_LOG={log:q} OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads}"
        " NUMBA_NUM_THREADS={threads} python -m lossbars.workflow.run {params.module} --job {params.job:q}"
        " --part={params.part} --inputs {params.inputs:q} --outputs {params.outputs:q} --threads {threads}"
        " --device {resources.device} 2>&1 | tee --ignore-interrupts {log}"


use rule task as dataset with:
    output:
        **writes("dataset"),
    log:
        log_of("dataset"),
    benchmark:
        benchmark_of("dataset")
    localrule: True
    message:
        "Fetch and verify the data set {wildcards.model}"


use rule task as surface with:
    input:
        unpack(reads("surface")),
    output:
        **writes("surface"),
    log:
        log_of("surface"),
    benchmark:
        benchmark_of("surface")
    message:
        "Tabulate {wildcards.experiment}/{wildcards.model} on a grid"


use rule task as gather with:
    input:
        unpack(reads("gather")),
    output:
        **writes("gather"),
    log:
        log_of("gather"),
    benchmark:
        benchmark_of("gather")
    wildcard_constraints:
        table=gathered_tables(),
    localrule: True
    message:
        "Gather the results of {wildcards.experiment}"


use rule task as figure with:
    input:
        unpack(reads("figure")),
    output:
        pdf=writes("figure")["pdf"],
        svg=report(writes("figure")["svg"], category="Figures"),
    log:
        log_of("figure"),
    benchmark:
        benchmark_of("figure")
    localrule: True
    message:
        "Draw {wildcards.figure}"


use rule task as claims with:
    input:
        unpack(reads("claims")),
    output:
        **writes("claims"),
    log:
        log_of("claims"),
    benchmark:
        benchmark_of("claims")
    localrule: True
    message:
        "Compare {wildcards.experiment} with what the papers report"
