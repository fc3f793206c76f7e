def figure_tables(kind):
    """Tables of one kind that a figure reads, of every model that has them."""

    def paths(wildcards):
        experiment, _ = PLAN.figures[wildcards.figure]
        if kind not in JOBS.figure_inputs(wildcards.figure):
            return []
        if kind == "robustness":
            return PLAN.of_models(experiment, "robustness.parquet")
        of_model = PLAN.curve_paths if kind == "curves" else PLAN.triangle_paths
        return [path for model in PLAN.experiments[experiment].models for path in of_model(experiment, model, "parquet")]

    return paths


rule figure:
    message:
        "Draw {wildcards.figure}"
    input:
        bars=lambda wildcards: f"{RESULTS}/{PLAN.figures[wildcards.figure][0]}/barcodes.parquet",
        curves=figure_tables("curves"),
        triangles=figure_tables("triangles"),
        robustness=figure_tables("robustness"),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=f"{RESULTS}/figures/{{figure}}.svg",
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    conda:
        "../envs/lossbars.yaml"
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=10,
    shell:
        STEP
        + "figure --job {params.job:q} --bars {input.bars:q} --curves {input.curves:q}"
        + " --triangles {input.triangles:q} --robustness {input.robustness:q}"
        + " --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED
