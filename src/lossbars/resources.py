"""What each job asks of the machine. Loads no torch."""

import math
from dataclasses import dataclass, replace
from functools import cache

from lossbars.costs import MB, SIZES, UNKNOWN_SIZE, Machine, Training, device_memory, memory, seconds, training
from lossbars.plan import Plan

TRAINED = ("minima", "curves", "triangles")
GROWING = ("mem_mb", "runtime")  # what is asked for is multiplied by the number of the attempt

SNAKEMAKE_MB = 400  # the two snakemakes that a job on a cluster has around its step
MEMORY_SAFETY = 1.3  # asked for over computed, of what grows with the job
TIME_SAFETY = 3
LEAST_MINUTES = 10

CORE = Machine(start=10.0, call=2e-4, products=1.5e10, moved=5e9)
# No GPU was at hand: its calls are taken to cost what a core's do, its arithmetic to be 20 times as fast.
GPU = Machine(start=30.0, call=2e-4, products=3e11, moved=1e11)
GPU_CONTEXT_MB = 1000


@dataclass(frozen=True)
class Request:
    """What a job asks for at its first attempt."""

    gpu: int
    mem_mb: int
    gpu_mem_mb: int
    runtime: int  # minutes


# Rules that train nothing: fetching MNIST used 970 MB, a figure of a small run 250 MB, its tables 150 MB.
SHORT = {"dataset": Request(0, 2000, 0, 30), "figure": Request(0, 1500, 0, 10)}
SHORT_OTHERS = Request(0, 1000, 0, 10)


def request(plan: Plan, rule: str, experiment: str = "", model: str = "", several: int = 1) -> Request:
    """What a job of a rule asks for; ``several`` is how many minima, curves or triangles it trains."""
    if rule not in TRAINED:
        return SHORT.get(rule, SHORT_OTHERS)
    whole, own = plan.experiments[experiment], plan.model(experiment, model)
    size = SIZES.get(whole.data, UNKNOWN_SIZE)
    samples = max(1, round(min(whole.samples or size.train, size.train) * plan.scale.samples))
    computed = _computed(training(own, rule, size, samples, several), whole.device != "cpu")
    stated = {
        name: value
        for stating in (whole.resources, own.resources)
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
