"""Every rule of the workflow. The jobs of all are started by one command line, and their tasks say the rest."""

MESSAGES |= {
    "dataset": "Fetch and verify the data set {wildcards.model}",
    "surface": "Tabulate {wildcards.experiment}/{wildcards.model} on a grid",
    "gather": "Gather the results of {wildcards.experiment}",
    "figure": "Draw {wildcards.figure}",
    "claims": "Compare {wildcards.experiment} with what the papers report",
    "usage": "Gather what the jobs of {wildcards.experiment} used",
    "claims_report": "Write the claims of every experiment that ran",
    "report": "Write the report of every experiment that ran",
    "provenance": "Record where every result comes from",
}


for pattern in PATTERNS.values():

    rule:
        name:
            pattern.rule
        input:
            unpack(reads(pattern)),
        output:
            **writes(pattern),
        log:
            str(pattern.log),
        benchmark:
            str(pattern.benchmark)
        wildcard_constraints:
            experiment=experiments_with(pattern.rule),
        priority: RULES[pattern.rule].priority
        localrule: pattern.local
        conda:
            "../envs/lossbars.yaml"
        threads: pattern.threads
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
            inputs=lambda wildcards, output: listed_inputs(task_at(output[0])),
            outputs=lambda wildcards, output: [
                f"{option}={path}" for option, path in task_at(output[0]).outputs.items()
            ],
        message:
            MESSAGES[pattern.rule]
        shell:
            "LOSSBARS_LOG={log:q} OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads}"
            " NUMBA_NUM_THREADS={threads} python -m lossbars.workflow.run {params.module} --job {params.job:q}"
            " --part={params.part} --inputs {params.inputs:q} --outputs {params.outputs:q} --threads {threads}"
            " --device {resources.device} 2>&1 | tee --ignore-interrupts {log}"
