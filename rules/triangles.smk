def triangle_sides(wildcards):
    """Blocks of curves that hold the triangles' sides, where these are fixed to the trained curves."""
    if PLAN.model(wildcards.experiment, wildcards.model).triangles.sides != "fixed":
        return []
    blocks = [wildcards.first, wildcards.second, wildcards.third]
    pairs = {(a, b): None for a, b in itertools.combinations(blocks, 2) if block_pairs(a, b)}
    folder = PLAN.folder(wildcards.experiment, wildcards.model)
    return [f"{folder}/curves/{a}+{b}.safetensors" for a, b in pairs]


rule triangles:
    message:
        "Optimise triangles between minima {wildcards.first}, {wildcards.second} and {wildcards.third}"
        " of {wildcards.experiment}/{wildcards.model}"
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
        tensors=f"{RESULTS}/{{experiment}}/{{model}}/triangles/{{first}}+{{second}}+{{third}}.safetensors",
        profiles=f"{RESULTS}/{{experiment}}/{{model}}/triangles/{{first}}+{{second}}+{{third}}.parquet",
    log:
        f"{RESULTS}/{{experiment}}/{{model}}/logs/triangles-{{first}}+{{second}}+{{third}}.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/triangles-{{first}}+{{second}}+{{third}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    params:
        job=job_of("triangles"),
    threads: 1
    resources:
        gpu=gpus,
        mem_mb=memory_of("triangles"),
        runtime=runtime_of("triangles"),
        device=device,
    shell:
        STEP
        + "triangles --job {params.job:q} --data {input.data:q} --minima {input.minima:q}"
        + " --curves {input.curves:q} --first {wildcards.first} --second {wildcards.second}"
        + " --third {wildcards.third} --threads {threads} --device {resources.device}"
        + " --checkpoints {CHECKPOINTS:q} --out {output.tensors:q} --table {output.profiles:q}"
        + LOGGED
