"""Significant bars, places and matched bars, from the tables of experiments on functions: for figures and claims.

A row of ``bars`` is a bar: model, source (``cloud``, or ``direct`` and ``merged`` for optimised curves), seed, birth,
death (inf for a half-line), size, the minimum's place x0, x1, … and the saddle's s0, s1, …
"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from lossbars.plots.bars import SHARE, lengths, longest

LARGE = 1e-3  # in many dimensions noise is long: there a bar counts whose cluster has this part of all points
TOLERANCE = 0.02  # numbers agree that differ by no more than this part of the longest finite bar


def significant(bars: pd.DataFrame) -> pd.DataFrame:
    """The half-lines, and the finite bars longer than ``SHARE`` of the longest finite one."""
    return bars[lengths(bars) > SHARE * longest(bars)].reset_index(drop=True)


def large(bars: pd.DataFrame) -> pd.DataFrame:
    """The half-lines and the bars whose cluster at their death has ``LARGE`` of all points; all of optimised curves."""
    clusters = bars["size"] >= LARGE * bars["n"]
    return bars[clusters | np.isinf(bars["death"]) | (bars["source"] != "cloud")].reset_index(drop=True)


def places(bars: pd.DataFrame, letter: str = "x") -> Float[np.ndarray, "b D"]:
    """Places of the minima (``x``) or of the saddles (``s``): as many coordinates as any of these bars has."""
    coordinates = bars[_coordinates(bars, letter)].to_numpy(dtype=np.float64)
    return coordinates[:, ~np.isnan(coordinates).all(axis=0)]


def _coordinates(bars: pd.DataFrame, letter: str) -> list[str]:
    return [column for column in bars if column[0] == letter and column[1:].isdigit()]


def matched(one: pd.DataFrame, other: pd.DataFrame) -> Int[np.ndarray, "k 2"]:
    """Row numbers of the bars that belong together: the matching with the least sum of roots of distances.

    The distance of two finite bars is the larger of the differences of births and of deaths, and that of a bar to
    none half its length. Roots prefer one large error among exact matches to several small ones. Half-lines are
    matched in the order of birth. Places play no part: equally low minima of a symmetric function may change their
    roles from one barcode to another.
    """
    ends = [np.isfinite(table["death"].to_numpy()) for table in (one, other)]
    finite_rows, endless = zip(*[(np.flatnonzero(end), np.flatnonzero(~end)) for end in ends], strict=True)
    in_order = [rows[np.argsort(t["birth"].to_numpy()[rows])] for t, rows in zip((one, other), endless, strict=True)]
    pairs = list(zip(*in_order, strict=False))
    diagrams = [t[["birth", "death"]].to_numpy()[rows] for t, rows in zip((one, other), finite_rows, strict=True)]
    pairs += [(finite_rows[0][i], finite_rows[1][j]) for i, j in _assigned(*diagrams)]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _assigned(one: Float[np.ndarray, "m 2"], other: Float[np.ndarray, "n 2"]) -> list[tuple[int, int]]:
    m, n = len(one), len(other)
    cost = np.zeros((m + n, n + m))  # the last m columns and n rows stand for the diagonal
    cost[:m, :n] = cdist(one, other, "chebyshev")
    cost[:m, n:] = (one[:, 1] - one[:, 0])[:, None] / 2
    cost[m:, :n] = (other[:, 1] - other[:, 0])[None] / 2
    rows, columns = linear_sum_assignment(np.sqrt(cost))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if i < m and j < n]


def side_by_side(cloud: pd.DataFrame, merged: pd.DataFrame, direct: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row per bar of a cloud and its match among those of optimised curves: half-lines, then by birth.

    Columns birth, death (the cloud's), birth_curves, death_curves, death_direct (where the best single curve of the
    same minimum ends its bar), NaN where one of the two has no such bar, and agrees: both differ by ``TOLERANCE`` of
    the longest finite bar of the cloud at most. Bars of the cloud no longer than ``SHARE`` of it are its noise: they
    may be matched, but are no row alone.
    """
    reach = longest(cloud)
    merged = merged.assign(death_direct=np.nan if direct is None else _ends_of(direct, merged))
    candidates = cloud[lengths(cloud) > SHARE / 2 * reach].reset_index(drop=True)  # a match may be a little shorter
    pairs = matched(candidates, merged)
    left = pd.DataFrame({"one": range(len(candidates)), "birth": candidates["birth"], "death": candidates["death"]})
    right = merged[["birth", "death", "death_direct"]].reset_index(drop=True)
    right = right.rename(columns={"birth": "birth_curves", "death": "death_curves"}).assign(other=range(len(merged)))
    rows = left.merge(pd.DataFrame(pairs, columns=["one", "other"]), "left", "one").merge(right, "outer", "other")
    noise = rows["birth_curves"].isna() & (rows["death"] - rows["birth"] <= SHARE * reach)
    rows = rows[~noise].drop(columns=["one", "other"])
    off = [_difference(rows[name], rows[f"{name}_curves"]) for name in ("birth", "death")]
    rows["agrees"] = np.maximum(*off) <= TOLERANCE * reach
    endless = np.isinf(rows["death"]) | np.isinf(rows["death_curves"])
    lower = rows[["birth", "birth_curves"]].min(axis=1)
    return rows.iloc[np.lexsort([lower, ~endless])].reset_index(drop=True)


def _ends_of(direct: pd.DataFrame, merged: pd.DataFrame) -> Float[np.ndarray, " b"]:
    """Death of the direct bar of each merged bar's minimum; NaN where it has none."""
    minimum = ["birth", *_coordinates(merged, "x")]
    ends = direct[[*minimum, "death"]].drop_duplicates(minimum)
    return merged[minimum].merge(ends, "left", minimum)["death"].to_numpy()


def _difference(one: pd.Series, other: pd.Series) -> Float[np.ndarray, " b"]:
    """|one − other|; 0 for two infinite deaths, and inf where one is NaN."""
    a, b = one.to_numpy(dtype=np.float64), other.to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf))
