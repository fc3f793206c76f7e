"""What the paper reports of the escape from a local minimum, against what was obtained."""

from pathlib import Path

from lossbars.experiments.escape.claims import EscapeResults, claim_rows
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job


def escape_claims(job: Job, table: Path, out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    results = EscapeResults(job.experiment, job.recipe, read_table(table, job.expects["escape_table"]))
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(escape_claims)
