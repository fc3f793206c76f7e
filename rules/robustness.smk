rule robustness:
    input:
        rules.complex.output,
    output:
        f"{RESULTS}/{{experiment}}/{{model}}/robustness.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/robustness.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/robustness.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("robustness", "mem_mb"),
        runtime=asks("robustness", "runtime"),
    params:
        job=lambda wildcards: JOBS.robustness(
            wildcards.experiment, wildcards.model
        ).to_json(),
    message:
        "Barcodes of subsets of the minima of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.networks.steps.robustness --job {params.job:q} --filtered {input:q} --out {output:q}"
        + LOGGED
