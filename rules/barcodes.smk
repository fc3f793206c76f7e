localrules:
    tables,


rule complex:
    input:
        minima=lambda wildcards: of_model(
            wildcards.experiment, wildcards.model, ["minima"]
        ),
        curves=lambda wildcards: of_model(
            wildcards.experiment, wildcards.model, ["curves"]
        ),
        triangles=lambda wildcards: of_model(
            wildcards.experiment, wildcards.model, ["triangles"]
        ),
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/complex.json",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/complex.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/complex.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("complex", "mem_mb"),
        runtime=asks("complex", "runtime"),
    params:
        job=lambda wildcards: JOBS.complex(
            wildcards.experiment, wildcards.model
        ).to_json(),
        minima=lambda wildcards, input: compact(input.minima),
        curves=lambda wildcards, input: compact(input.curves),
        triangles=lambda wildcards, input: compact(input.triangles),
    message:
        "Gather the filtered complex of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.networks.steps.complex --job {params.job:q} --minima {params.minima:q} --curves {params.curves:q}"
        + " --triangles {params.triangles:q} --out {output:q}"
        + LOGGED


rule barcode:
    input:
        rules.complex.output,
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/barcode.json",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/barcode.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/barcode.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.networks),
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("barcode", "mem_mb"),
        runtime=asks("barcode", "runtime"),
    params:
        job=lambda wildcards: JOBS.barcode(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Reduce the complex of {wildcards.experiment}/{wildcards.model} to its barcodes"
    shell:
        STEP
        + "experiments.networks.steps.barcode --job {params.job:q} --filtered {input:q} --out {output:q}"
        + LOGGED


rule tables:
    input:
        lambda wildcards: PLAN.of_models(wildcards.experiment, "barcode.json"),
    output:
        f"{RESULTS}/{{experiment}}/barcodes.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/barcodes.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/barcodes.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.networks),
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("tables", "mem_mb"),
        runtime=asks("tables", "runtime"),
    params:
        job=lambda wildcards: JOBS.tables(wildcards.experiment).to_json(),
    message:
        "Gather the barcodes of {wildcards.experiment}"
    shell:
        STEP
        + "experiments.networks.steps.tables --job {params.job:q} --barcodes {input:q} --out {output:q}"
        + LOGGED
