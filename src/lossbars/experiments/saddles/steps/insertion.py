"""One path before and after points are inserted (Barannikov et al. 2020, Topological obstructions, fig. 10)."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from lossbars.experiments.saddles.config import InsertionSettings
from lossbars.functions.benchmarks import Function
from lossbars.landscapes.make import make_landscape
from lossbars.optimise.descent import Diverged
from lossbars.optimise.flow import flow
from lossbars.seeding import generator
from lossbars.workflow.work import Work

ERRORS = (Diverged,)
BETWEEN = 50  # places on each segment where the loss is looked at


def step(work: Work[InsertionSettings]) -> None:
    """Write a row per point of the path at each stage: stage, epoch, point, x, y, loss, segment.

    A stage is the flow from its start to where points would be inserted next, or to its end; ``segment`` is the largest
    loss on the segment to the next point, NaN for the last one.
    """
    torch.set_num_threads(work.threads)
    function, _ = make_landscape(work.settings.landscape)
    assert isinstance(function, Function)
    stages = work.settings.insertion
    if bad := [i for i in stages.minima if i >= len(function.minima)]:
        count = len(function.minima)
        raise ValueError(f"insertion.minima: {function.name} has no minimum {bad[0]}: known are 0 to {count - 1}")
    corners = torch.tensor([[function.minima[i][0] for i in stages.minima]], dtype=torch.float64)
    assert stages.path.family.insertion
    every = stages.path.family.insertion.every
    parts = []
    for stage, epochs in enumerate([*range(every, stages.path.epochs, every), stages.path.epochs]):
        part = stages.path.model_copy(update={"epochs": epochs})
        order = generator(work.experiment, work.model, "insertion", "order")
        (path,) = flow(function, corners, part, order, ["the path"]).paths
        parts.append(_points(function, path).assign(stage=stage, epoch=epochs))
    work.write_table("table", pd.concat(parts, ignore_index=True))


def _points(function: Function, path: Float[torch.Tensor, "k 2"]) -> pd.DataFrame:
    share = torch.linspace(0, 1, BETWEEN + 2, dtype=path.dtype)[:, None, None]
    places = torch.lerp(path[:-1], path[1:], share)
    segment = function.loss(places.flatten(0, 1)).view(len(share), -1).amax(0)
    columns = {"point": np.arange(len(path)), "x": path[:, 0].numpy(), "y": path[:, 1].numpy()}
    return pd.DataFrame(columns | {"loss": function.loss(path).numpy(), "segment": [*segment.tolist(), np.nan]})
