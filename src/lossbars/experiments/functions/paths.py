"""Paths of what experiments on functions leave. Loads no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan


def clouds(plan: "Plan", experiment: str) -> list[str]:
    """Names of a model's clouds: seeds 0, 1, …"""
    return [str(seed) for seed in range(plan.functions[experiment].seeds)]


def cloud_paths(plan: "Plan", experiment: str, model: str) -> list[str]:
    """Bars of each cloud of a model; none where it has no clouds."""
    if not plan.functions[experiment].models[model].cloud:
        return []
    return [f"{plan.folder(experiment, model)}/clouds/{seed}.parquet" for seed in clouds(plan, experiment)]


def optimised_paths(plan: "Plan", experiment: str) -> list[str]:
    """Bars of the optimised curves, of each model that has them."""
    models = plan.functions[experiment].optimised_models()
    return [f"{plan.folder(experiment, model)}/optimised.parquet" for model in models]


def barcode_source(plan: "Plan", experiment: str, model: str) -> str:
    """The bars that a model's barcode.json is made of: its first cloud's, or where there is none its curves'."""
    first = cloud_paths(plan, experiment, model)[:1]
    return first[0] if first else f"{plan.folder(experiment, model)}/optimised.parquet"


def surface_models(plan: "Plan", experiment: str) -> list[str]:
    """Models whose landscape is tabulated: those of two dimensions, where a figure shows it."""
    whole = plan.functions[experiment]
    shown = [model for figure in whole.figures if figure in ("surface", "pairs") for model in whole.shown(figure)]
    return [model for model in whole.models if model in shown]


def surface_paths(plan: "Plan", experiment: str) -> list[str]:
    """Values on a regular grid, of each model that has them."""
    return [f"{plan.folder(experiment, model)}/surface.parquet" for model in surface_models(plan, experiment)]


def pair_paths(plan: "Plan", experiment: str, model: str) -> list[str]:
    """Distances between the clouds of a model, a file for each size."""
    return [
        f"{plan.folder(experiment, model)}/distances/{size}.parquet" for size in plan.convergences[experiment].sizes
    ]
