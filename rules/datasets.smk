localrules:
    dataset,


rule dataset:
    output:
        "results/datasets/{data}.safetensors",
    log:
        "results/datasets/logs/{data}.log",
    benchmark:
        "results/datasets/benchmarks/{data}.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("dataset", "mem_mb"),
        runtime=asks("dataset", "runtime"),
    params:
        job=lambda wildcards: JOBS.dataset(wildcards.data).to_json(),
    message:
        "Fetch and verify the data set {wildcards.data}"
    shell:
        STEP
        + 'workflow.dataset_step --job {params.job:q} "--data-root=$LOSSBARS_DATA_ROOT" --downloads results/datasets/downloads'
        + " --checkpoints .checkpoints"
        + " --out {output}"
        + LOGGED
