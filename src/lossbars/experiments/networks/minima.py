"""All minima of an experiment in one table: how good they are, whether they are minima, and how long their bars."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lossbars.barcodes.barcode import CLOSED_CERTIFIED
from lossbars.experiments.networks.duplicates import distances, permuted_distances, same_as, symmetry_of
from lossbars.experiments.networks.endpoints import ENDPOINT, MINIMUM, climbs, kinds
from lossbars.workflow.artefacts import made_by, read_records
from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

CURVATURE = ("least_eigenvalue", "eigenvalue_error", "falls_along_it", "hessian_products")


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per minimum: the columns of the models' tables, their curvature, and what minima are beside each other.

    ``bar`` is the length of its direct bar, for a half-line that of the longest finite one; ``bar_residue`` by how much
    the second half of the settling lowered that bar's death (NaN where no curve was settled); ``nearest`` the distance
    to the nearest other minimum of the model (Euclidean, of parameters as they are), ``nearest_permuted`` the smallest
    to which a permutation of hidden units brings another one, as far as matching finds it (NaN where no permutations
    are known). ``same_as`` names the first minimum before it that is the same point; see
    :func:`lossbars.experiments.networks.duplicates.same_as`. ``is``: see :func:`_kinds`.
    Of minima that descents from curves found, which have rows after the given ones of a model, ``found_on`` names the
    curve and the place on it, ``bar`` is that of the closed barcode, and the curvature is not measured. After them come
    the minima that descents from saddles found.
    """
    minima, bars = work.tables("minima"), work.table("bars")
    minima = _with_curvature(minima, work.tables("curvature"))
    units = {made_by(path).model: read_records(path, work.keys("units")) for path in work.files("units")}
    found, certified = work.tables("found"), work.tables("certified")
    parts = []
    for model, rows in minima.groupby("model", sort=False):
        of_model = bars[(bars["model"] == model) & (bars["convention"] == "direct") & (bars["dim"] == 0)]
        theta = _places(work, str(model), rows["seed"])
        plain, permuted = distances(theta), None
        if groups := units.get(str(model)):
            symmetry = symmetry_of(groups, theta.shape[1])
            permuted = permuted_distances(theta, symmetry, work.experiment, str(model), "nearest")
        parts.append(
            rows.assign(
                **_bars(of_model, rows["seed"]),
                nearest=plain.amin(1).tolist(),
                nearest_permuted=np.nan if permuted is None else permuted.amin(1).tolist(),
                same_as=same_as(rows, theta, plain, permuted),
                found_on="",
            )
        )
        if "seed" in found and (new := found[found["model"] == model]).size:
            of_closed = bars[(bars["model"] == model) & (bars["convention"] == "merged-closed") & (bars["dim"] == 0)]
            places = _places(work, str(model), new["seed"], "found_parameters")
            parts.append(_found(new, theta, places, _bars(of_closed, new["seed"])))
        of_search = certified[certified["model"] == model]
        if "found_by" in certified and (of_search["found_by"] >= 0).any():
            parts.append(_certified(work, of_search, bars[bars["model"] == model]))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(**{"is": _kinds(table)}).drop(columns="certified", errors="ignore")


def _kinds(table: pd.DataFrame) -> np.ndarray:
    """What each place is: by its residue; an endpoint where the objective falls along an eigenvector; or certified.

    The gradient of a certified minimum is below tolerance, and its Hessian has no negative eigenvalue.
    """
    by_residues = kinds(*(table[name].to_numpy(np.float64) for name in ("residue", "bar", "bar_residue")))
    certified = np.zeros(len(table), dtype=bool)
    if "certified" in table:
        certified |= table["certified"] == True  # noqa: E712 (empty for those that were not looked at)
    return np.select([certified, table["falls_along_it"] > 0], [MINIMUM, ENDPOINT], by_residues)


def _found(rows: pd.DataFrame, given: Tensor, theta: Tensor, bars: dict[str, pd.Series]) -> pd.DataFrame:
    """Rows of minima that descents from curves found; their bars are those of the closed barcode."""
    apart = torch.cat([torch.cdist(theta, given), distances(theta)], dim=1)
    on = [
        f"{a}+{b} ({by}), t = {t:.3g}"
        for by, a, b, t in zip(rows["found_by"], rows["found_a"], rows["found_b"], rows["found_at"], strict=True)
    ]
    columns = {**bars, "nearest": apart.amin(1).tolist(), "same_as": "", "found_on": on}
    unknown = dict.fromkeys((*CURVATURE, "nearest_permuted"), np.nan) | {"no_curvature": ""}
    return rows.drop(columns=["found_by", "found_a", "found_b", "found_at"]).assign(**columns, **unknown)


def _certified(work: Work[Any], every: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """Rows of minima of a model that descents from saddles found; bars are those of the closed barcode with saddles.

    Their distances are to all minima that the search for saddles knew, of which the given ones are polished.
    """
    rows = every[every["found_by"] >= 0]
    theta = _places(work, str(rows["model"].iloc[0]), every["seed"], "certified_parameters")
    nearest = distances(theta).amin(1)[-len(rows) :].tolist()
    columns = {"same_as": "", "no_curvature": "", "nearest": nearest, "falls_along_it": 0.0}
    of_closed = bars[(bars["convention"] == f"merged{CLOSED_CERTIFIED}") & (bars["dim"] == 0)]
    unknown = dict.fromkeys(("eigenvalue_error", "hessian_products", "nearest_permuted"), np.nan)
    dropped = rows.drop(columns=["given", "found_by"])
    return dropped.assign(**_bars(of_closed, rows["seed"]), **columns, **unknown)


def _with_curvature(minima: pd.DataFrame, curvature: pd.DataFrame) -> pd.DataFrame:
    """The columns of the curvature beside those of the minima; NaN, with the reason, where it was not asked for."""
    if "seed" in curvature:
        return minima.merge(curvature, on=["model", "seed"], how="left").fillna({"no_curvature": ""})
    return minima.assign(**dict.fromkeys(CURVATURE, np.nan), no_curvature="")


def _bars(bars: pd.DataFrame, seeds: pd.Series) -> dict[str, pd.Series]:
    """Columns of :func:`lossbars.experiments.networks.endpoints.climbs` for minima."""
    table = climbs(bars)
    return {str(name): seeds.map(column) for name, column in table.items()}


def _places(work: Work[Any], model: str, seeds: pd.Series, option: str = "parameters") -> Tensor:
    """θ (n, d) of the minima of a model, float64."""
    places: dict[int, Tensor] = {}
    for job, tensors, _ in work.all_tensors(option):
        if job.model == model:
            places |= dict(zip(tensors["seeds"].tolist(), tensors["theta"].double(), strict=True))
    return torch.stack([places[seed] for seed in seeds])
