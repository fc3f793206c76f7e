"""Claims about functions, judged on made-up tables."""

from typing import Any

import pandas as pd

from lossbars.claims.claim import Finding
from lossbars.claims.results import FunctionResults
from lossbars.experiments.functions.claims.benchmarks import CONVERGENCE_CLAIMS, FUNCTION_CLAIMS, TINY_CLAIMS

NOTHING = pd.DataFrame()

CHECKS = {claim.id: check for claim, check in [*FUNCTION_CLAIMS, *CONVERGENCE_CLAIMS, *TINY_CLAIMS]}


def obtained(
    claim: str, table: pd.DataFrame = NOTHING, distances: pd.DataFrame = NOTHING, **landscapes: Any
) -> Finding:
    models = {model: {"landscape": own, "label": model.upper()} for model, own in landscapes.items()}
    recipe = {"models": models, "scale": {"points": 1.0, "seeds": 1.0}}
    return CHECKS[claim](FunctionResults("an-experiment", recipe, table, distances))
