"""Whether the places where training and polish ended are minima, as far as residues tell."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from lossbars.plots.bars import RESOLVED, lengths

MINIMUM, ENDPOINT, UNDECIDED = "minimum", "endpoint", "undecided"
RULE = (
    "an endpoint has a residue of more than a tenth of its bar, or none that is known; of an undecided one the bar has "
    "not converged"
)


def climbs(bars: pd.DataFrame) -> pd.DataFrame:
    """What residues of minima are set against, from the bars of dimension 0 of one barcode: a row per minimum.

    ``bar`` is the length of its bar, ``bar_residue`` by how much the second half of the settling lowered its death, NaN
    where no curve was settled. A half-line has those of the longest bar that ends: 0 and NaN where none does. The index
    is the number of the minimum.
    """
    table = bars.assign(bar=lengths(bars)).set_index(bars["born_at"].astype(int))[["bar", "death_residue"]]
    ends = table[np.isfinite(table["bar"])]
    longest = ends.loc[ends["bar"].idxmax()] if len(ends) else pd.Series({"bar": 0.0, "death_residue": np.nan})
    table[~np.isfinite(table["bar"])] = longest
    return table.rename(columns={"death_residue": "bar_residue"})


def kinds(
    residue: Float[np.ndarray, " n"], bar: Float[np.ndarray, " n"], bar_residue: Float[np.ndarray, " n"]
) -> Shaped[np.ndarray, " n"]:
    """``minimum``, ``endpoint`` or ``undecided`` for n places with these residues and :func:`climbs`.

    ``endpoint`` where the residue is unknown or more than a tenth of the bar. Else ``minimum`` where it is at most a
    tenth of what would be left of the bar if its death fell by ``bar_residue`` once more, and ``undecided`` where that
    is not so, or is not known. Residues may be NaN.
    """
    ended = ~(residue <= RESOLVED * bar)
    sure = residue <= RESOLVED * (bar - bar_residue)
    return np.select([ended, sure], [ENDPOINT, MINIMUM], UNDECIDED)
