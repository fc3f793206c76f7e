"""How much a barcode depends on the set of minima: barcodes of subsets, from the one matrix of curve values.

Nothing is trained for it (Barannikov et al. 2020, Topological obstructions, figure 7; Barannikov et al. 2022,
figure 11).
"""

import itertools
from math import comb

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from lossbars.barcodes.complex import FilteredComplex

Losses = Float[np.ndarray, " n"]
Matrix = Float[np.ndarray, "n n"]


def curve_matrix(complex_: FilteredComplex) -> tuple[list[int], Losses, Matrix]:
    """Minima, their losses, and the symmetric matrix of curve values (inf where there is no curve)."""
    minima = sorted(complex_.minima)
    place = {minimum: i for i, minimum in enumerate(minima)}
    values = np.full((len(minima), len(minima)), np.inf)
    for simplex, value in complex_.values.items():
        if len(simplex) == 2:
            i, j = (place[v] for v in simplex)
            values[i, j] = values[j, i] = value
    return minima, np.array([complex_.minima[m] for m in minima]), values


def subsets(n: int, size: int, most: int, generator: np.random.Generator) -> Int[np.ndarray, "m size"]:
    """All subsets of ``size`` of n, or ``most`` different random ones of them; rows sorted."""
    if comb(n, size) <= most:
        return np.array(list(itertools.combinations(range(n), size)))
    chosen: dict[tuple[int, ...], None] = {}
    while len(chosen) < most:
        chosen[tuple(sorted(generator.permutation(n)[:size].tolist()))] = None
    return np.array(list(chosen))


def deaths(losses: Float[np.ndarray, "m k"], values: Float[np.ndarray, "m k k"]) -> dict[str, Float[np.ndarray, "m k"]]:
    """Deaths of m sets of k minima, in the sets' own order, by both conventions; inf for the lowest.

    ``direct`` is Algorithm 1. ``merged`` takes the lowest path through any minima of the set: the same
    formula on minimax distances. Of two equal losses the earlier counts as the lower.
    """
    k = losses.shape[1]
    lower = losses[:, None, :] < losses[:, :, None]
    tied = losses[:, None, :] == losses[:, :, None]
    lower |= tied & (np.arange(k)[None, None, :] < np.arange(k)[None, :, None])
    through = values.copy()
    for i in range(k):
        through = np.minimum(through, np.maximum(through[:, :, i, None], through[:, None, i, :]))
    return {
        name: np.where(lower, heights, np.inf).min(axis=2)
        for name, heights in (("direct", values), ("merged", through))
    }


def robustness(complex_: FilteredComplex, sizes: list[int], most: int, generator: np.random.Generator) -> pd.DataFrame:
    """Barcodes of subsets of the minima: convention, size, subset, rank, minimum, birth, death.

    ``rank`` counts the subset's minima by increasing loss from 0; rank 0 has death inf.
    """
    minima, losses, values = curve_matrix(complex_)
    parts = []
    for size in sizes:
        chosen = subsets(len(minima), size, most, generator)
        order = np.argsort(losses[chosen], axis=1, kind="stable")
        chosen = np.take_along_axis(chosen, order, axis=1)
        births = losses[chosen]
        matrices = values[chosen[:, :, None], chosen[:, None, :]]
        for convention, ends in deaths(births, matrices).items():
            parts.append(_rows(convention, np.array(minima)[chosen], births, ends))
    return pd.concat(parts, ignore_index=True)


def _rows(convention: str, minima: np.ndarray, births: np.ndarray, ends: np.ndarray) -> pd.DataFrame:
    m, k = minima.shape
    return pd.DataFrame(
        {
            "convention": convention,
            "size": k,
            "subset": np.repeat(np.arange(m), k),
            "rank": np.tile(np.arange(k), m),
            "minimum": minima.ravel(),
            "birth": births.ravel(),
            "death": ends.ravel(),
        }
    )
