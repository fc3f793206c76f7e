"""What the papers report of triangles and 1-saddles."""

from lossbars.claims.claim import Claim
from lossbars.claims.papers import FIGURE_ONLY, V1
from lossbars.experiments.networks.claims import generic as findings
from lossbars.experiments.networks.claims.generic import Check

REGIMES: tuple[Claim, Check] = (
    Claim(
        "triangle-regimes",
        "Triangles with trained sides (regime 1) reach lower maxima than with fixed sides (regime 2).",
        f"{V1}, appendix I, fig. 16",
        FIGURE_ONLY,
    ),
    findings.trained_sides_lower,
)
ONE_SADDLE: tuple[Claim, Check] = (
    Claim(
        "one-saddle-bars",
        "1-saddle bar of one triangle: from the maximum on its sides to the maximum on the triangle.",
        f"{V1}, appendix I, fig. 16",
        FIGURE_ONLY,
    ),
    findings.one_saddle_bars,
)
COMPLEX_SADDLES: tuple[Claim, Check] = (
    Claim(
        "one-saddle-complex",
        "1-saddle barcode of all triangles together (Algorithm 2, r = 1).",
        f"{V1}, §1.3; no figure has that of this network",
    ),
    findings.one_saddles_of_complex,
)
