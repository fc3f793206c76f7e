localrules:
    claims_report,
    report,


rule claims:
    input:
        bars=f"{RESULTS}/{{experiment}}/barcodes.parquet",
        minima=lambda wildcards: trained_tables(wildcards.experiment, PLAN.minima_paths),
        curves=lambda wildcards: trained_tables(wildcards.experiment, PLAN.curve_paths),
        triangles=lambda wildcards: trained_tables(
            wildcards.experiment, PLAN.triangle_paths
        ),
        robustness=lambda wildcards: (
            PLAN.of_models(wildcards.experiment, "robustness.parquet")
            if PLAN.experiments[wildcards.experiment].robustness
            else []
        ),
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=10,
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what the papers report"
    shell:
        STEP
        + "claims --job {params.job:q} --bars {input.bars:q} --minima {input.minima:q}"
        + " --curves {input.curves:q} --triangles {input.triangles:q}"
        + " --robustness {input.robustness:q} --out {output:q}"
        + LOGGED


rule claims_report:
    input:
        lambda wildcards: [
            f"{RESULTS}/{key}/claims.parquet" for key in ran_experiments()
        ],
    output:
        text=f"{RESULTS}/claims.md",
        table=f"{RESULTS}/claims.parquet",
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=1500,
        runtime=10,
    params:
        job=lambda wildcards: JOBS.claims_report(ran_experiments()).to_json(),
    message:
        "Write the claims of every experiment that ran"
    shell:
        STEP
        + "claims_report --job {params.job:q} --claims {input:q} --out {output.text:q} --table {output.table:q}"
        + LOGGED


rule report:
    input:
        claims=lambda wildcards: [
            f"{RESULTS}/{key}/claims.parquet" for key in ran_experiments()
        ],
        figures=lambda wildcards: [
            path for key in ran_experiments() for path in PLAN.figure_paths(key, "svg")
        ],
        barcodes=lambda wildcards: [
            path
            for key in ran_experiments()
            for path in PLAN.of_models(key, "barcode.json")
        ],
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=1500,
        runtime=10,
    params:
        job=lambda wildcards: JOBS.report(ran_experiments()).to_json(),
    message:
        "Write the report of every experiment that ran"
    shell:
        STEP
        + "report --job {params.job:q} --claims {input.claims:q} --figures {input.figures:q}"
        + " --barcodes {input.barcodes:q} --out {output:q}"
        + LOGGED
