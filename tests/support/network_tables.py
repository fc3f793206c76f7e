"""Made-up results of networks, for claims to be judged on."""

import math
from typing import Any

import pandas as pd

from lossbars.experiments.networks.claims.generic import Results

WHOLE = {"epochs": 1.0, "seeds": 1.0, "samples": 1.0}

NOTHING = pd.DataFrame({"model": pd.Series(dtype=str)})


def results(models: dict[str, Any], experiment: str = "mine", **tables: pd.DataFrame) -> Results:
    given = dict.fromkeys(("bars", "minima", "curves", "triangles", "robustness"), NOTHING)
    recipe = {"scale": WHOLE, "seeds": 2, "models": models}
    return Results(experiment, recipe, **(given | tables))


def direct_bars(deaths: dict[str, dict[int, float]]) -> pd.DataFrame:
    rows = [
        (model, "direct", 0, 0.0, death, str(minimum), "" if math.isinf(death) else f"{minimum}+9")
        for model, own in deaths.items()
        for minimum, death in own.items()
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])
