"""A small experiment on known saddles."""

from typing import Any

from lossbars.documents.plan import Jobs
from lossbars.workflow.plan import Plan
from support.workflow import own

FLOW = {
    "optimiser": "sgd",
    "momentum": 0.0,
    "schedule": {"kind": "constant", "lr": 3.0e-2},
    "epochs": 10,
    "family": {"kind": "path", "points": 6},
    "grid": {"between": 4, "refinements": 8},
}

CHAIN = {
    "optimiser": "adam",
    "schedule": {"kind": "ramp", "m1": 5, "m2": 10, "lr_max": 5.0e-2, "lr_min": 5.0e-5},
    "epochs": 10,
    "family": {"kind": "chain", "bends": 1},
    "points": 4,
    "tilt": 20.0,
    "grid": {"points": 21, "refinements": 8},
}

STAGES = {"minima": [0, 1], "path": FLOW | {"epochs": 70, "family": {"kind": "path", "points": 4}}}

STAGES["path"]["family"]["insertion"] = {"every": 30}  # type: ignore[index]

BENT = {"landscape": {"kind": "function", "name": "bent_double_well", "dim": 2}, "insertion": STAGES}

CAMEL = {"label": "HumpCamel6", "landscape": {"kind": "function", "name": "six_hump_camel"}}

SAD: dict[str, Any] = {
    "kind": "saddles",
    "title": "Known saddles",
    "sizes": [1, 2],
    "optimisers": {"flow": FLOW, "chain": CHAIN},
    "models": {"camel": CAMEL, "bent": BENT},
    "figures": ["death-error", "insertion"],
}


def jobs(**experiments: Any) -> Jobs:
    return Jobs(Plan({"experiments": own(experiments or {"sad": SAD})}))
