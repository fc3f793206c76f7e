"""What is said of Hessians, against what was obtained."""

from pathlib import Path

from lossbars.artefacts import made_by, write_table
from lossbars.hessian_claims import claim_rows
from lossbars.hessian_findings import HessianResults
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.reading import read_models


def hessian_claims(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    kinds: dict[str, list[Path]] = {}
    for path in tables:
        kinds.setdefault(made_by(path).kind, []).append(path)
    own = {kind: read_models(paths, job, kind) for kind, paths in kinds.items()}
    write_table(out, claim_rows(HessianResults(job.experiment, job.recipe, own)), job)


if __name__ == "__main__":
    run(hessian_claims)
