"""The least eigenvalue of the Hessian of the objective at the minima of one block of seeds, and the network's units."""

from dataclasses import asdict
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lossbars.experiments.networks.settings import CurvatureSettings
from lossbars.experiments.networks.steps.common import ERRORS, keep, read_minima  # noqa: F401 (workflow.run reads them)
from lossbars.hessian.least_eigenvalue import LeastEigenvalues, falls_along, least_eigenvalues
from lossbars.landscapes.network.hessian import NoSecondDerivative, RecordHessian, rows_kept
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.optimise.descent import State
from lossbars.optimise.stages import Stages
from lossbars.optimise.stopping import Stopped
from lossbars.seeding import generator
from lossbars.symmetry.permutations import find_symmetry
from lossbars.workflow.training_step import begin, saved_on_stop
from lossbars.workflow.work import Work

UNKEPT = 4  # times as much a product costs whose graphs are not kept, at most: so many fewer are made
SAMPLES = 4  # of the forward pass that finds the units
NAMES = ("least_eigenvalue", "eigenvalue_error", "falls_along_it", "hessian_products")


def step(work: Work[CurvatureSettings]) -> None:
    """Write a row for each minimum, and the groups of units that may be permuted.

    ``least_eigenvalue`` and ``eigenvalue_error`` are those of
    :class:`lossbars.hessian.least_eigenvalue.LeastEigenvalues`, with λ of the objective included;
    ``falls_along_it`` is by how much the objective falls along the eigenvector where it bends down, 0 where it does
    not; ``hessian_products`` counts products of this minimum. ``no_curvature`` says why there are none, and is empty
    where there are: the other columns are NaN then.
    """
    training = begin(work, work.settings.batch_size)
    landscape = training.landscape
    minima = read_minima(work)
    theta, reason = torch.stack(list(minima.values())).to(landscape.device), ""
    try:
        with saved_on_stop(training.checkpoint):
            columns = _curvature(work, landscape, theta, Stages(training.checkpoint))
    except NoSecondDerivative as error:
        columns, reason = {name: torch.full((len(theta),), torch.nan) for name in NAMES}, str(error)
        work.report(f"no eigenvalue: {reason}")
    table = pd.DataFrame({"seed": list(minima)} | {name: values.cpu() for name, values in columns.items()})
    work.write_table("table", table.assign(no_curvature=reason))
    work.write_records("records", _units(work, landscape))


def _curvature(work: Work[CurvatureSettings], landscape: NetworkLandscape, theta: Tensor, stages: Stages) -> State:
    """The columns, of as many networks at a time as are best; a stopped job keeps those that it has."""
    kept = rows_kept(landscape, theta.dtype)
    size = min(landscape.stack_size, max(1, kept))
    parts = []
    for first in range(0, len(theta), size):
        rows = theta[first : first + size]
        of_rows = partial(_of_rows, work, landscape, rows, first)
        parts.append(stages.run(f"from {first}", of_rows))
        work.report(f"{first + len(rows)} of {len(theta)} minima")
        if stages.checkpoint and (stages.checkpoint.due() or stages.checkpoint.stopping):
            stages.checkpoint.save(stages.kept)
            if stages.checkpoint.stopping and first + len(rows) < len(theta):
                raise Stopped(f"stopped after {first + len(rows)} of {len(theta)} minima; run it again to go on")
    return {name: torch.cat([part[name] for part in parts]) for name in NAMES}


def _of_rows(work: Work[CurvatureSettings], landscape: NetworkLandscape, theta: Tensor, first: int, _: Any) -> State:
    """The columns of some minima, all at once."""
    decay, most = work.settings.weight_decay, work.settings.curvature.products
    hessian = RecordHessian(landscape, theta)
    random = generator(work.experiment, work.model, "curvature", work.part, first)
    found: LeastEigenvalues = least_eigenvalues(
        lambda vectors: hessian(vectors) + decay * vectors,
        theta,
        most if hessian.keeps else max(1, most // UNKEPT),
        random,
    )
    falls = falls_along(objective(landscape, decay).loss, theta, found.vector)
    products = torch.full((len(theta),), float(found.products))
    columns = (found.value, found.error, falls.cpu(), products)
    # copies: a single number of a row has the stride of its matrix, of which a checkpoint cannot be written
    return {name: c.clone(memory_format=torch.contiguous_format) for name, c in zip(NAMES, columns, strict=True)}


def _units(work: Work[CurvatureSettings], landscape: NetworkLandscape) -> list[dict[str, Any]]:
    """A record for each group of units that may be permuted; none where no symmetry of the network is known."""
    try:
        symmetry = find_symmetry(landscape.module, landscape.train.x[:SAMPLES])
    except ValueError as error:
        work.report(f"no permutations of units are known: {error}")
        return []
    return [asdict(group) for group in symmetry.groups]
