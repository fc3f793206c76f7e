"""What is said of Hessians, against what was obtained."""

from pathlib import Path

from lossbars.experiments.hessian.claims.catalogue import claim_rows
from lossbars.experiments.hessian.claims.nets import HessianResults
from lossbars.workflow.artefacts import made_by, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import read_models


def hessian_claims(job: Job, tables: list[Path], out: Path) -> None:
    """Write a row per claim: experiment, id, claim, source, published, obtained, budget, verdict, detail."""
    kinds: dict[str, list[Path]] = {}
    for path in tables:
        kinds.setdefault(made_by(path).kind, []).append(path)
    own = {kind: read_models(paths, job, kind) for kind, paths in kinds.items()}
    write_table(out, claim_rows(HessianResults(job.experiment, job.recipe, own)), job)


if __name__ == "__main__":
    run(hessian_claims)
