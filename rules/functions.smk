"""Barcodes of functions: clouds of points, optimised curves, and distances between barcodes of clouds."""


localrules:
    sublevel_barcode,
    bars,
    distances,
    function_figure,
    function_claims,


rule cloud:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/clouds/{{seed}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/cloud-{{seed}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/cloud-{{seed}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: THREADS["cloud"]
    resources:
        gpu=0,
        mem_mb=asks_points("cloud", "mem_mb"),
        runtime=asks_points("cloud", "runtime"),
    params:
        job=lambda wildcards: JOBS.cloud(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Find the barcode of cloud {wildcards.seed} of {wildcards.experiment}/{wildcards.model}"
    shell:
        FUNCTION_STEP
        + "experiments.functions.steps.cloud --job {params.job:q} --seed {wildcards.seed} --threads {threads} --checkpoints .checkpoints --out {output:q}"
        + LOGGED


rule surface:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/surface.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/surface.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/surface.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("surface", "mem_mb"),
        runtime=asks("surface", "runtime"),
    params:
        job=lambda wildcards: JOBS.surface(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Tabulate {wildcards.experiment}/{wildcards.model} on a grid"
    shell:
        FUNCTION_STEP
        # no checkpoints: it takes a moment
        + "experiments.functions.steps.surface --job {params.job:q} --out {output:q}"
        + LOGGED


rule optimised:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/optimised.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/optimised.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/optimised.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks_points("optimised", "mem_mb"),
        runtime=asks_points("optimised", "runtime"),
    params:
        job=lambda wildcards: JOBS.optimised(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Optimise minima and curves of {wildcards.experiment}/{wildcards.model}"
    shell:
        FUNCTION_STEP
        + "experiments.functions.steps.optimised --job {params.job:q} --threads {threads} --checkpoints .checkpoints --out {output:q}"
        + LOGGED


rule sublevel_barcode:
    input:
        lambda wildcards: barcode_source(PLAN, wildcards.experiment, wildcards.model),
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/barcode.json",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/barcode.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/barcode.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.functions),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("sublevel_barcode", "mem_mb"),
        runtime=asks("sublevel_barcode", "runtime"),
    params:
        job=lambda wildcards: JOBS.sublevel_barcode(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Write the barcode of {wildcards.experiment}/{wildcards.model} down"
    shell:
        STEP
        + "experiments.functions.steps.sublevel_barcode --job {params.job:q} --bars {input:q} --out {output:q}"
        + LOGGED


rule bars:
    input:
        clouds=lambda wildcards: [
            path
            for model in PLAN.functions[wildcards.experiment].models
            for path in cloud_paths(PLAN, wildcards.experiment, model)
        ],
        optimised=lambda wildcards: optimised_paths(PLAN, wildcards.experiment),
    output:
        f"{RESULTS}/{{experiment}}/barcodes.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/barcodes.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/barcodes.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.functions),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("bars", "mem_mb"),
        runtime=asks("bars", "runtime"),
    params:
        job=lambda wildcards: JOBS.bars(wildcards.experiment).to_json(),
        clouds=lambda wildcards, input: compact(input.clouds),
    message:
        "Gather the bars of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.functions.steps.bars --job {params.job:q} --clouds {params.clouds:q} --optimised {input.optimised:q} --out {output:q}"
        + LOGGED


rule cloud_pairs:
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/distances/{{size}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/cloud_pairs-{{size}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/cloud_pairs-{{size}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks_points("cloud_pairs", "mem_mb"),
        runtime=asks_points("cloud_pairs", "runtime"),
    params:
        job=lambda wildcards: JOBS.cloud_pairs(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Measure pairs of clouds of {wildcards.size} points of {wildcards.experiment}/{wildcards.model}"
    shell:
        FUNCTION_STEP
        + "experiments.convergence.steps.cloud_pairs --job {params.job:q} --size {wildcards.size} --threads {threads} --checkpoints .checkpoints --out {output:q}"
        + LOGGED


rule distances:
    input:
        lambda wildcards: [
            path
            for model in PLAN.convergences[wildcards.experiment].models
            for path in pair_paths(PLAN, wildcards.experiment, model)
        ],
    output:
        f"{RESULTS}/{{experiment}}/distances.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/distances.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/distances.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("distances", "mem_mb"),
        runtime=asks("distances", "runtime"),
    params:
        job=lambda wildcards: JOBS.distances(wildcards.experiment).to_json(),
        tables=lambda wildcards, input: compact(input),
    message:
        "Gather the distances of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.convergence.steps.distances --job {params.job:q} --tables {params.tables:q} --out {output:q}"
        + LOGGED


rule function_figure:
    input:
        table=shown_table,
        surfaces=shown_surfaces,
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.functions, PLAN.convergences),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("function_figure", "mem_mb"),
        runtime=asks("function_figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.functions.steps.figure --job {params.job:q} --table {input.table:q} --surfaces {input.surfaces:q}"
        + " --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED


rule function_claims:
    input:
        lambda wildcards: table_of(wildcards.experiment),
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of([*PLAN.functions, *PLAN.convergences]),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("function_claims", "mem_mb"),
        runtime=asks("function_claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what the paper reports"
    shell:
        STEP
        + "experiments.functions.steps.claims --job {params.job:q} --table {input:q} --out {output:q}"
        + LOGGED
