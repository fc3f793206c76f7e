"""Which claims each experiment on functions is compared with."""

from typing import Any

from lossbars.claims.claim import Claims
from lossbars.experiments.functions.claims.benchmarks import FUNCTION_CLAIMS
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS
from lossbars.experiments.functions.claims.results import FunctionResults
from lossbars.experiments.functions.claims.tiny_networks import TINY_CLAIMS
from lossbars.experiments.functions.config import Functions
from lossbars.plots.tables import span
from lossbars.workflow.claims_results import measured
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

CLAIMS = {  # of the experiments that the papers have
    "function-barcodes": FUNCTION_CLAIMS,
    "tiny-networks": TINY_CLAIMS,
    "level-sets": LEVEL_SET_CLAIMS,
}


def results(work: Work[ClaimsSettings[Functions]]) -> FunctionResults:
    """The table of all bars."""
    return FunctionResults(work.settings, work.table("bars"))


def claims(experiment: str, config: Functions) -> Claims:  # noqa: ARG001
    """The claims of an experiment of the papers; of another one those on functions and on small networks."""
    return CLAIMS.get(experiment, [*FUNCTION_CLAIMS, *LEVEL_SET_CLAIMS])


def kept(experiment: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows of an experiment that the papers have; of others those that were measured."""
    return rows if experiment in CLAIMS else measured(rows)


def budget(results: FunctionResults) -> str:
    """Clouds, points and starts in one line."""
    models, parts = results.models.values(), []
    if points := sorted({model.cloud.points for model in models if model.cloud}):
        seeds = results.config.seeds
        parts.append(f"{seeds} cloud{'s' if seeds > 1 else ''} of {span(points, ',')} points")
    if starts := sorted({model.optimised.starts for model in models if model.optimised}):
        parts.append(f"curves between minima from {' or '.join(map(str, starts))} starts")
    return ", and ".join(parts)
