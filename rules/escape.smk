localrules:
    escape_trajectories,
    escape_table,
    escape_figure,
    escape_claims,


rule escape_runs:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/escape.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/escape.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/escape.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks_points("escape_runs", "mem_mb"),
        runtime=asks_points("escape_runs", "runtime"),
    params:
        job=lambda wildcards: JOBS.escape_runs(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Run gradient descent on {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.escape.steps.runs --job {params.job:q} --threads {threads} --out {output:q}"
        + LOGGED


rule escape_trajectories:
    input:
        f"{RESULTS}/{{experiment}}/{{model}}/escape.parquet",
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/trajectories.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/trajectories.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/trajectories.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("escape_trajectories", "mem_mb"),
        runtime=asks("escape_trajectories", "runtime"),
    params:
        job=lambda wildcards: JOBS.escape_trajectories(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Follow gradient descent on {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.escape.steps.trajectories --job {params.job:q} --runs {input:q} --out {output:q}"
        + LOGGED


rule escape_table:
    input:
        lambda wildcards: PLAN.of_models(wildcards.experiment, "escape.parquet"),
    output:
        f"{RESULTS}/{{experiment}}/escapes.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/escapes.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/escapes.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("escape_table", "mem_mb"),
        runtime=asks("escape_table", "runtime"),
    params:
        job=lambda wildcards: JOBS.escape_table(wildcards.experiment).to_json(),
    message:
        "Gather the escapes of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.escape.steps.table --job {params.job:q} --tables {input:q} --out {output:q}"
        + LOGGED


rule escape_figure:
    input:
        table=lambda wildcards: f"{RESULTS}/{PLAN.figures[wildcards.figure][0]}/escapes.parquet",
        trajectories=shown_trajectories,
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.escapes),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("escape_figure", "mem_mb"),
        runtime=asks("escape_figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.escape.steps.figure --job {params.job:q} --table {input.table:q} --trajectories {input.trajectories:q}"
        + " --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED


rule escape_claims:
    input:
        f"{RESULTS}/{{experiment}}/escapes.parquet",
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.escapes),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("escape_claims", "mem_mb"),
        runtime=asks("escape_claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what the paper reports"
    shell:
        STEP
        + "experiments.escape.steps.claims --job {params.job:q} --table {input:q} --out {output:q}"
        + LOGGED
