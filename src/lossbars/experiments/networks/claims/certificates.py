"""Claims about experiments that look for certified saddles."""

import numpy as np

from lossbars.barcodes.barcode import CERTIFIED, CLOSED_CERTIFIED
from lossbars.claims.claim import FAILS, HOLDS, Claim, Claims, Finding, number
from lossbars.experiments.networks.claims.results import Results, finite, unmeasured
from lossbars.plots import bars as bar_tables

LEAST = 0.95  # share of the finite bars that are to be certified
MISSED = 1e-3  # share of a bar by which the measured places of a curve may miss its maximum
BARCODES = {f"merged{CERTIFIED}": "given", f"merged{CLOSED_CERTIFIED}": "closed"}


def certified(results: Results) -> Finding:
    """Whether most finite bars die at a certified saddle, of the given minima and with those found."""
    texts, shares = {}, []
    for model in results.among(results.bars["model"]):
        parts = []
        for convention, name in BARCODES.items():
            bars = finite(results.bars, model, convention)
            done = int(bar_tables.certified(bars).sum())
            parts.append(f"{done}/{len(bars)} {name}")
            shares.append(done / len(bars) if len(bars) else 1.0)
        texts[model] = ", ".join(parts)
    if not shares:
        return unmeasured("certificates")
    detail = "finite bars whose death is a saddle with a vanishing gradient, one negative eigenvalue and known ends"
    return Finding(results.each(texts), HOLDS if min(shares) >= LEAST else FAILS, detail)


def below_curves(results: Results) -> Finding:
    """Whether the deaths at saddles, from the highest on, are none above those on curves between the same minima.

    Deaths of merged bars are the heights at which parts of the set of minima meet, whatever the births. Were all ways
    over saddles as low as those over curves, the k-th highest would be as low, for every k.
    """
    texts, violated = {}, False
    for model in results.among(results.bars["model"]):
        curves, saddles = (finite(results.bars, model, f"merged{end}") for end in ("", CERTIFIED))
        tops, deaths = (np.sort(bars["death"].to_numpy())[::-1] for bars in (curves, saddles))
        count = min(len(tops), len(deaths))
        if not count:
            continue
        allowed = MISSED * max(bar_tables.longest(curves), bar_tables.longest(saddles))
        above = deaths[:count] - tops[:count]
        violated |= bool((above > allowed).any())
        texts[model] = f"{number(-above.max(), 2)} to {number(-above.min(), 2)} below"
    if not texts:
        return unmeasured("certificates, and two minima that differ")
    detail = f"k-th highest death on curves minus that at saddles; up to {MISSED:g} of the longest bar may be missed"
    return Finding(results.each(texts), FAILS if violated else HOLDS, detail)


CERTIFICATES: Claims = [
    (
        Claim(
            "certified",
            f"At least {LEAST:.0%} of the finite bars die at a certified saddle.",
            "not a claim of the papers, whose deaths are largest losses on curves",
        ),
        certified,
    ),
    (
        Claim(
            "certified-below-curves",
            "No certified death is above the one that curves gave.",
            "follows from the definitions: the largest loss on a curve is an upper bound of the saddle",
        ),
        below_curves,
    ),
]
