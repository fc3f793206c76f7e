rule figure:
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
    resources:
        gpu=0,
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=10,
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "figure --job {params.job:q} --bars {input.bars:q} --curves {input.curves:q}"
        + " --triangles {input.triangles:q} --robustness {input.robustness:q}"
        + " --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED
