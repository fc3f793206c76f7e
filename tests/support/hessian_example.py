"""A small experiment on Hessians."""

from typing import Any

from lossbars.documents.plan import Jobs
from lossbars.experiments.hessian.claims.catalogue import CLAIMS
from lossbars.workflow.plan import Plan
from support.workflow import own

DESCENT = {"rate": 0.2, "steps": 10}

SEARCHES = {
    "kind": "critical-points",
    "width": 3,
    "samples": [12, 6],
    "data_sets": 3,
    "indices": [0, 0, 1, 2],
    "descent": DESCENT,
    "steps": 40,
    "tolerance": 1.0e-2,
}

NET = {"inputs": 3, "hidden": [3], "outputs": 3, "samples": 8, "biases": False}

HES: dict[str, Any] = {
    "kind": "hessian",
    "title": "A few Hessians",
    "models": {
        "matrices": {
            "label": "plain",
            "task": {"kind": "random-matrices", "taus": [0.5], "energies": [0.1, 0.5], "rows": 100},
        },
        "tanh": {"task": SEARCHES},
        "linear": {"task": SEARCHES | {"activation": "identity", "indices": [0]}},
        "parts": {
            "task": {"kind": "spectrum", "net": NET, "descent": DESCENT, "lanczos": {"steps": 10, "probes": 4}},
        },
        "minimisers": {
            "task": {
                "kind": "minimisers",
                "nets": [{"inputs": 1, "hidden": [3], "outputs": 1, "samples": 3}],
                "starts": 2,
            }
        },
    },
    "figures": ["spectra", "critical-energy", "net-spectrum", "null-space"],
}

CHECKS = {claim.id: check for claim, check in CLAIMS}


def jobs(experiment: dict[str, Any] = HES, scale: Any = 1) -> Jobs:
    return Jobs(Plan({"experiments": {"hes": own(experiment)}, "scale": scale}))
