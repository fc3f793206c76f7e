"""The tables of certified saddles: of all minima, of saddles, and of where minima of a barcode meet."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.barcodes.complex import Simplex
from lossbars.barcodes.measured import SADDLE
from lossbars.optimise.quasi_newton import REASONS
from lossbars.optimise.saddles.closure import CertifiedBarcode
from lossbars.optimise.saddles.graph import SaddleGraph
from lossbars.optimise.saddles.spectra import LOWEST, lowest_and_largest

if TYPE_CHECKING:
    from lossbars.experiments.networks.steps.certificates import Ends

NOBODY = -1  # in place of the number of a minimum or a saddle
CURVE = "curve"  # what a bar dies on, if not on a saddle
DESCENT = "descent"  # why a descent from a saddle ended: at a minimum


def minima_table(
    graph: SaddleGraph,
    ends: "Ends",
    seeds: list[int],
    places: Float[Tensor, "n d"],
    measured: Mapping[str, Tensor],
) -> pd.DataFrame:
    """A row for each minimum: what was measured, its curvature, who found it, and whether it is certified.

    ``certified``: its gradient is within the tolerance of a saddle's, and no eigenvalue is negative. The residue of a
    found minimum is by how much a step of Newton's method would lower it, at most: |g|²/2μ, with the least
    eigenvalue μ.
    """
    lowest, largest, negative = lowest_and_largest(graph.objective, places, graph.settings.exact_up_to)
    least, found = lowest[:, 0], len(places) - len(ends.seeds)
    gradient = measured["gradient_norm"].double().cpu()
    apart = torch.cdist(places, graph.minima)
    nearest = apart.masked_fill(apart <= 1e-6 * places.norm(dim=1, keepdim=True), torch.inf).amin(1)
    scale = largest * torch.where(nearest.isfinite(), nearest, 1.0)
    left = (gradient.square() / (2 * least).clamp_min(1e-300))[len(ends.seeds) :]
    same = [NOBODY if number in ends.kept else ends.name(ends.row[number]) for number in range(len(ends.seeds))]
    by = [NOBODY] * len(ends.seeds) + graph.found_by
    return pd.DataFrame({"seed": seeds} | {name: rows.cpu() for name, rows in measured.items()}).assign(
        residue=torch.cat([ends.polished["residue"].cpu().double(), left]).numpy(),
        polish_passes=ends.polished["passes"].tolist() + [0] * found,
        stopped=[REASONS[int(i)] for i in ends.polished["stopped"]] + [DESCENT] * found,
        least_eigenvalue=least.numpy(),
        certified=((gradient <= graph.settings.tolerance * scale) & (negative == 0)).numpy(),
        given=[number < ends.given for number in range(len(places))],
        same_as=same + [NOBODY] * found,
        found_by=by,
        found_on=[f"saddle {i}, from {graph.origins[i]}" if i >= 0 else "" for i in by],
    )


def saddles_table(
    graph: SaddleGraph, name: Callable[[int], int], values: tuple[Float[Tensor, " s"], Float[Tensor, " s"]]
) -> pd.DataFrame:
    """A row for each saddle: objective and data loss, what it passes and fails, its ends, and who found it.

    ``passes``: all holds; ``failures`` names what does not. ``gradient_scale`` is what the gradient's norm is compared
    with.
    """
    rows = graph.certificates
    eigenvalues = torch.tensor([c.eigenvalues for c in rows], dtype=torch.float64).reshape(len(rows), -1)
    pairs = [(name(c.ends[0]), name(c.ends[1])) if c.ends else (NOBODY, NOBODY) for c in rows]
    table = {
        "saddle": pd.Series(range(len(rows)), dtype="int64"),
        "a": pd.Series([min(pair) for pair in pairs], dtype="int64"),
        "b": pd.Series([max(pair) for pair in pairs], dtype="int64"),
        "objective": values[0].cpu(),
        "data_loss": values[1].cpu(),
        "gradient_norm": pd.Series([c.gradient for c in rows], dtype="float64"),
        "gradient_scale": pd.Series([c.scale for c in rows], dtype="float64"),
        "index": pd.Series([c.index for c in rows], dtype="int64"),
        **{f"eigenvalue_{i}": eigenvalues[:, i] for i in range(min(LOWEST, eigenvalues.shape[1]))},
        "passes": pd.Series([c.passes for c in rows], dtype="bool"),
        "failures": pd.Series([", ".join(c.failures) for c in rows], dtype="str"),
        "found_by": pd.Series(graph.origins, dtype="str"),
    }
    return pd.DataFrame(table)


def joins_table(
    graph: SaddleGraph, result: CertifiedBarcode, name: Callable[[int], int], saddles: pd.DataFrame
) -> pd.DataFrame:
    """A row for each edge of the barcodes ``given`` and ``closed``: the saddle, or the curve, that it is.

    ``residue`` is 0 at a saddle, and not known on a curve.
    """
    numbers = {id(certificate): i for i, certificate in enumerate(graph.certificates)}
    closed = {edge: edge for edge in result.complex.values if len(edge) == 2}
    rows = [
        _join(barcode, edge, of, numbers, graph, result, name, saddles)
        for barcode, edges in (("given", result.given_edges), ("closed", closed))
        for edge, of in edges.items()
    ]
    columns = {"barcode": "str", "a": "int64", "b": "int64", "objective": "float64", "by": "str", "saddle": "int64"}
    return pd.DataFrame(rows, columns=[*columns, "residue"]).astype(columns | {"residue": "float64"})


def _join(
    barcode: str,
    edge: Simplex,
    of: Simplex,
    numbers: Mapping[int, int],
    graph: SaddleGraph,
    result: CertifiedBarcode,
    name: Callable[[int], int],
    saddles: pd.DataFrame,
) -> tuple[str, int, int, float, str, int, float]:
    """One row: the edge of a barcode, and the edge of all minima that it is."""
    a, b = sorted(name(end) for end in edge)
    if certificate := graph.edges.get(of):
        number = numbers[id(certificate)]
        return barcode, a, b, float(saddles["objective"].iloc[number]), SADDLE, number, 0.0
    return barcode, a, b, result.complex.values[of], CURVE, NOBODY, float("nan")
