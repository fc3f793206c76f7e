"""What each job asks of the machine. Loads no torch."""

import math
from dataclasses import dataclass, replace
from functools import cache

from lossbars.datasets.sizes import size_of
from lossbars.experiments.convergence.costs import pair_seconds
from lossbars.experiments.escape.config import Escape
from lossbars.experiments.escape.costs import escape_memory, escape_seconds
from lossbars.experiments.functions.costs import CLOUD_RULES, optimised_seconds
from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.hessian.costs import hessian_memory, hessian_seconds
from lossbars.experiments.networks.embeddings.costs import embedding_trainings
from lossbars.experiments.saddles.config import Saddles
from lossbars.experiments.saddles.costs import saddle_seconds
from lossbars.experiments.strings.costs import string_seconds
from lossbars.workflow.blocks import base, block_seeds, stacked
from lossbars.workflow.experiment import Resources
from lossbars.workflow.landscape_costs import PROCESS, START, Points, cloud_memory, cloud_seconds
from lossbars.workflow.plan import Plan
from lossbars.workflow.training_costs import (
    MB,
    Machine,
    Training,
    device_memory,
    memory,
    seconds,
    string_training,
    training,
)

TRAINED = ("minima", "curves", "triangles")  # a kind may have a name beside: curves-flow
HESSIAN_TASKS = ("hessian_spectra", "hessian_critical", "hessian_parts", "hessian_minimisers")
GROWING = ("mem_mb", "runtime")  # what is asked for is multiplied by the number of the attempt

SNAKEMAKE_MB = 400  # the two snakemakes that a job on a cluster has around its step
MEMORY_SAFETY = 1.3  # asked for over computed, of what grows with the job
TIME_SAFETY = 3
LEAST_MINUTES = 10

CORE = Machine(start=10.0, call=2e-4, products=1.5e10, moved=5e9)
# No GPU was at hand: its calls are taken to cost what a core's do, its arithmetic to be 200 times as fast.
GPU = Machine(start=30.0, call=2e-4, products=3e12, moved=1e12)
GPU_CONTEXT_MB = 1000


@dataclass(frozen=True)
class Request:
    """What a job asks for at its first attempt."""

    gpu: int
    mem_mb: int
    gpu_mem_mb: int
    runtime: int  # minutes


# Rules that train nothing: fetching SVHN used 1340 MB, a figure of a small run 250 MB, its tables 150 MB.
SHORT = {
    "dataset": Request(0, 2000, 0, 30),
    "figure": Request(0, 1500, 0, 10),
    "function_figure": Request(0, 2000, 0, 10),
    "escape_figure": Request(0, 2000, 0, 10),
    "saddle_figure": Request(0, 2000, 0, 10),
    "string_figure": Request(0, 2000, 0, 10),
    "hessian_figure": Request(0, 2000, 0, 10),
}
SHORT_OTHERS = Request(0, 1000, 0, 10)


def amount(rule: str, part: str) -> int:
    """How much the job of a part does: minima, curves, triangles or strings that it trains, or points of its clouds."""
    if base(rule) in TRAINED:
        return stacked(rule, part)
    if rule == "strings":
        return len(block_seeds(part))
    return int(part) if rule == "cloud_pairs" else 1


def request(plan: Plan, rule: str, experiment: str = "", model: str = "", several: int = 1) -> Request:
    """What a job of a rule asks for; ``several`` is its :func:`amount`."""
    if base(rule) in TRAINED:
        return _of_training(plan, rule, experiment, model, several)
    if rule in CLOUD_RULES:
        return _of_cloud(plan, rule, experiment, model, several)
    if rule == "embedding":
        return _of_embedding(plan, experiment, model)
    if rule == "escape_runs":
        return _of_escape(plan.escapes[experiment], model)
    if rule == "saddle_deaths":
        return _of_saddles(plan.saddles[experiment], model)
    if rule == "strings":
        return _of_strings(plan, experiment, model, several)
    if rule in HESSIAN_TASKS:
        return _of_hessians(plan.hessians[experiment], model)
    return SHORT.get(rule, SHORT_OTHERS)


def _of_training(plan: Plan, rule: str, experiment: str, model: str, several: int) -> Request:
    whole, own = plan.networks[experiment], plan.model(experiment, model)
    size = size_of(whole.data, plan.data_root)
    samples = max(1, round(min(whole.samples or size.train, size.train) * plan.scale.samples))
    computed = _computed(training(own, rule, size, samples, several), whole.device != "cpu")
    return _stated(computed, whole.resources, own.resources)


def _of_embedding(plan: Plan, experiment: str, name: str) -> Request:
    """As much memory as the larger of its two descents, and the time of both."""
    whole = plan.networks[experiment]
    size = size_of(whole.data, plan.data_root)
    samples = max(1, round(min(whole.samples or size.train, size.train) * plan.scale.samples))
    parts = [_computed(one, whole.device != "cpu") for one in embedding_trainings(whole, name, size, samples)]
    most = {kind: max(getattr(part, kind) for part in parts) for kind in ("gpu", "mem_mb", "gpu_mem_mb")}
    computed = Request(**most, runtime=sum(part.runtime for part in parts))
    return _stated(computed, whole.resources, whole.models[whole.embeddings[name].large].resources)


def _of_cloud(plan: Plan, rule: str, experiment: str, model: str, points: int) -> Request:
    """Memory of curves is that of a small process; what a cloud takes grows with its points."""
    if rule == "cloud_pairs":
        paired = plan.convergences[experiment]
        one = paired.models[model]
        cloud = Points(one.landscape, points, one.cloud.neighbours or 2 * one.landscape.dimension)
        needs = cloud_memory(cloud), pair_seconds(cloud, paired.pairs)
        stated = paired.resources, one.resources
    else:
        whole = plan.functions[experiment]
        own = whole.models[model]
        needs = PROCESS, 0.0
        if rule == "cloud" and own.cloud:
            cloud = Points(own.landscape, own.cloud.points, own.cloud.neighbours)
            needs = cloud_memory(cloud), cloud_seconds(cloud)
        if rule == "optimised" and own.optimised:
            needs = PROCESS, optimised_seconds(own.landscape, own.optimised)
        stated = whole.resources, own.resources
    return _stated(Request(0, _mem_mb(needs[0]), 0, _minutes(START + needs[1])), *stated)


def _of_escape(whole: Escape, model: str) -> Request:
    own = whole.models[model]
    needs = _mem_mb(escape_memory(own)), _minutes(START + escape_seconds(own))
    return _stated(Request(0, needs[0], 0, needs[1]), whole.resources, own.resources)


def _of_saddles(whole: Saddles, model: str) -> Request:
    needs = _mem_mb(PROCESS), _minutes(START + saddle_seconds(whole, model))
    return _stated(Request(0, needs[0], 0, needs[1]), whole.resources, whole.models[model].resources)


def _of_strings(plan: Plan, experiment: str, model: str, pairs: int) -> Request:
    whole = plan.strings[experiment]
    own = whole.models[model]
    if own.landscape:
        needs = _mem_mb(PROCESS), _minutes(START + string_seconds(own, pairs))
        return _stated(Request(0, needs[0], 0, needs[1]), whole.resources, own.resources)
    size = size_of(plan.data(experiment), plan.data_root)
    samples = max(1, round(min(whole.samples or size.train, size.train) * plan.scale.samples))
    computed = _computed(string_training(own, size, samples, pairs), whole.device != "cpu")
    return _stated(computed, whole.resources, own.resources)


def _of_hessians(whole: Hessians, model: str) -> Request:
    own = whole.models[model]
    needs = _mem_mb(hessian_memory(own.task)), _minutes(START + hessian_seconds(own.task))
    return _stated(Request(0, needs[0], 0, needs[1]), whole.resources, own.resources)


def _stated(computed: Request, *every: Resources) -> Request:
    """What the configuration states goes before, the later the more."""
    stated = {
        name: value
        for stating in every
        for name, value in stating.model_dump().items()
        if value is not None and (name != "gpu_mem_mb" or computed.gpu)
    }
    return replace(computed, **stated)


@cache
def _computed(job: Training, gpu: bool) -> Request:
    if not gpu:
        return Request(0, _mem_mb(memory(job)), 0, _minutes(seconds(job, CORE)))
    on_device = GPU_CONTEXT_MB + math.ceil(MEMORY_SAFETY * device_memory(job) / MB)
    return Request(1, _mem_mb(memory(job)), on_device, _minutes(seconds(job, GPU)))


def _mem_mb(computed: int) -> int:
    return SNAKEMAKE_MB + math.ceil(MEMORY_SAFETY * computed / MB / 100) * 100


def _minutes(computed: float) -> int:
    return max(LEAST_MINUTES, math.ceil(TIME_SAFETY * computed / 60))
