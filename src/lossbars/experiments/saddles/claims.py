"""Claims about path optimisers, judged on functions with known saddles."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lossbars.claims.claim import NO_NUMBER, Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import OURS
from lossbars.claims.papers import V1 as PAPER
from lossbars.experiments.saddles.config import Saddles
from lossbars.recipes import Paths
from lossbars.workflow.claims_results import Results
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

FLAT = 1e-6  # |gradient| over the largest curvature, a length, from which a place counts as critical
NOISE = 1e-6  # share of the highest bar: places on curves are float32


@dataclass(frozen=True)
class SaddleResults(Results[Saddles]):
    """The deaths of bars in one experiment on path optimisers."""

    bars: pd.DataFrame

    def climbing(self, model: str) -> list[str]:
        """Optimisers whose highest point climbs."""
        recipes = self.models[model].optimisers
        return [name for name, recipe in recipes.items() if isinstance(recipe, Paths) and recipe.family.climb > 0]


def results(work: Work[ClaimsSettings[Saddles]]) -> SaddleResults:
    """The table of all deaths."""
    return SaddleResults(work.settings, work.table("deaths"))


def errors(bars: pd.DataFrame) -> pd.DataFrame:
    """A row per model, optimiser and size, in order: evaluations, and error, the largest of a merged death.

    An error is not said to be below the rounding of the death itself. Raises ValueError for a death that is no number.
    """
    rounding = np.finfo(np.float64).eps * bars["truth"].abs().clip(lower=1.0)
    off = np.maximum((bars["merged"] - bars["truth"]).abs(), rounding)
    if not np.isfinite(off).all():
        raise ValueError("a merged death, or the exact one, is not finite")
    groups = bars.assign(error=off).groupby(["model", "optimiser", "size"], sort=False)
    return groups.agg(evaluations=("evaluations", "first"), error=("error", "max")).reset_index()


def longest(bars: pd.DataFrame) -> dict[str, float]:
    """Model → length of its longest finite bar."""
    lengths = bars["truth"] - bars["birth"]
    return {str(model): float(several.max()) for model, several in lengths.groupby(bars["model"])}


def error_falls(results: SaddleResults) -> Finding:
    """Whether every optimiser is nearer the saddles at the largest size than at the smallest."""
    if results.bars["size"].nunique() < 2:
        return unmeasured("two sizes")
    texts, rises, reach = {}, [], longest(results.bars)
    for model, table in errors(results.bars).groupby("model", sort=False):
        parts = []
        for name, rows in table.groupby("optimiser", sort=False):
            ordered = rows.sort_values("size")["error"]
            parts.append(f"{name} {number(ordered.iloc[0], 2)} → {number(ordered.iloc[-1], 2)}")
            if ordered.iloc[-1] >= max(ordered.iloc[0], NOISE * reach[str(model)]):
                rises.append(f"{name} on {results.label(str(model))}")
        texts[str(model)] = ", ".join(parts)
    sizes = f"{results.bars['size'].min()} to {results.bars['size'].max()}"
    detail = f"largest error of a death, from size {sizes}" + (f"; not nearer: {', '.join(rises)}" if rises else "")
    return Finding(results.each(texts), results.judged(not rises), detail)


def lands(results: SaddleResults) -> Finding:
    """Whether the points that climb end at places without gradient from which one direction leads down."""
    texts, holds = {}, True
    for model, table in results.bars.groupby("model", sort=False):
        climbs = table["optimiser"].isin(results.climbing(str(model)))
        rows = table[climbs & (table["size"] == table["size"].max())]
        if rows.empty:
            continue
        length, single = (rows["gradient"] / rows["curvature"]).max(), int((rows["negative"] == 1).sum())
        texts[str(model)] = f"{number(length, 2)} at most, one negative eigenvalue at {single} of {len(rows)}"
        holds &= bool(length < FLAT) and single == len(rows)
    detail = f"norm of the gradient over the largest curvature, at the largest size; holds below {FLAT:g}"
    return results.finding(texts, holds, detail, "a flow whose highest point climbs")


def best(results: SaddleResults) -> Finding:
    """The optimiser that is nearest the saddles at as many gradients as every one was given."""
    texts = {}
    for model, table in errors(results.bars).groupby("model", sort=False):
        limit = table.groupby("optimiser")["evaluations"].max().min()
        allowed = table[table["evaluations"] <= limit]
        last = allowed.loc[allowed.groupby("optimiser", sort=False)["evaluations"].idxmax()].sort_values("error")
        names = [f"{name} {number(error, 2)}" for name, error in zip(last["optimiser"], last["error"], strict=True)]
        texts[str(model)] = f"{limit:,} gradients: {', '.join(names)}"
    return Finding(results.each(texts), NO_NUMBER, "gradients of one curve; largest errors of a death, the best first")


def never_below(results: SaddleResults) -> Finding:
    """Whether no death is below the saddle that ends the bar."""
    texts, holds, reach = {}, True, longest(results.bars)
    for model, table in results.bars.groupby("model", sort=False):
        below = float((table["truth"] - table[["merged", "direct"]].min(axis=1)).max()) / reach[str(model)]
        texts[str(model)] = f"{number(max(below, 0.0), 2)} below at most"
        holds &= below <= NOISE
    detail = f"share of the longest bar; holds up to {NOISE:g}, since values are read off grids"
    return Finding(results.each(texts), results.judged(holds), detail)


CLAIMS: Claims = [
    judged_by(
        error_falls,
        "error-falls",
        "With more points and steps, deaths by every optimiser come nearer to the saddles.",
        f"{OURS}; curves are optimised as in {PAPER}, §1.2, 3.1, 4",
    ),
    judged_by(
        lands, "lands", "A path's highest point that climbs lands on a saddle of index 1.", f"{OURS}: climbing image"
    ),
    judged_by(best, "best", "Which optimiser is best at as many gradient evaluations.", OURS),
    judged_by(
        never_below,
        "never-below",
        "No curve passes below the saddle that ends the bar.",
        "follows from the definitions",
    ),
]


def claims(experiment: str, config: Saddles) -> Claims:  # noqa: ARG001
    """All claims, of every experiment on known saddles."""
    return CLAIMS


def budget(results: SaddleResults) -> str:
    """Sizes and gradients in one line."""
    low, high = results.bars["evaluations"].min(), results.bars["evaluations"].max()
    names = results.bars["optimiser"].nunique()
    return f"{names} optimisers at {len(results.config.sizes)} sizes, {low:,} to {high:,} gradients a curve"
