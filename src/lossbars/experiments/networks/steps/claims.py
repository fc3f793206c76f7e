"""What the papers report of one experiment, against what was obtained."""

from pathlib import Path

from lossbars.experiments.networks.claims.catalogue import claim_rows
from lossbars.experiments.networks.claims.generic import Results
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import parted, read_models, read_trained


def claims(
    job: Job,
    bars: Path,
    minima: list[Path],
    curves: list[Path],
    triangles: list[Path],
    robustness: list[Path],
    embeddings: list[Path],
    out: Path,
) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    plain, aligned = parted(curves)
    results = Results(
        job.experiment,
        job.recipe,
        read_table(bars, job.expects["tables"]),
        read_trained(minima, job),
        read_trained(plain, job),
        read_trained(triangles, job),
        read_models(robustness, job, "robustness"),
        read_models(embeddings, job, "embedding"),
        read_trained(aligned, job),
    )
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(claims)
