"""What the steps on functions share: the landscape of a job, its progress, and tables of bars."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from pydantic import TypeAdapter

from lossbars.landscape import Landscape
from lossbars.landscapes.make import Box, make_landscape
from lossbars.landscapes.specs import LandscapeSpec
from lossbars.workflow.job import Job


def read_landscape(job: Job) -> tuple[Landscape, Box]:
    """The landscape of the job's recipe, and its box."""
    spec: Any = TypeAdapter(LandscapeSpec).validate_python(job.recipe["landscape"])
    return make_landscape(spec)


def say(job: Job, part: str, text: str) -> None:
    """Print progress, a line, with the job's name before it."""
    name = " ".join(filter(None, (f"{job.experiment}/{job.model}", job.kind, part)))
    print(f"[{name}] {text}", file=sys.stderr, flush=True)


def bar_table(
    numbers: Mapping[str, Any], minima: Float[np.ndarray, "b D"], saddles: Float[np.ndarray, "b D"]
) -> pd.DataFrame:
    """A row per bar: ``numbers``, then the places x0, … of its minimum and s0, … of its saddle."""
    places = {f"{letter}{i}": own[:, i] for letter, own in (("x", minima), ("s", saddles)) for i in range(own.shape[1])}
    return pd.DataFrame(dict(numbers) | places)
