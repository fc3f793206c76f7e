localrules:
    string_table,
    string_figure,
    string_claims,


rule strings:
    input:
        lambda wildcards: (
            PLAN.dataset_path(wildcards.experiment)
            if PLAN.strings[wildcards.experiment].models[wildcards.model].network
            else []
        ),
    output:
        tensors=f"{RESULTS}/{{experiment}}/{{model}}/strings/{{seeds}}.safetensors",
        table=f"{RESULTS}/{{experiment}}/{{model}}/strings/{{seeds}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/strings-{{seeds}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/strings-{{seeds}}.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.strings),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=asks_pairs("gpu"),
        mem_mb=asks_pairs("mem_mb"),
        gpu_mem_mb=asks_pairs("gpu_mem_mb"),
        runtime=asks_pairs("runtime"),
        device=lambda wildcards: PLAN.strings[wildcards.experiment].device,
    params:
        job=lambda wildcards: JOBS.strings(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Connect pairs {wildcards.seeds} of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.strings.steps.strings --job {params.job:q} --data {input:q} --pairs {wildcards.seeds} --threads {threads}"
        + " --device {resources.device} --checkpoints .checkpoints --out {output.tensors:q} --table {output.table:q}"
        + LOGGED


rule string_table:
    input:
        lambda wildcards: [
            path
            for model in PLAN.strings[wildcards.experiment].models
            for path in PLAN.string_paths(wildcards.experiment, model, "parquet")
        ],
    output:
        f"{RESULTS}/{{experiment}}/strings.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/strings.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/strings.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("string_table", "mem_mb"),
        runtime=asks("string_table", "runtime"),
    params:
        job=lambda wildcards: JOBS.string_table(wildcards.experiment).to_json(),
        tables=lambda wildcards, input: compact(input),
    message:
        "Gather the answers of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.strings.steps.table --job {params.job:q} --tables {params.tables:q} --out {output:q}"
        + LOGGED


rule string_figure:
    input:
        table=lambda wildcards: f"{RESULTS}/{PLAN.figures[wildcards.figure][0]}/strings.parquet",
        strings=shown_strings,
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.strings),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("string_figure", "mem_mb"),
        runtime=asks("string_figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
        strings=lambda wildcards, input: compact(input.strings),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.strings.steps.figure --job {params.job:q} --table {input.table:q} --strings {params.strings:q}"
        + " --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED


rule string_claims:
    input:
        f"{RESULTS}/{{experiment}}/strings.parquet",
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.strings),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("string_claims", "mem_mb"),
        runtime=asks("string_claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what the paper says of level sets"
    shell:
        STEP
        + "experiments.strings.steps.claims --job {params.job:q} --table {input:q} --out {output:q}"
        + LOGGED
