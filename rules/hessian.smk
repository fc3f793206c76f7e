"""Hessians at critical points: one rule for each kind of task, figures and claims."""

from lossbars.experiments.hessian.config import SHOWN_TASK
from lossbars.experiments.hessian.plan import HESSIAN_RULES


localrules:
    hessian_figure,
    hessian_claims,


for RULE in HESSIAN_RULES.values():

    rule:
        name:
            RULE
        output:
            f"{RESULTS}/{{experiment}}/{{model}}/{RULE}.parquet",
        log:
            f"{RESULTS}/{{experiment}}/{{model}}/logs/{RULE}.log",
        benchmark:
            f"{RESULTS}/{{experiment}}/{{model}}/benchmarks/{RULE}.tsv"
        conda:
            "../envs/lossbars.yaml"
        threads: 1
        resources:
            gpu=0,
            mem_mb=asks_points(RULE, "mem_mb"),
            runtime=asks_points(RULE, "runtime"),
        params:
            job=lambda wildcards: JOBS.hessian_task(
                wildcards.experiment, wildcards.model
            ).to_json(),
            step=RULE.removeprefix("hessian_"),
        message:
            f"{RULE.replace('_', ' ').capitalize()} of {{wildcards.experiment}}/{{wildcards.model}}"
        shell:
            STEP
            + "experiments.hessian.steps.{params.step} --job {params.job:q} --threads {threads} --out {output:q}"
            + LOGGED


rule hessian_figure:
    input:
        lambda wildcards: JOBS.hessian_paths(
            PLAN.figures[wildcards.figure][0],
            [SHOWN_TASK[PLAN.figures[wildcards.figure][1]]],
        ),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        svg=report(f"{RESULTS}/figures/{{figure}}.svg", category="Figures"),
    log:
        f"{RESULTS}/figures/logs/{{figure}}.log",
    benchmark:
        f"{RESULTS}/figures/benchmarks/{{figure}}.tsv"
    wildcard_constraints:
        figure=figures_of(PLAN.hessians),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("hessian_figure", "mem_mb"),
        runtime=asks("hessian_figure", "runtime"),
    params:
        job=lambda wildcards: JOBS.figure(wildcards.figure).to_json(),
    message:
        "Draw {wildcards.figure}"
    shell:
        STEP
        + "experiments.hessian.steps.figure --job {params.job:q} --tables {input:q} --pdf {output.pdf:q} --svg {output.svg:q}"
        + LOGGED


rule hessian_claims:
    input:
        lambda wildcards: JOBS.hessian_paths(wildcards.experiment, list(HESSIAN_RULES)),
    output:
        f"{RESULTS}/{{experiment}}/claims.parquet",
    log:
        f"{RESULTS}/{{experiment}}/logs/claims.log",
    benchmark:
        f"{RESULTS}/{{experiment}}/benchmarks/claims.tsv"
    wildcard_constraints:
        experiment=any_of(PLAN.hessians),
    conda:
        "../envs/lossbars.yaml"
    threads: 1
    resources:
        gpu=0,
        mem_mb=asks("hessian_claims", "mem_mb"),
        runtime=asks("hessian_claims", "runtime"),
    params:
        job=lambda wildcards: JOBS.claims(wildcards.experiment).to_json(),
    message:
        "Compare {wildcards.experiment} with what is said of Hessians"
    shell:
        STEP
        + "experiments.hessian.steps.claims --job {params.job:q} --tables {input:q} --out {output:q}"
        + LOGGED
