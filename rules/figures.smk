localrules:
    figure,


rule figure:
    input:
        bars=lambda wildcards: f"{RESULTS}/{PLAN.figures[wildcards.figure][0]}/barcodes.parquet",
        minima=figure_tables("minima"),
        curves=figure_tables("curves"),
        paths=figure_tables("paths", "safetensors"),
        triangles=figure_tables("triangles"),
        robustness=figure_tables("robustness"),
        embeddings=lambda wildcards: (
            embedding_paths(JOBS, PLAN.figures[wildcards.figure][0])
            if PLAN.figures[wildcards.figure][1] == "embeddings"
            else []
        ),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.networks),
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("figure", "mem_mb"),
        runtime=asks("figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
        minima=lambda wildcards, input: compact(input.minima),
        curves=lambda wildcards, input: compact(input.curves),
        paths=lambda wildcards, input: compact(input.paths),
        triangles=lambda wildcards, input: compact(input.triangles),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.networks.steps.figure --job {params.job:q} --bars {input.bars:q} --minima {params.minima:q}"
        + " --curves {params.curves:q} --paths {params.paths:q} --triangles {params.triangles:q} --robustness {input.robustness:q}"
        + " --embeddings {input.embeddings:q} --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED
