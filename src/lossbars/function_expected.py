"""What experiments on functions leave, up to their tables. Loads no torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lossbars.expected import Expected
from lossbars.function_plan import cloud_paths, clouds, optimised_paths, pair_paths, surface_paths

if TYPE_CHECKING:
    from lossbars.function_jobs import FunctionJobs


def function_artefacts(jobs: "FunctionJobs", experiment: str) -> Iterator[Expected]:
    """Clouds, surfaces, optimised curves and barcodes of each model, and the table of all bars."""
    plan = jobs.plan
    optimised, surfaces = optimised_paths(plan, experiment), surface_paths(plan, experiment)
    for model in plan.functions[experiment].models:
        folder = plan.folder(experiment, model)
        for path, part in zip(cloud_paths(plan, experiment, model), clouds(plan, experiment), strict=False):
            yield Expected(path, "cloud", jobs.cloud(experiment, model), part)
        if (path := f"{folder}/optimised.parquet") in optimised:
            yield Expected(path, "optimised", jobs.optimised(experiment, model))
        if (path := f"{folder}/surface.parquet") in surfaces:
            yield Expected(path, "surface", jobs.surface(experiment, model))
        yield Expected(f"{folder}/barcode.json", "sublevel_barcode", jobs.sublevel_barcode(experiment, model))
    yield Expected(f"{plan.results}/{experiment}/barcodes.parquet", "bars", jobs.bars(experiment))


def convergence_artefacts(jobs: "FunctionJobs", experiment: str) -> Iterator[Expected]:
    """Distances of each model and size, and the table of all."""
    plan = jobs.plan
    whole = plan.convergences[experiment]
    for model in whole.models:
        job = jobs.cloud_pairs(experiment, model)
        for path, size in zip(pair_paths(plan, experiment, model), whole.sizes, strict=True):
            yield Expected(path, "cloud_pairs", job, str(size))
    yield Expected(f"{plan.results}/{experiment}/distances.parquet", "distances", jobs.distances(experiment))
