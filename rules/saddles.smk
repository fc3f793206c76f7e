localrules:
    saddle_insertion,
    saddle_table,
    saddle_figure,
    saddle_claims,


rule saddle_deaths:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/saddles.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/saddles.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/saddles.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks_points("saddle_deaths", "mem_mb"),
        runtime=asks_points("saddle_deaths", "runtime"),
    params:
        job=lambda wildcards: JOBS.saddle_deaths(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Optimise curves on {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.saddles.steps.deaths --job {params.job:q} --threads {threads} --out {output:q}"
        + LOGGED


rule saddle_insertion:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/insertion.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/insertion.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/insertion.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("saddle_insertion", "mem_mb"),
        runtime=asks("saddle_insertion", "runtime"),
    params:
        job=lambda wildcards: JOBS.saddle_insertion(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Insert points into a path on {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.saddles.steps.insertion --job {params.job:q} --threads {threads} --out {output:q}"
        + LOGGED


rule saddle_table:
    input:
        lambda wildcards: PLAN.of_models(wildcards.experiment, "saddles.parquet"),
    output:
        f"{RESULTS}/{{experiment}}/saddles.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/saddles.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/saddles.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("saddle_table", "mem_mb"),
        runtime=asks("saddle_table", "runtime"),
    params:
        job=lambda wildcards: JOBS.saddle_table(wildcards.experiment).to_json(),
    message:
        "Gather the deaths of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.saddles.steps.table --job {params.job:q} --tables {input:q} --out {output:q}"
        + LOGGED


rule saddle_figure:
    input:
        table=shown_deaths,
        insertions=shown_stages("insertion"),
        surfaces=shown_stages("surface"),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.saddles),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("saddle_figure", "mem_mb"),
        runtime=asks("saddle_figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.saddles.steps.figure --job {params.job:q} --table {input.table:q} --insertions {input.insertions:q}"
        + " --surfaces {input.surfaces:q} --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED


rule saddle_claims:
    input:
        f"{RESULTS}/{{experiment}}/saddles.parquet",
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.saddles),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("saddle_claims", "mem_mb"),
        runtime=asks("saddle_claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what is said of path optimisers"
    shell:
        STEP
        + "experiments.saddles.steps.claims --job {params.job:q} --table {input:q} --out {output:q}"
        + LOGGED
