rule triangles:
    input:
        data=dataset_of,
        minima=lambda wildcards: expand(
            f"{RESULTS}/{{experiment}}/{{model}}/minima/{{seeds}}.safetensors",
            experiment=wildcards.experiment,
            model=wildcards.model,
            seeds=dict.fromkeys([wildcards.first, wildcards.second, wildcards.third]),
        ),
        curves=triangle_sides,
    output:
        tensors=f"{RESULTS}/{{experiment}}/{{model}}/{{triangles}}/{{first}}+{{second}}+{{third}}.safetensors",
        profiles=f"{RESULTS}/{{experiment}}/{{model}}/{{triangles}}/{{first}}+{{second}}+{{third}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/{{triangles}}-{{first}}+{{second}}+{{third}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/{{triangles}}-{{first}}+{{second}}+{{third}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=asks("triangles", "gpu"),
        mem_mb=asks("triangles", "mem_mb"),
        gpu_mem_mb=asks("triangles", "gpu_mem_mb"),
        runtime=asks("triangles", "runtime"),
        device=device,
    params:
        job=job_of("triangles"),
    message:
        "Optimise {wildcards.triangles} between minima {wildcards.first}, {wildcards.second} and {wildcards.third}"
        " of {wildcards.experiment}/{wildcards.model}"
    shell:
        STEP
        + "experiments.networks.steps.triangles --job {params.job:q} --data {input.data:q} --minima {input.minima:q}"
        + " --curves {input.curves:q} --first {wildcards.first} --second {wildcards.second}"
        + " --third {wildcards.third} --threads {threads} --device {resources.device}"
        + " --checkpoints .checkpoints --out {output.tensors:q} --table {output.profiles:q}"
        + LOGGED
