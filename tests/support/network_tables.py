"""Made-up results of networks, for claims to be judged on."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lossbars.experiments.networks.claims import catalogue
from lossbars.experiments.networks.claims.results import Results
from lossbars.experiments.networks.config import Experiment
from lossbars.workflow import claims_step
from lossbars.workflow.settings import ClaimsSettings

FULL = {"epochs": 1.0, "seeds": 1.0, "samples": 1.0}
DESCENT = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 1.0e-2}, "epochs": 1}
FAMILY = {"family": {"kind": "chain", "bends": 1}}
TABLES = ("bars", "minima", "curves", "aligned", "triangles", "robustness", "embeddings")
NOTHING = pd.DataFrame({"model": pd.Series(dtype=str)})


def experiment(models: Mapping[str, dict[str, Any]], **changes: Any) -> Experiment:
    """An experiment whose models state what a test is about; what they leave out is filled in."""
    given = {"title": "Made up", "data": "digits", "seeds": 4, "figures": []} | changes
    return Experiment.model_validate(given | {"models": {key: stated(model) for key, model in models.items()}})


def stated(given: dict[str, Any]) -> dict[str, Any]:
    """A model of a configuration that trains by one epoch of Adam where ``given`` says nothing else."""
    model = {"network": {"kind": "mlp", "depth": 1}, "minima": {}, "curves": {}} | given
    for name in ("minima", "curves", "triangles"):
        if name in model:
            model[name] = DESCENT | (FAMILY if name == "curves" else {}) | model[name]
    for name in ("more_curves", "more_triangles"):
        if name in model:
            model[name] = {key: DESCENT | recipe for key, recipe in model[name].items()}
    if "groups" in model:
        groups = model["groups"].items()
        model["groups"] = {key: group | {"minima": DESCENT | group["minima"]} for key, group in groups}
    return model


def results(
    models: Mapping[str, dict[str, Any]],
    scale: Mapping[str, float] = FULL,
    changes: Mapping[str, Any] | None = None,
    **tables: pd.DataFrame,
) -> Results:
    """Results of :func:`experiment` with these tables; the others are empty."""
    config = experiment(models, **(changes or {}))
    settings = ClaimsSettings[Experiment](module=catalogue.__name__, scale=dict(scale), config=config)
    return Results(settings, **(dict.fromkeys(TABLES, NOTHING) | tables))


def claim_rows(found: Results, experiment: str = "mine") -> pd.DataFrame:
    """The table of claims, as the step of claims writes it."""
    return claims_step.claim_rows(catalogue, experiment, found.config, found)


def direct_bars(deaths: dict[str, dict[int, float]]) -> pd.DataFrame:
    """Model → minimum → its death; births are 0."""
    rows = [
        (model, "direct", 0, 0.0, death, str(minimum), "" if math.isinf(death) else f"{minimum}+9")
        for model, of_model in deaths.items()
        for minimum, death in of_model.items()
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])
