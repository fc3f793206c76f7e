rule curves:
    input:
        data=dataset_of,
        minima=lambda wildcards: expand(
            f"{RESULTS}/{{experiment}}/{{model}}/minima/{{seeds}}.safetensors",
            experiment=wildcards.experiment,
            model=wildcards.model,
            seeds=dict.fromkeys([wildcards.first, wildcards.second]),
        ),
    output:
        tensors=f"{RESULTS}/{{experiment}}/{{model}}/{{curves}}/{{first}}+{{second}}.safetensors",
        profiles=f"{RESULTS}/{{experiment}}/{{model}}/{{curves}}/{{first}}+{{second}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/{{curves}}-{{first}}+{{second}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/{{curves}}-{{first}}+{{second}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=asks("curves", "gpu"),
        mem_mb=asks("curves", "mem_mb"),
        gpu_mem_mb=asks("curves", "gpu_mem_mb"),
        runtime=asks("curves", "runtime"),
        device=device,
    params:
        job=job_of("curves"),
        step=lambda wildcards: JOBS.step(
            wildcards.curves, wildcards.experiment, wildcards.model
        ),
    message:
        "Optimise {wildcards.curves} between minima {wildcards.first} and {wildcards.second}"
        " of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.networks.steps.{params.step} --job {params.job:q} --data {input.data:q} --minima {input.minima:q}"
        + " --first {wildcards.first} --second {wildcards.second} --threads {threads}"
        + " --device {resources.device} --checkpoints .checkpoints --out {output.tensors:q}"
        + " --table {output.profiles:q}"
        + LOGGED
