"""What the paper reports of one experiment on functions, against what was obtained."""

from pathlib import Path

import pandas as pd

from lossbars.claims.results import FunctionResults
from lossbars.experiments.functions.claims.catalogue import claim_rows
from lossbars.workflow.artefacts import read_table, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job


def function_claims(job: Job, table: Path, out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    (kind, key), *_ = job.expects.items()
    tables = {"bars": pd.DataFrame(), "distances": pd.DataFrame()} | {kind: read_table(table, key)}
    results = FunctionResults(job.experiment, job.recipe, tables["bars"], tables["distances"])
    write_table(out, claim_rows(results), job)


if __name__ == "__main__":
    run(function_claims)
