"""What a training asks of the machine. Loads no torch."""

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from lossbars.datasets.sizes import Size, size_of
from lossbars.workflow.data_sets import data_of
from lossbars.workflow.resources import MB, MEMORY_SAFETY, Request, cpu_request, mem_mb, minutes
from lossbars.workflow.training_costs import Machine, Training, device_memory, memory, seconds

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

CORE = Machine(start=10.0, call=2e-4, products=1.5e10, moved=5e9)
# No GPU was at hand: its calls are taken to cost what a core's do, its arithmetic to be 200 times as fast.
GPU = Machine(start=30.0, call=2e-4, products=3e12, moved=1e12)
GPU_CONTEXT_MB = 1000


def data_size(plan: "Plan", experiment: str) -> tuple[Size, int]:
    """The size of an experiment's data set, and how many of its training samples are used."""
    config: Any = plan.experiments[experiment]
    size = size_of(data_of(plan, experiment), plan.data_root)
    return size, max(1, round(min(config.samples or size.train, size.train) * plan.scale.samples))


@cache
def training_request(job: Training, gpu: bool) -> Request:
    """What a training asks for, on a GPU or on one core."""
    if not gpu:
        return cpu_request(memory(job), seconds(job, CORE))
    on_device = GPU_CONTEXT_MB + math.ceil(MEMORY_SAFETY * device_memory(job) / MB)
    return Request(1, mem_mb(memory(job)), on_device, minutes(seconds(job, GPU)))
