rule embedding:
    input:
        data=dataset_of,
        barcode=lambda wildcards: "{}/barcode.json".format(
            PLAN.folder(
                wildcards.experiment,
                PLAN.networks[wildcards.experiment]
                .embeddings[wildcards.embedding]
                .small,
            )
        ),
        minima=of_small(["minima"], "safetensors"),
        curves=of_small(["curves"], "safetensors"),
    output:
        f"{RESULTS}/{{experiment}}/embeddings/{{embedding}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/embedding-{{embedding}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/embedding-{{embedding}}.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.networks),
        embedding="[a-z][a-z0-9-]*",
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=embedding_asks("gpu"),
        mem_mb=embedding_asks("mem_mb"),
        gpu_mem_mb=embedding_asks("gpu_mem_mb"),
        runtime=embedding_asks("runtime"),
        device=device,
    params:
        job=lambda wildcards: JOBS.embedding(
            wildcards.experiment, wildcards.embedding
        ).to_json(),
        minima=lambda wildcards, input: compact(input.minima),
        curves=lambda wildcards, input: compact(input.curves),
    message:
        "Embed the minima of {wildcards.experiment} in a larger network: {wildcards.embedding}"
    shell:
        STEP
        + "experiments.networks.embeddings.step --job {params.job:q} --data {input.data:q} --barcode {input.barcode:q}"
        + " --minima {params.minima:q} --curves {params.curves:q} --threads {threads}"
        + " --device {resources.device} --checkpoints .checkpoints --out {output:q}"
        + LOGGED
