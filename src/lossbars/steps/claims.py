"""What the papers report of one experiment, against what was obtained."""

from pathlib import Path

from lossbars.artefacts import read_table, write_table
from lossbars.claims import claim_rows
from lossbars.findings import Results
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.tables import read_models


def claims(
    job: Job,
    bars: Path,
    minima: list[Path],
    curves: list[Path],
    triangles: list[Path],
    robustness: list[Path],
    out: Path,
) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    results = Results(
        job.experiment,
        job.recipe,
        read_table(bars, job.expects["tables"]),
        read_models(minima, job, "minima"),
        read_models(curves, job, "curves"),
        read_models(triangles, job, "triangles"),
        read_models(robustness, job, "robustness"),
    )
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(claims)
