"""Levels of the minima of a transformer, and the barriers between them (Barannikov et al. 2022, §7)."""

from math import comb

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNDECIDED, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V3
from lossbars.claims.verdicts import together
from lossbars.experiments.networks.claims.results import Results, in_figure, maxima_of, unmeasured
from lossbars.networks.specs import GPTSpec

RARE, COMMON = 0.05, 0.5  # chances below and above which a gap is one, and is none


def losses_of(results: Results) -> dict[str, pd.Series]:
    """Model → losses of its minima by seed, the lowest first, of transformers with three minima or more."""
    losses = {}
    for key, model in results.models.items():
        minima = results.minima[results.minima["model"] == key]
        if isinstance(model.network, GPTSpec) and len(minima) > 2:
            losses[key] = minima.set_index("seed")["objective"].sort_values(kind="stable")
    return losses


def gap_chance(share: float, spacings: int) -> float:
    """Chance that the largest of ``spacings`` takes ``share`` of a range into which points fall uniformly.

    The points are independent, ``spacings`` − 1 of them between two fixed ends.
    """
    terms = (
        (-1) ** (k + 1) * comb(spacings, k) * max(0.0, 1 - k * share) ** (spacings - 1) for k in range(1, spacings + 1)
    )
    return float(sum(terms))


def two_levels(results: Results) -> Finding:
    """Whether the minima's losses split in two levels: the largest gap against those of evenly scattered losses."""
    texts, verdicts = {}, []
    for model, losses in losses_of(results).items():
        values = losses.to_numpy(dtype=np.float64)
        cut = _cut(values)
        gap, reach = values[cut] - values[cut - 1], values[-1] - values[0]
        chance = gap_chance(gap / reach if reach else 0.0, len(values) - 1)
        verdicts.append(HOLDS if chance < RARE else FAILS if chance > COMMON else UNDECIDED)
        low, high = (_span(side) for side in (values[:cut], values[cut:]))
        texts[model] = f"{low} and {high}, gap {number(gap, 3)}, chance {number(chance, 2)}"
    if not texts:
        return unmeasured("three minima of a transformer")
    detail = (
        "spans of the losses on either side of the largest gap; chance of as large a share of the range if losses fell "
        f"uniformly between the lowest and the highest: holds below {RARE}, does not hold above {COMMON}"
    )
    return Finding(results.each(texts), results.qualified(together(verdicts)), detail)


def _cut(values: np.ndarray) -> int:
    """Number of the sorted values below their largest gap."""
    return int(np.diff(values).argmax()) + 1


def _span(values: np.ndarray) -> str:
    ends = number(values[0]) if len(values) == 1 else f"{number(values[0])} to {number(values[-1])}"
    return f"{ends} (n = {len(values)}, spread {number(values[-1] - values[0], 2)})"


def barriers_remain(results: Results) -> Finding:
    """Whether every curve climbs further above its higher end than the minima's losses differ."""
    maxima = maxima_of(results.curves)
    texts, verdicts, counts = {}, [], {}
    for model, losses in losses_of(results).items():
        if model not in maxima:
            continue
        climbs, levels = _climbs(maxima[model], losses)
        reach = losses.iloc[-1] - losses.iloc[0]
        above = climbs > reach
        verdicts.append(HOLDS if above.all() else UNDECIDED if above.any() else FAILS)
        parts = (f"{name} {mean_and_std(those, ' pairs')}" for name, those in climbs.groupby(levels))
        texts[model] = f"{', '.join(parts)}; range of the minima's losses {number(reach, 3)}"
        counts[model] = f"{int(above.sum())} of {len(above)} pairs climb more than that range"
    if not texts:
        return unmeasured("curves between three minima of a transformer")
    detail = "maximum of a curve less its higher end, mean ± std, within the two levels and across: "
    return Finding(results.each(texts), results.qualified(together(verdicts)), detail + results.each(counts))


def _climbs(tops: pd.Series, losses: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Height of each curve above its higher end, and whether its ends are of one level."""
    upper = set(losses.index[_cut(losses.to_numpy()) :])
    ends = [tops.index.get_level_values(side) for side in ("a", "b")]
    higher = np.maximum(*(losses.loc[seeds].to_numpy() for seeds in ends))
    first, second = (np.isin(seeds, list(upper)) for seeds in ends)
    within = np.where(first, "within the upper level", "within the lower level")
    return tops - higher, np.where(first != second, "across", within)


TRANSFORMER: Claims = [
    in_figure("two-levels", "There are two levels of quality among the minima.", f"{V3}, §7, fig. 9", two_levels),
    in_figure("barriers", "A large barrier remains between the minima.", f"{V3}, §7, fig. 8, 9", barriers_remain),
]
