"""Claims about the escape from a local minimum (Barannikov et al. 2022, §9 and appendix D)."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNMEASURED, Check, Claim, Finding, number
from lossbars.experiments.escape.config import Escape, EscapeModel
from lossbars.experiments.escape.fits import Line, grid, in_order, line, reaching, smallest, steps_to_escape
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

PAPER, OURS = "Barannikov et al., Loss barcode", "not in the papers"
MIXED = "undecided: it depends on the polynomials"
LINEAR = 0.99  # R² from which rates count as essentially linear
MOST = 0.95  # share of bars and starts
ERRATIC = 0.5  # R² below which a line explains less than half of the steps' variance
NEAR = 1e-4  # relative distance to the threshold


@dataclass(frozen=True)
class EscapeResults:
    """What one experiment on escape obtained."""

    settings: ClaimsSettings[Escape]
    runs: pd.DataFrame

    @property
    def models(self) -> dict[str, EscapeModel]:
        """The models, in the order of drawing."""
        return self.settings.config.models

    def judged(self, each: dict[str, bool]) -> str:
        """The verdict over all models, with its budget where that is not the full one."""
        if any(each.values()) and not all(each.values()):
            return MIXED
        return (HOLDS if all(each.values()) else FAILS) + ("" if self.settings.full_budget else AT_BUDGET)

    def each(self, texts: dict[str, str]) -> str:
        """One text after another, each under its model's label."""
        return "; ".join(f"{self.models[model].label or model}: {text}" for model, text in texts.items())


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
        return Finding("—", UNMEASURED, f"this needs polynomials of the family {family}")
    detail = f"smallest escaping rate on bar length, means over starts; holds where R² ≥ {LINEAR}; ± half of the 95 % "
    detail += "interval; curved: a quadratic term is significant at 5 %; off: largest distance to the line"
    return Finding(results.each(texts), results.judged(holds), detail)


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
        own = grid(results.runs, model)
        share = in_order(own)
        relapses = results.runs[(results.runs["model"] == model) & (results.runs["search"] == "smallest")]["relapses"]
        texts[model] = f"{share:.1%} of bars and starts"
        texts[model] += f", {number(relapses.mean(), 2)} larger rates each do not escape" if relapses.any() else ""
        holds[model] = share >= MOST
    return Finding(results.each(texts), results.judged(holds), f"holds from {MOST:.0%}; larger rates: of the grid")


def reaches_global(results: EscapeResults) -> Finding:
    """Whether runs over the saddle then converge to the global minimum."""
    texts, holds = {}, {}
    for model in results.models:
        own = grid(results.runs, model)
        over, share = own[own["steps"] > 0], reaching(own)
        if np.isnan(share):
            return Finding("—", UNMEASURED, f"no run of {model} crosses the saddle")
        others = over["outcome"].value_counts(normalize=True).drop("escapes", errors="ignore")
        rest = ", ".join(f"{part:.1%} {outcome}" for outcome, part in others.items())
        texts[model] = f"{share:.1%}" + (f" ({rest})" if rest else "")
        texts[model] += f", curvature there times the escape rate over 2: {number(own['far_multiple'].median(), 2)}"
        holds[model] = share >= MOST
    detail = f"share of the runs that cross the saddle, holds from {MOST:.0%}; the global minimum attracts where the "
    return Finding(results.each(texts), results.judged(holds), detail + "last number, the median over bars, is below 1")


def erratic_steps(results: EscapeResults) -> Finding:
    """Whether a straight line does not explain the steps to escape, as it explains the smallest rates."""
    found = {model: steps_to_escape(grid(results.runs, model)) for model in results.models}
    if any(np.isnan(own.r_squared) for own in found.values()):
        return Finding("—", UNMEASURED, "this needs three rates that escape, of every family")
    texts = {
        model: f"R² = {own.r_squared:.2f}, rank correlation {number(own.rank, 2)}, spread {own.spread:.0%}"
        for model, own in found.items()
    }
    holds = {model: own.r_squared < ERRATIC for model, own in found.items()}
    detail = f"steps on rate, of one bar and start, holds where a straight line has R² < {ERRATIC}; spread: standard "
    detail += (
        "deviation over starts at one rate, as a share of their mean (100 % would be a geometric distribution); medians"
    )
    return Finding(results.each(texts), results.judged(holds), detail)


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
    return Finding(results.each(texts), results.judged(holds), f"relative, holds within {NEAR:g}; docs/escape.md")


CLAIMS: list[tuple[Claim, Check]] = [
    *[
        (
            Claim(
                f"linear-{family}",
                f"The smallest learning rate that escapes depends essentially linearly on the bar ({what}).",
                f"{PAPER}, §9, appendix D, fig. 12",
                "in the figure only",
            ),
            partial(linear, family=family),
        )
        for family, what in (("two-point", "first family"), ("one-point", "second family"))
    ],
    (
        Claim(
            "three-regimes",
            "As the learning rate grows, gradient descent converges, then neither converges nor escapes, then escapes.",
            f"{PAPER}, appendix D, fig. 14",
        ),
        three_regimes,
    ),
    (
        Claim(
            "reaches-global",
            "Gradient descent that escapes converges to the global minimum.",
            f"{PAPER}, appendix D, fig. 14c, 16",
        ),
        reaches_global,
    ),
    (
        Claim(
            "erratic-steps",
            "The number of steps to escape depends on the learning rate erratically.",
            f"{PAPER}, §9, appendix D, fig. 17",
            "in the figure only",
        ),
        erratic_steps,
    ),
    (
        Claim(
            "threshold",
            "The smallest learning rate that escapes is that from which a step maps the well out of itself.",
            f"{OURS}: explains fig. 12",
        ),
        at_threshold,
    ),
]


def claims(experiment: str, config: Escape) -> list[tuple[Claim, Check]]:  # noqa: ARG001
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
