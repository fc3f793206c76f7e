"""All minima of an experiment in one table: how good they are, how far from converged, and how long their bars."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from lossbars.plots.bars import RESOLVED, finite, lengths, longest
from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

MINIMUM, ENDPOINT = "minimum", "endpoint"


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per minimum: the columns of the models' tables, and what the minima are beside each other.

    ``bar`` is the length of its direct bar, for a half-line that of the longest finite one; ``nearest`` the distance to
    the nearest other minimum of the model (Euclidean, of parameters as they are). ``is`` says ``minimum`` where its
    residue is at most a tenth of its bar, and ``endpoint`` where it is more, or not known.
    """
    minima, bars = work.tables("minima"), work.table("bars")
    parts = []
    for model, rows in minima.groupby("model", sort=False):
        of_model = bars[(bars["model"] == model) & (bars["convention"] == "direct") & (bars["dim"] == 0)]
        parts.append(
            rows.assign(bar=rows["seed"].map(_bars(of_model)), nearest=_nearest(work, str(model), rows["seed"]))
        )
    table = pd.concat(parts, ignore_index=True)
    known = table["residue"] <= RESOLVED * table["bar"]
    return table.assign(**{"is": np.where(known, MINIMUM, ENDPOINT)})


def _bars(bars: pd.DataFrame) -> dict[int, float]:
    """Minimum → length of its bar; of a half-line, of the longest bar that ends."""
    climbs = np.where(np.isfinite(bars["death"]), lengths(bars), longest(finite(bars)))
    return dict(zip(bars["born_at"].astype(int), climbs, strict=True))


def _nearest(work: Work[Any], model: str, seeds: pd.Series) -> list[float]:
    """Distance of each minimum to the nearest other one of its model."""
    places: dict[int, torch.Tensor] = {}
    for job, tensors, _ in work.all_tensors("parameters"):
        if job.model == model:
            places |= dict(zip(tensors["seeds"].tolist(), tensors["theta"].double(), strict=True))
    theta = torch.stack([places[seed] for seed in seeds])
    apart = torch.cdist(theta, theta) + torch.diag(torch.full((len(theta),), torch.inf, dtype=theta.dtype))
    return apart.amin(1).tolist()
