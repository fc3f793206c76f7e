"""What is said of path optimisers, against what was obtained."""

from pathlib import Path

from lossbars.experiments.saddles.claims import SaddleResults, claim_rows
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job


def saddle_claims(job: Job, table: Path, out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    results = SaddleResults(job.experiment, job.recipe, read_table(table, job.expects["saddle_table"]))
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(saddle_claims)
