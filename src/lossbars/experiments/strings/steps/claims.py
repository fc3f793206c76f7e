"""What the paper reports of level sets, against what was obtained."""

from pathlib import Path

from lossbars.experiments.strings.claims import claim_rows
from lossbars.experiments.strings.findings import StringResults
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job


def string_claims(job: Job, table: Path, out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    results = StringResults(job.experiment, job.recipe, read_table(table, job.expects["string_table"]))
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(string_claims)
