localrules:
    dataset,


rule dataset:
    message:
        "Fetch and verify the data set {wildcards.data}"
    output:
        "results/datasets/{data}.safetensors",
    log:
        "results/datasets/logs/{data}.log",
    benchmark:
        "results/datasets/benchmarks/{data}.tsv"
    conda:
        "../envs/lossbars.yaml"
    params:
        job=lambda wildcards: JOBS.dataset(wildcards.data).to_json(),
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
    shell:
        STEP
        + "dataset --job {params.job:q} --data-root={DATA_ROOT:q} --downloads results/datasets/downloads"
        + " --out {output}"
        + LOGGED
