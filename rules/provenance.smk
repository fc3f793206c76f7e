localrules:
    provenance,


rule provenance:
    input:
        provenance_inputs,
    output:
        f"{RESULTS}/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/provenance.tsv"
    conda:
        "../envs/lossbars.yaml"
    resources:
        gpu=0,
        mem_mb=asks("provenance", "mem_mb"),
        runtime=asks("provenance", "runtime"),
    params:
        job=lambda wildcards: JOBS.provenance(ran_experiments()).to_json(),
    message:
        "Record where every result comes from"
    shell:
        STEP
        # the step finds the paths itself: a command line with thousands of them is too long for a shell
        + "documents.provenance --job {params.job:q} --out {output:q}"
        + LOGGED
