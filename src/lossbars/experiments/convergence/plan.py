"""What experiments on convergence leave, up to their tables. Loads no torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lossbars.experiments.functions.paths import pair_paths
from lossbars.workflow.tasks import Expected

if TYPE_CHECKING:
    from lossbars.experiments.functions.plan import FunctionJobs


def convergence_artefacts(jobs: "FunctionJobs", experiment: str) -> Iterator[Expected]:
    """Distances of each model and size, and the table of all."""
    plan = jobs.plan
    whole = plan.convergences[experiment]
    for model in whole.models:
        job = jobs.cloud_pairs(experiment, model)
        for path, size in zip(pair_paths(plan, experiment, model), whole.sizes, strict=True):
            yield Expected(path, "cloud_pairs", job, str(size))
    yield Expected(f"{plan.results}/{experiment}/distances.parquet", "distances", jobs.distances(experiment))
