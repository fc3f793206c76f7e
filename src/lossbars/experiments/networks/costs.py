"""What the jobs of networks ask of the machine. Loads no torch."""

import math
from dataclasses import replace

from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.embeddings.costs import embedding_trainings
from lossbars.recipes import Minima
from lossbars.workflow.blocks import groups_of, stacked
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import MB, Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Task
from lossbars.workflow.training_costs import (
    CORE,
    FLOAT,
    control_points,
    curvature,
    data_size,
    memory,
    training,
    training_request,
    with_settling,
)

DESCENTS_TOGETHER = 16  # lossbars.optimise.dips.TOGETHER, which loads torch
KEPT_MB = 700  # graphs of gradients that are kept from product to product, 512 MB, and what is on the way
TRAINED = ("minima", "curves", "triangles")
CLIMBS, OF_CURVE = 300, 5  # of a search for saddles; and for each curve, from its humps
STEPS = 20  # Hessians in a climb
CLIMB = 0.5  # seconds of a climb and the descents from its saddle, however small the network
PRODUCTS = 400  # with vectors for a Hessian, at most
HESSIANS_MB = 1500  # what they keep of a batch of samples, and on the way
FIGURE = Request(0, 1500, 0, 10)  # figures of networks show less than those of clouds


def request(plan: Plan, task: Task) -> Request:
    """Computed for what trains; the other tasks are short."""
    if task.rule in TRAINED:
        return trained(plan, task.experiment, task.model, task.kind, stacked(task.part))
    if task.rule == "curvature":
        return _of_curvature(plan, task)
    if task.rule == "descents":
        return _of_descents(plan, task)
    if task.rule == "certificates":
        return _of_certificates(plan, task)
    if task.rule == "embedding":
        return _of_embedding(plan, task)
    return FIGURE if task.rule == "figure" else short_request(task.rule)


def result_bytes(plan: Plan, task: Task) -> int:
    """All control points of what a task trains; the other results are small."""
    if task.rule not in TRAINED:
        return 0
    config: Experiment = plan.experiments[task.experiment]  # type: ignore[assignment]
    model, (size, _) = config.models[task.model], data_size(plan, task.experiment)
    simplices = stacked(task.part)
    nodes, _ = control_points(model.longest(task.kind))
    return FLOAT * model.network.size(size).parameters * nodes * simplices


def trained(plan: Plan, experiment: str, key: str, kind: str, simplices: int) -> Request:
    """What a job asks for that trains so many minima, curves or triangles by one recipe of a model."""
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    model, (size, samples) = config.models[key], data_size(plan, experiment)
    recipe = model.longest(kind)
    afterwards = model.polish_of() if isinstance(recipe, Minima) else getattr(recipe, "settle", None)
    job = with_settling(training(model.network, recipe, size, samples, simplices), afterwards)
    return stated(training_request(job, config.device != "cpu"), config.resources, model.resources)


def _of_curvature(plan: Plan, task: Task) -> Request:
    """As for the minima that it is of, with products of Hessians in place of the training."""
    config: Experiment = plan.experiments[task.experiment]  # type: ignore[assignment]
    model, (size, samples) = config.models[task.model], data_size(plan, task.experiment)
    assert model.curvature  # else there is no such task
    minima = training(model.network, model.longest("minima"), size, samples, stacked(task.part))
    polish = model.polish_of(groups_of(task.part))
    job = curvature(minima, model.curvature, bool(polish and polish.precision == "float64"))
    computed = training_request(job, config.device != "cpu")
    kept = {name: getattr(computed, name) + KEPT_MB for name in ("mem_mb", *(["gpu_mem_mb"] if computed.gpu else []))}
    return stated(replace(computed, **kept), config.resources, model.resources)


def _of_descents(plan: Plan, task: Task) -> Request:
    """As if every curve had a place to descend from, and each round of pieces as many as there are curves."""
    config: Experiment = plan.experiments[task.experiment]  # type: ignore[assignment]
    model, (size, samples) = config.models[task.model], data_size(plan, task.experiment)
    recipe = config.descents(task.model)
    assert recipe  # else there is no such task
    curves = sum(stacked(one.task.part) for one in task.inputs["profiles"])
    short = model.curves.model_copy(update={"epochs": 1})
    together = training(model.network, short, size, samples, min(curves, DESCENTS_TOGETHER))
    descent = training_request(with_settling(together, recipe.descent), config.device != "cpu")
    shares = math.ceil(curves / DESCENTS_TOGETHER) * recipe.rounds
    parts = [replace(descent, runtime=shares * descent.runtime)]
    if recipe.rounds > 1:
        pieces = training(model.network, short, size, samples, curves)
        one = training_request(with_settling(pieces, recipe.settling), config.device != "cpu")
        parts.append(replace(one, runtime=(recipe.rounds - 1) * one.runtime))
    most = {kind: max(getattr(part, kind) for part in parts) for kind in ("gpu", "mem_mb", "gpu_mem_mb")}
    computed = Request(**most, runtime=sum(part.runtime for part in parts))
    return stated(computed, config.resources, model.resources)


def _of_certificates(plan: Plan, task: Task) -> Request:
    """Climbs by Hessians, whole or by products, on one core: as many as a search takes that finds few minima."""
    config: Experiment = plan.experiments[task.experiment]  # type: ignore[assignment]
    model, (size, samples) = config.models[task.model], data_size(plan, task.experiment)
    network = model.network.size(size)
    climbs = CLIMBS + OF_CURVE * sum(stacked(one.task.part) for one in task.inputs["profiles"])
    # a vector costs three passes, and products in float64 are twice as slow
    passes = STEPS * 2 * 3 * min(network.parameters, PRODUCTS)
    of_climb = CLIMB + passes * network.slowness * network.products * samples / CORE.products
    held = memory(training(model.network, model.longest("minima"), size, samples, 1)) + HESSIANS_MB * MB
    return stated(cpu_request(held, CORE.start + climbs * of_climb), config.resources, model.resources)


def _of_embedding(plan: Plan, task: Task) -> Request:
    """As much memory as the larger of its two descents, and the time of both."""
    config: Experiment = plan.experiments[task.experiment]  # type: ignore[assignment]
    size, samples = data_size(plan, task.experiment)
    descents = embedding_trainings(config, task.model, size, samples)
    parts = [training_request(one, config.device != "cpu") for one in descents]
    most = {kind: max(getattr(part, kind) for part in parts) for kind in ("gpu", "mem_mb", "gpu_mem_mb")}
    computed = Request(**most, runtime=sum(part.runtime for part in parts))
    return stated(computed, config.resources, config.models[config.embeddings[task.model].large].resources)
