"""Claims about functions and about convergence, judged on made-up tables."""

from typing import Any

import pandas as pd

from lossbars.claims.claim import Finding
from lossbars.experiments.convergence import claims as convergence
from lossbars.experiments.convergence.claims import ConvergenceResults
from lossbars.experiments.convergence.config import Convergence
from lossbars.experiments.functions.claims import catalogue
from lossbars.experiments.functions.claims.benchmarks import FUNCTION_CLAIMS
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS
from lossbars.experiments.functions.claims.results import FunctionResults
from lossbars.experiments.functions.claims.tiny_networks import TINY_CLAIMS
from lossbars.experiments.functions.config import Functions
from lossbars.workflow.settings import ClaimsSettings

NOTHING = pd.DataFrame()
CAMEL = {"kind": "function", "name": "six_hump_camel"}
HIMMELBLAU = {"kind": "function", "name": "himmelblau"}  # no claim is on it

CHECKS = {claim.id: check for claim, check in [*FUNCTION_CLAIMS, *TINY_CLAIMS, *LEVEL_SET_CLAIMS]}
CONVERGENCE_CHECKS = {claim.id: check for claim, check in convergence.CLAIMS}


def function_results(bars: pd.DataFrame, scale: float = 1.0, **landscapes: Any) -> FunctionResults:
    """Bars of models with these landscapes, at a share of the points."""
    models = {
        key: {"landscape": landscape, "label": key.upper(), "cloud": {"points": 100}}
        for key, landscape in (landscapes or {"f": HIMMELBLAU}).items()
    }
    config = Functions(kind="functions", title="Functions", models=models)
    settings = ClaimsSettings[Functions](
        module=catalogue.__name__, scale={"points": scale, "seeds": 1.0}, config=config
    )
    return FunctionResults(settings, bars)


def obtained(claim: str, bars: pd.DataFrame = NOTHING, scale: float = 1.0, **landscapes: Any) -> Finding:
    """What is found of one claim about functions."""
    return CHECKS[claim](function_results(bars, scale, **landscapes))


def convergence_results(distances: pd.DataFrame) -> ConvergenceResults:
    """Distances of an experiment on convergence."""
    landscape = {"kind": "function", "name": "alpine01", "dim": 4}
    models = {"a": {"landscape": landscape}}
    config = Convergence(kind="convergence", title="Convergence", pairs=4, sizes=[1000, 10_000], models=models)
    settings = ClaimsSettings[Convergence](module=convergence.__name__, scale={"points": 1.0}, config=config)
    return ConvergenceResults(settings, distances)


def converged(claim: str, distances: pd.DataFrame = NOTHING) -> Finding:
    """What is found of one claim about convergence."""
    return CONVERGENCE_CHECKS[claim](convergence_results(distances))
