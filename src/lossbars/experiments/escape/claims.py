"""Claims about the escape from a local minimum (Barannikov et al. 2022, §9 and appendix D)."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, UNMEASURED, Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import FIGURE_ONLY, OURS
from lossbars.claims.papers import V3 as PAPER
from lossbars.experiments.escape.config import Escape
from lossbars.experiments.escape.fits import Line, grid, in_order, line, reaching, smallest, steps_to_escape
from lossbars.workflow.claims_results import Results
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

MIXED = "undecided: it depends on the polynomials"
LINEAR = 0.99  # R² from which rates count as essentially linear
MOST = 0.95  # share of bars and starts
ERRATIC = 0.5  # R² below which a line explains less than half of the steps' variance
NEAR = 1e-4  # relative distance to the threshold


@dataclass(frozen=True)
class EscapeResults(Results[Escape]):
    """The runs of one experiment on escape."""

    runs: pd.DataFrame

    def over_models(self, texts: dict[str, str], holds: dict[str, bool], detail: str) -> Finding:
        """The finding where the claim may hold for some models and fail for others."""
        verdict = MIXED if len(set(holds.values())) > 1 else HOLDS if all(holds.values()) else FAILS
        return Finding(self.each(texts), self.qualified(verdict), detail)


def results(work: Work[ClaimsSettings[Escape]]) -> EscapeResults:
    """The table of all runs."""
    return EscapeResults(work.settings, work.table("runs"))


def linear(results: EscapeResults, family: str) -> Finding:
    """Whether the rates of each model of a family lie on a straight line."""
    texts, holds = {}, {}
    for model, recipe in results.models.items():
        rows = smallest(results.runs, model) if recipe.family.kind == family else pd.DataFrame()
        if rows.empty:
            continue
        if rows["rate"].isna().any():
            texts[model], holds[model] = "gradient descent escapes at no rate of the grid for some bars", False
            continue
        fit = line(rows["bar"].to_numpy(), rows["rate"].to_numpy())
        texts[model], holds[model] = _line_in_words(fit, rows), fit.r_squared >= LINEAR
    if not texts:
        return unmeasured(f"polynomials of the family {family}")
    detail = f"smallest escaping rate on bar length, means over starts; holds where R² ≥ {LINEAR}; ± half of the 95 % "
    detail += "interval; curved: a quadratic term is significant at 5 %; off: largest distance to the line"
    return results.over_models(texts, holds, detail)


def _line_in_words(fit: Line, rows: pd.DataFrame) -> str:
    spread = (rows["spread"] / rows["rate"]).max()
    curved = f"{'' if fit.curved else 'not '}curved (t = {number(fit.quadratic_t, 2)})"
    return (
        f"slope {number(fit.slope, 3)} ± {number(fit.slope_reach, 2)}, R² = {fit.r_squared:.4f}, {curved}, off by "
        f"{fit.departure:.1%} of the rates' range, which is {number(rows['rate'].min(), 4)} to "
        f"{number(rows['rate'].max(), 4)} (spread over starts: {spread:.1g})"
    )


def three_regimes(results: EscapeResults) -> Finding:
    """Whether runs converge, then oscillate, then cross the saddle as the rate grows."""
    texts, holds = {}, {}
    for model in results.models:
        share = in_order(grid(results.runs, model))
        relapses = results.runs[(results.runs["model"] == model) & (results.runs["search"] == "smallest")]["relapses"]
        texts[model] = f"{share:.1%} of bars and starts"
        texts[model] += f", {number(relapses.mean(), 2)} larger rates each do not escape" if relapses.any() else ""
        holds[model] = share >= MOST
    return results.over_models(texts, holds, f"holds from {MOST:.0%}; larger rates: of the grid")


def reaches_global(results: EscapeResults) -> Finding:
    """Whether runs over the saddle then converge to the global minimum."""
    texts, holds = {}, {}
    for model in results.models:
        runs = grid(results.runs, model)
        over, share = runs[runs["steps"] > 0], reaching(runs)
        if np.isnan(share):
            return Finding("—", UNMEASURED, f"no run of {model} crosses the saddle")
        others = over["outcome"].value_counts(normalize=True).drop("escapes", errors="ignore")
        rest = ", ".join(f"{part:.1%} {outcome}" for outcome, part in others.items())
        texts[model] = f"{share:.1%}" + (f" ({rest})" if rest else "")
        texts[model] += f", curvature there times the escape rate over 2: {number(runs['far_multiple'].median(), 2)}"
        holds[model] = share >= MOST
    detail = f"share of the runs that cross the saddle, holds from {MOST:.0%}; the global minimum attracts where the "
    return results.over_models(texts, holds, detail + "last number, the median over bars, is below 1")


def erratic_steps(results: EscapeResults) -> Finding:
    """Whether a straight line does not explain the steps to escape, as it explains the smallest rates."""
    fits = {model: steps_to_escape(grid(results.runs, model)) for model in results.models}
    if any(np.isnan(fit.r_squared) for fit in fits.values()):
        return unmeasured("three rates that escape, of every family")
    texts = {
        model: f"R² = {fit.r_squared:.2f}, rank correlation {number(fit.rank, 2)}, spread {fit.spread:.0%}"
        for model, fit in fits.items()
    }
    detail = f"steps on rate, of one bar and start, holds where a straight line has R² < {ERRATIC}; spread: standard "
    detail += "deviation over starts at one rate, as a share of their mean (100 % would be a geometric distribution); "
    holds = {model: fit.r_squared < ERRATIC for model, fit in fits.items()}
    return results.over_models(texts, holds, detail + "medians")


def at_threshold(results: EscapeResults) -> Finding:
    """Whether the smallest escaping rate is the one at which the well is no longer mapped into itself."""
    texts, holds = {}, {}
    for model in results.models:
        rows = smallest(results.runs, model).dropna(subset=["threshold", "rate"])
        if rows.empty:
            return Finding("—", UNMEASURED, f"{model} has no threshold, or no rate that escapes")
        off = rows["rate"] / rows["threshold"] - 1
        texts[model] = f"{number(off.min(), 2)} to {number(off.max(), 2)} above"
        holds[model] = bool(((off > -NEAR) & (off < NEAR)).all())
    return results.over_models(texts, holds, f"relative, holds within {NEAR:g}; docs/escape.md")


CLAIMS: Claims = [
    *[
        judged_by(
            partial(linear, family=family),
            f"linear-{family}",
            f"The smallest learning rate that escapes depends essentially linearly on the bar ({what}).",
            f"{PAPER}, §9, appendix D, fig. 12",
            FIGURE_ONLY,
        )
        for family, what in (("two-point", "first family"), ("one-point", "second family"))
    ],
    judged_by(
        three_regimes,
        "three-regimes",
        "As the learning rate grows, gradient descent converges, then neither converges nor escapes, then escapes.",
        f"{PAPER}, appendix D, fig. 14",
    ),
    judged_by(
        reaches_global,
        "reaches-global",
        "Gradient descent that escapes converges to the global minimum.",
        f"{PAPER}, appendix D, fig. 14c, 16",
    ),
    judged_by(
        erratic_steps,
        "erratic-steps",
        "The number of steps to escape depends on the learning rate erratically.",
        f"{PAPER}, §9, appendix D, fig. 17",
        FIGURE_ONLY,
    ),
    judged_by(
        at_threshold,
        "threshold",
        "The smallest learning rate that escapes is that from which a step maps the well out of itself.",
        f"{OURS}: explains fig. 12",
    ),
]


def claims(experiment: str, config: Escape) -> Claims:  # noqa: ARG001
    """All claims, of every experiment on escape."""
    return CLAIMS


def budget(results: EscapeResults) -> str:
    """Bars, rates, starts and steps in one line, of all models together where they differ."""
    models = results.models.values()
    counts = {
        "bars": {model.bars.number for model in models},
        "learning rates": {model.rates.number for model in models},
        "starts": {model.descent.starts for model in models},
        "steps": {model.descent.steps for model in models},
    }
    return ", ".join(f"{' or '.join(f'{n:,}' for n in sorted(several))} {name}" for name, several in counts.items())
