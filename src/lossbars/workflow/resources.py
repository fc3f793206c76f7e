"""What a job asks of the machine: the parts that all kinds of experiments share. Loads no torch."""

import math
from dataclasses import dataclass, replace

from lossbars.workflow.experiment import Resources

GROWING = ("mem_mb", "runtime")  # what is asked for is multiplied by the number of the attempt
MB = 2**20

SNAKEMAKE_MB = 400  # the two snakemakes that a job on a cluster has around its step
MEMORY_SAFETY = 1.3  # asked for over computed, of what grows with the job
TIME_SAFETY = 3
LEAST_MINUTES = 10


@dataclass(frozen=True)
class Request:
    """What a job asks for at its first attempt."""

    gpu: int
    mem_mb: int
    gpu_mem_mb: int
    runtime: int  # minutes


# Rules that train nothing: fetching SVHN used 1340 MB, a figure of a small run 250 MB, its tables 150 MB.
SHORT = {"dataset": Request(0, 2000, 0, 30), "figure": Request(0, 2000, 0, 10)}
SHORT_OTHERS = Request(0, 1000, 0, 10)


def short_request(rule: str) -> Request:
    """What a job asks for that trains nothing."""
    return SHORT.get(rule, SHORT_OTHERS)


def cpu_request(memory: int, seconds: float) -> Request:
    """What a job asks for that is computed to hold so many bytes for so many seconds on one core."""
    return Request(0, mem_mb(memory), 0, minutes(seconds))


def stated(computed: Request, *every: Resources) -> Request:
    """Configured values override computed ones; later ones win. GPU memory is asked for only with a GPU."""
    configured = {
        name: value
        for one in every
        for name, value in one.model_dump().items()
        if value is not None and (name != "gpu_mem_mb" or computed.gpu)
    }
    return replace(computed, **configured)


def mem_mb(computed: int) -> int:
    """Megabytes to ask for, of bytes that the step is computed to hold."""
    return SNAKEMAKE_MB + math.ceil(MEMORY_SAFETY * computed / MB / 100) * 100


def minutes(computed: float) -> int:
    """Minutes to ask for, of seconds that the step is computed to take."""
    return max(LEAST_MINUTES, math.ceil(TIME_SAFETY * computed / 60))
