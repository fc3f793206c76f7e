localrules:
    claims,
    claims_report,
    usage,
    report,


rule claims:
    input:
        bars=f"{RESULTS}/{{experiment}}/barcodes.parquet",
        minima=lambda wildcards: trained_files(wildcards.experiment, ["minima"]),
        curves=lambda wildcards: trained_files(wildcards.experiment, ["curves"]),
        triangles=lambda wildcards: trained_files(wildcards.experiment, ["triangles"]),
        robustness=lambda wildcards: (
            PLAN.of_models(wildcards.experiment, "robustness.parquet")
            if PLAN.networks[wildcards.experiment].robustness
            else []
        ),
        embeddings=lambda wildcards: embedding_paths(JOBS, wildcards.experiment),
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.networks),
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("claims", "mem_mb"),
        runtime=asks("claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
        minima=lambda wildcards, input: compact(input.minima),
        curves=lambda wildcards, input: compact(input.curves),
        triangles=lambda wildcards, input: compact(input.triangles),
    message:
        "Compare {wildcards.experiment} with what the papers report"
    shell:
        STEP
        + "experiments.networks.steps.claims --job {params.job:q} --bars {input.bars:q} --minima {params.minima:q}"
        + " --curves {params.curves:q} --triangles {params.triangles:q}"
        + " --robustness {input.robustness:q} --embeddings {input.embeddings:q} --out {output:q}"
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
        mem_mb=asks("claims_report", "mem_mb"),
        runtime=asks("claims_report", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims_report(ran_experiments()).to_json(),
    message:
        "Write the claims of every experiment that ran"
    shell:
        STEP
        + "documents.claims_report --job {params.job:q} --claims {input:q} --out {output.text:q} --table {output.table:q}"
        + LOGGED


# Benchmark files are no results: nothing that trains may depend on them. The table is made anew with any result of the
# experiment, and reads what lies there.
rule usage:
    input:
        claims=f"{RESULTS}/{{experiment}}/claims.parquet",
        figures=lambda wildcards: PLAN.figure_paths(wildcards.experiment, "svg"),
    output:
        f"{RESULTS}/{{experiment}}/benchmarks/usage.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/usage.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/usage.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("usage", "mem_mb"),
        runtime=asks("usage", "runtime"),
    params:
        job=lambda wildcards: JOBS.usage(wildcards.experiment).to_json(),
        results=lambda wildcards, output: str(Path(output[0]).parents[2]),
    message:
        "Gather what the jobs of {wildcards.experiment} used"
    shell:
        STEP
        + "documents.usage --job {params.job:q} --results {params.results:q} --out {output:q}"
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
            path for key in ran_experiments() for path in PLAN.barcode_paths(key)
        ],
        usage=lambda wildcards: [PLAN.usage_path(key) for key in ran_experiments()],
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
        mem_mb=asks("report", "mem_mb"),
        runtime=asks("report", "runtime"),
    params:
        job=lambda wildcards: JOBS.report(ran_experiments()).to_json(),
    message:
        "Write the report of every experiment that ran"
    shell:
        STEP
        + "documents.report --job {params.job:q} --claims {input.claims:q} --figures {input.figures:q}"
        + " --barcodes {input.barcodes:q} --usage {input.usage:q} --out {output:q}"
        + LOGGED
