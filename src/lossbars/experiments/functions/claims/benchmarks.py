"""Claims about barcodes of functions (Barannikov et al. 2020, Barcodes as summary, §4),
judged by the tables of a run.

Bars are those of the cloud with the lowest number; what is no longer than ``SHARE`` of the longest finite bar is noise.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from lossbars.claims.claim import NO_NUMBER, UNMEASURED, Check, Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import OURS, SUMMARY
from lossbars.experiments.functions.bar_tables import TOLERANCE, places, side_by_side, significant
from lossbars.experiments.functions.claims.results import NOISE, ONE_COMPONENT, WITHIN, FunctionResults
from lossbars.functions.critical_points import SIX_HUMP_CAMEL_MINIMA, SIX_HUMP_CAMEL_SADDLES
from lossbars.plots.bars import SHARE, finite, lengths, longest

SYMMETRIES = np.array([[[a, 0], [0, b]] for a in (1, -1) for b in (1, -1)])
DIHEDRAL = np.concatenate([SYMMETRIES, SYMMETRIES[:, ::-1]])  # (8, 2, 2): the group D4 of the square


def on(name: str, check: Callable[[FunctionResults, pd.DataFrame], Finding]) -> Check:
    """``check`` of the significant bars of the model of a benchmark function; not measured without one."""

    def checked(results: FunctionResults) -> Finding:
        for model in results.with_landscape(kind="function", name=name):
            if len(bars := significant(results.barcode(model))):
                return check(results, bars)
        return unmeasured(f"a barcode of {name}")

    return checked


# Functions of two variables ----------------------------------------------------------------------


def known_camel() -> pd.DataFrame:
    """The exact barcode: its first five saddles end bars in the order of their minima (critical_points.py)."""
    births = [value for _, value in SIX_HUMP_CAMEL_MINIMA]
    ends = [value for _, value in SIX_HUMP_CAMEL_SADDLES[: len(births) - 1]]
    return pd.DataFrame({"birth": births, "death": [np.inf, *ends]})


def camel_bars(results: FunctionResults, bars: pd.DataFrame) -> Finding:
    """Whether each bar is one of the exact ones, and none is missing."""
    rows = side_by_side(bars, known_camel())
    known = rows[np.isfinite(rows["death"]) & np.isfinite(rows["death_curves"])]
    off = [(known[end] - known[f"{end}_curves"]).abs().max() for end in ("birth", "death")]
    ends = bars.sort_values("birth")[["birth", "death"]].to_numpy()
    text = ", ".join(f"[{number(b)}, {'∞)' if np.isinf(d) else f'{number(d)}]'}" for b, d in ends)
    agree = f"{int(rows['agrees'].sum())} of {len(rows)} agree {WITHIN}"
    detail = f"largest error {number(max(off), 2)}; {agree}; {NOISE}" if len(known) else f"{agree}; {NOISE}"
    return Finding(text, results.judged(bool(rows["agrees"].all())), detail)


def count_is(results: FunctionResults, bars: pd.DataFrame, count: int) -> Finding:
    """Whether there are so many bars: one for each minimum."""
    return Finding(f"{len(bars)} bars", results.judged(len(bars) == count), NOISE)


def deaths_are(results: FunctionResults, bars: pd.DataFrame, value: float) -> Finding:
    """Whether every finite bar ends at ``value``."""
    off = (finite(bars)["death"] - value).abs()
    near = off <= TOLERANCE * longest(bars)
    detail = f"largest difference {number(off.max(), 2) if len(off) else '—'}, {WITHIN}; {NOISE}"
    text = f"{int(near.sum())} of {len(off)} finite bars"
    return Finding(text, results.judged(bool(len(off) and near.all())), detail)


def multiplets(results: FunctionResults, bars: pd.DataFrame) -> Finding:
    """Whether minima that a symmetry of the square maps to each other have equal bars, in orbits of 1, 4 or 8."""
    values, near = bars[["birth", "death"]].to_numpy(), TOLERANCE * longest(bars)
    sizes, orbits = Counter[int](), _orbits(places(bars))
    for orbit in {orbit for orbit in orbits if orbit}:
        several = values[list(orbit)]
        with np.errstate(invalid="ignore"):
            equal = (np.abs(several - several[0]) <= near) | (several == several[0])
        if equal.all() and all(orbits[i] == orbit for i in orbit):
            sizes[len(orbit)] += 1
    count = sum(size * times for size, times in sizes.items())
    text = ", ".join(f"{times} of {size}" for size, times in sorted(sizes.items()))
    detail = f"orbits of equal bars {WITHIN}: {text or 'none'}; {NOISE}"
    holds = count == len(bars) and set(sizes) <= {1, 4, 8}
    return Finding(f"{count} of {len(bars)} bars", results.judged(holds), detail)


def _orbits(minima: np.ndarray) -> list[frozenset[int]]:
    """The orbit of each of (b, 2) places, as row numbers; empty where an image of it has no minimum nearby."""
    tree = KDTree(minima)
    gap = tree.query(minima, k=2)[0][:, 1].min() if len(minima) > 1 else np.inf
    away, images = tree.query(np.einsum("gij,bj->bgi", DIHEDRAL, minima))
    near = (away < gap / 4).all(axis=1)
    return [frozenset(rows.tolist()) if ok else frozenset() for rows, ok in zip(images, near, strict=True)]


def not_the_nearest(results: FunctionResults, bars: pd.DataFrame) -> Finding:
    """Whether a minimum's saddle is not the nearest to it of all saddles that end bars."""
    ends = finite(bars)
    if ends.empty:
        return unmeasured("finite bars")
    minima, saddles = places(ends), places(ends, "s")
    distance = np.linalg.norm(minima - saddles, axis=1)
    nearest = KDTree(saddles).query(minima)[0]
    further = distance > nearest * (1 + 1e-9)
    detail = f"straight distances, among the saddles of these bars; {NOISE}"
    return Finding(f"{int(further.sum())} of {len(ends)} minima", results.judged(bool(further.any())), detail)


# Any functions -----------------------------------------------------------------------------------


def ways_agree(results: FunctionResults) -> Finding:
    """Whether the bars of optimised curves are those of the cloud."""
    texts, agree = {}, True
    for model in results.models:
        cloud, merged = results.barcode(model), results.barcode(model, "merged")
        if len(cloud) and len(merged):
            rows = side_by_side(cloud, merged)
            alone = [int(rows[column].isna().sum()) for column in ("birth_curves", "birth")]
            extra = f" ({alone[0]} by the cloud only, {alone[1]} by the curves only)" if any(alone) else ""
            texts[model] = f"{int(rows['agrees'].sum())} of {len(rows)}{extra}"
            agree &= bool(rows["agrees"].all())
    detail = f"matched bars that agree {WITHIN}; {NOISE}"
    return results.finding(texts, agree, detail, "a cloud and optimised curves of one function")


def noise_share(results: FunctionResults) -> Finding:
    """How many bars are noise: of the cloud with the lowest number of each model."""
    texts = {}
    for model in results.models:
        if len(bars := results.barcode(model)):
            noise, gone = int((lengths(bars) <= SHARE * longest(bars)).sum()), int(bars["dropped"].max())
            noise, every = noise + gone, len(bars) + gone
            texts[model] = f"{noise} of {every} bars, {number(100 * noise / bars['n'].iloc[0], 2)} % of the points"
    return Finding(results.each(texts) or "—", NO_NUMBER if texts else UNMEASURED, NOISE)


# What the papers say -----------------------------------------------------------------------------

FUNCTION_CLAIMS: Claims = [
    judged_by(
        on("six_hump_camel", partial(count_is, count=6)),
        "camel-minima",
        "HumpCamel6 has 6 local minima on [−2, 2] × [−1.5, 1.5].",
        f"{SUMMARY}, §4.1.1, fig. 2",
        "6",
    ),
    judged_by(
        on("six_hump_camel", camel_bars),
        "camel-bars",
        "Barcode of HumpCamel6, against its critical points by Newton's method in 40 digits.",
        f"{SUMMARY}, §4.1.1, fig. 2c; the numbers follow from the formula",
        "[−1.0316, ∞), [−1.0316, 0], twice [−0.2155, 0.5437], twice [2.1043, 2.2294]",
    ),
    judged_by(
        on("langermann", not_the_nearest),
        "langermann-nearest",
        "The saddle that ends a minimum's bar is not necessarily the nearest one (Langermann).",
        f"{SUMMARY}, §4.1.1, fig. 3b",
        "for many minima",
    ),
    judged_by(
        on("wavy", multiplets),
        "wavy-multiplets",
        "The bars of Wavy come in multiplets of its symmetry group D4.",
        f"{SUMMARY}, §4.1.1, fig. 4",
        "all",
    ),
    judged_by(
        on("holder_table", partial(deaths_are, value=0.0)),
        "holder-table-deaths",
        "Every finite bar of HolderTable ends at 0.",
        f"{SUMMARY}, §4.1.1, fig. 5c; follows from the formula, with its outer absolute value",
        "0",
    ),
    ONE_COMPONENT,
    judged_by(noise_share, "noise", "Bars that the sampling makes.", OURS),
    judged_by(ways_agree, "two-ways", "Optimised curves (merged bars) find the barcode that the cloud has.", OURS),
]
