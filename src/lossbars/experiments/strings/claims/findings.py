"""Checks of the claims about level sets and Dynamic String Sampling."""

from dataclasses import dataclass

import pandas as pd
from scipy import stats

from lossbars.claims.claim import Finding, number, unmeasured
from lossbars.experiments.strings.config import StringSampling, StringsModel
from lossbars.experiments.strings.fits import FEWEST, NEAR, knee, law_of, levels, spike, steepest
from lossbars.landscapes.specs import PerceptronSpec
from lossbars.workflow.claims_results import Results

GOOD_FIT = 0.9  # R² from which a power law is one
FALLING = -0.9  # Spearman's correlation from which an order is one


@dataclass(frozen=True)
class StringResults(Results[StringSampling]):
    """The answers of one experiment on level sets."""

    answers: pd.DataFrame

    @property
    def full_budget(self) -> bool:
        """Whether numbers may be compared with published ones: at the full scale, and of all samples."""
        return super().full_budget and self.config.samples is None

    def by_ends(self, ends: str) -> dict[str, pd.DataFrame]:
        """Numbers by threshold of each model whose ends are such: random, or a network and its permuted copy."""
        return {key: levels(self.answers, key) for key, model in self.models.items() if model.ends == ends}

    def trained(self, model: str) -> int:
        """Pairs whose two ends got below the lowest threshold at which they were tried."""
        table = self.answers[self.answers["model"] == model].sort_values("threshold")
        return int((table.groupby("pair")["above"].first() != "end").sum())


def all_connect(results: StringResults) -> Finding:
    """Whether every pair of random ends was connected at every threshold."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        missed = table[table["connected"] < table["pairs"]]
        holds &= missed.empty
        some = [f"{row.connected} of {row.pairs} at {row.threshold:g}" for row in missed.itertuples()]
        untried = len(results.models[model].thresholds) - len(table)
        some += [f"none at the {untried} below"] if untried else []
        texts[model] = "all pairs at every threshold" if missed.empty else f"all pairs, but {', '.join(some)}"
    detail = "connected: every segment checked on its grid; the others are not connected within the budget"
    return results.finding(texts, holds, detail, "a model of random ends")


def near_one(results: StringResults) -> Finding:
    """Whether the mean normalised length is near 1 at the highest threshold, and down to which one."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        if not table["connected"].any():
            continue
        end, last = knee(table), table[table["connected"] > 0].iloc[-1:]
        holds &= end == end  # not NaN
        texts[model] = f"down to {end:g}" if end == end else "at no threshold"
        texts[model] += "".join(f", {row.length:.3f} at {row.threshold:g}" for row in last.itertuples())
    detail = f"near 1: a mean over pairs of at most {NEAR:g}; holds where it is at the highest threshold"
    return results.finding(texts, holds, detail, "a connected pair")


def follows_power_law(results: StringResults, name: str, what: str) -> Finding:
    """Whether a mean over pairs grows like a power of the threshold as that falls."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        fit = law_of(table, name)
        if fit is None:
            continue
        holds &= fit.r_squared >= GOOD_FIT and fit.exponent < 0
        texts[model] = f"exponent {number(fit.exponent, 3)} ± {number(fit.error, 2)}, R² {fit.r_squared:.3f}"
    detail = f"least squares of the logarithms of {what}; holds with R² from {GOOD_FIT:g} and a negative exponent"
    return results.finding(texts, holds, detail, "three thresholds below the knee")


def beads_grow(results: StringResults) -> Finding:
    """Whether the mean number of beads grows as the threshold falls."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        connected = table[table["connected"] > 0]
        if len(connected) < 3 or connected["beads"].nunique() < 2:
            continue
        order = float(stats.spearmanr(connected["threshold"], connected["beads"]).statistic)
        holds &= order <= FALLING
        ends = f"{connected['beads'].iloc[0]:.1f} to {connected['beads'].iloc[-1]:.1f}"
        texts[model] = f"{ends} beads, Spearman's correlation {number(order, 2)}"
    detail = f"holds with a correlation down from {FALLING:g}"
    return results.finding(texts, holds, detail, "three thresholds, and strings with beads")


def is_cubic(model: StringsModel) -> bool:
    """Whether a model is a network on the cubic polynomial."""
    return isinstance(model.landscape, PerceptronSpec) and model.landscape.task == "cubic"


def has_spike(results: StringResults) -> Finding:
    """Whether the length of strings of the cubic task peaks while there are few beads."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        stated = results.models[model]
        enough = (table["connected"] > 0).sum() >= FEWEST
        if not is_cubic(stated) or stated.reuse or not enough:
            continue
        peak = spike(table)
        holds &= peak is not None
        place, length = peak or steepest(table)
        beads = table.loc[table["threshold"] == place, "beads"].iloc[0]
        at = f"{length:.3f} at {place:g}, with {beads:.1f} beads"
        texts[model] = at if peak else f"no peak; it rises most steeply to {at}"
    detail = "the first peak of the mean length, by more than the standard error, as the threshold falls"
    return results.finding(texts, holds, detail, "the cubic task with new strings at each threshold")


def lowest_length(results: StringResults, most: float | None) -> Finding:
    """Mean normalised length at the lowest threshold that connects pairs: at most ``most``, or above near."""
    texts, holds = {}, True
    for model, table in results.by_ends("random").items():
        for row in table[table["connected"] > 0].iloc[-1:].itertuples():
            holds &= row.length <= most if most else row.length > NEAR
            texts[model] = f"{row.length:.3f} ± {row.length_std:.3f} at {row.threshold:g} ({row.connected} pairs)"
    wanted = f"at most {most:g}" if most else f"above {NEAR:g}"
    return results.finding(texts, holds, f"at the lowest threshold; holds where it is {wanted}", "a connected pair")


def swapped_apart(results: StringResults) -> Finding:
    """Whether a network and its permuted copy are connected at no low threshold, where a larger one is."""
    tables = results.by_ends("swapped")
    sizes = {model: tuple(results.models[model].landscape.hidden) for model in tables}  # the configuration was checked
    if len(set(sizes.values())) < 2:
        return unmeasured("a small and a larger network with swapped units")
    smallest = min(sizes.values())
    texts, holds = {}, True
    for model, table in tables.items():
        lowest = float(min(results.models[model].thresholds))
        there = int(table[table["threshold"] == lowest]["connected"].sum())
        tried = results.trained(model)
        holds &= tried > 0 and ((there == 0) if sizes[model] == smallest else there > 0)
        connects = table[table["connected"] > 0]["threshold"]
        last = f"some down to {connects.min():g}" if len(connects) else "none at any"
        texts[model] = f"{there} of {tried} pairs at {lowest:g}, {last}"
    detail = "of pairs whose ends got below the threshold; holds where the smallest network connects none at the "
    detail += "lowest threshold, and every larger one some"
    return Finding(results.each(texts), results.judged(holds), detail)
