rule minima:
    input:
        data=dataset_of,
    output:
        tensors=f"{RESULTS}/{{experiment}}/{{model}}/minima/{{seeds}}.safetensors",
        metrics=f"{RESULTS}/{{experiment}}/{{model}}/minima/{{seeds}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/minima-{{seeds}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/minima-{{seeds}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=asks("minima", "gpu"),
        mem_mb=asks("minima", "mem_mb"),
        gpu_mem_mb=asks("minima", "gpu_mem_mb"),
        runtime=asks("minima", "runtime"),
        device=device,
    params:
        job=job_of("minima"),
    message:
        "Train minima {wildcards.seeds} of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.networks.steps.minima --job {params.job:q} --data {input.data:q} --seeds {wildcards.seeds} --threads {threads}"
        + " --device {resources.device} --checkpoints .checkpoints --out {output.tensors:q}"
        + " --metrics {output.metrics:q}"
        + LOGGED
