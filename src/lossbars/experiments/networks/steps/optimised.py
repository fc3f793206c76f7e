"""What the steps of curves and triangles share: exact corners, columns of what was measured, a last line."""

import math
from typing import Any

from lossbars.landscape import Landscape
from lossbars.optimise.connect import connect
from lossbars.simplices.simplex import Profile, Simplices
from lossbars.workflow.work import Work


def connected(landscape: Landscape, start: Simplices, *how: Any) -> Simplices:
    """Simplices trained in float32 as by :func:`lossbars.optimise.connect.connect`, in the precision of the minima.

    What does not move, corners and fixed sides, is that of ``start``, to the bit.
    """
    end = connect(landscape, Simplices(start.family, start.nodes.float()), *how)
    nodes = start.nodes.clone()
    free = list(start.family.free)
    nodes[:, free] = end.nodes[:, free].to(nodes)
    return Simplices(start.family, nodes)


def losses_of(profile: Profile, residue: float = math.nan) -> dict[str, Any]:
    """Columns of a table that has a row for each place of a profile.

    ``residue`` is by how much the second half of an optimisation lowered the maximum; NaN if it is not known.
    """
    return {"objective": profile.loss, "data_loss": profile.data_loss, "residue": residue}


def report_maxima(work: Work[Any], measured: list[Profile]) -> None:
    """Say between which values the largest losses lie, and of curves what may lie between the places."""
    values: list[float] = [profile.value for profile in measured]
    curves = [profile.unseen for profile in measured if profile.t.shape[1] == 1]
    between = f", between places up to {max(curves):.2g} higher if smooth" if curves else ""
    work.report(f"maxima {min(values):.4g} to {max(values):.4g}{between}")
