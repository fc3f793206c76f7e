"""Level sets of small networks: claims on made-up bars, known saddles, and models with and without a cloud."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNMEASURED, Finding
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS, rank_loss
from lossbars.landscape import Landscape
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.specs import PerceptronSpec
from lossbars.landscapes.toy_data import TASKS
from lossbars.optimise.multistart import optimised_barcode
from lossbars.recipes import Curves, Minima
from lossbars.workflow.artefacts import read_records
from support.function_tables import obtained
from support.plans import changed, make_plan, read_table_of, run_tasks, the_task

TOLERANCE = 0.005


def net(hidden: int, activation: str, decay: float = 0.0, task: str = "permuted-points") -> dict[str, Any]:
    return {
        "kind": "perceptron", "task": task, "hidden": [hidden], "activation": activation, "output": "identity",
        "biases": False, "error": "mse", "weight_decay": decay, "box": 2.0,
    }  # fmt: skip


Found = dict[str, tuple[dict[str, Any], list[tuple[float, float]]]]


def judged(claim: str, found: Found, scale: float = 1.0) -> Finding:
    """What is said of a claim where each model has a landscape, and merged bars of these births and deaths."""
    tables = [
        pd.DataFrame(bars, columns=["birth", "death"]).assign(model=model, source="merged", seed=0, threshold=TOLERANCE)
        for model, (_, bars) in found.items()
    ]
    return obtained(claim, pd.concat(tables), scale, **{model: landscape for model, (landscape, _) in found.items()})


HALF = (0.02, math.inf)
SHORT, LONG = (0.02, 0.02 + TOLERANCE / 2), (0.02, 0.09)


class TestClaims:
    def test_a_linear_network_has_one_bar(self):
        found = judged("linear-one-component", {"a": (net(3, "identity"), [HALF, SHORT, SHORT])})
        assert found.verdict == HOLDS and found.obtained == "A: one half-line (within 0.0050: 2 up to 0.0025)"
        found = judged("linear-one-component", {"a": (net(3, "identity", 0.01), [HALF, SHORT, LONG])}, 0.1)
        assert found.verdict == FAILS + AT_BUDGET and "half-line and [0.02000, 0.09000]" in found.obtained

    def test_narrow_and_rectified_networks_are_no_wide_linear_ones(self):
        others = {"a": (net(2, "identity"), [HALF, LONG]), "b": (net(3, "relu"), [HALF, LONG])}
        assert judged("linear-one-component", others).verdict == UNMEASURED

    @pytest.mark.parametrize(("top", "verdict"), [(0.2068, HOLDS), (0.3, FAILS), (0.0201, FAILS)])
    def test_a_narrow_linear_network_has_two_up_to_the_known_saddle(self, top, verdict):
        found = judged("linear-narrow", {"a": (net(2, "identity"), [HALF, SHORT, (0.02, top)])})
        assert found.verdict == verdict and "against 0.2068" in found.obtained

    def test_a_narrow_linear_network_with_three_components(self):
        bars = [HALF, (0.02, 0.2068), (0.02, 0.2068)]
        assert judged("linear-narrow", {"a": (net(2, "identity"), bars)}).verdict == FAILS
        assert judged("linear-narrow", {"a": (net(2, "identity", 0.1), bars)}).verdict == UNMEASURED, "another saddle"

    def test_a_rectified_network_has_several(self):
        found = judged("relu-several-components", {"a": (net(3, "relu"), [HALF, LONG, LONG, SHORT])})
        assert found.verdict == HOLDS and "no proof" in found.detail
        every = {"a": (net(3, "relu"), [HALF, LONG]), "b": (net(3, "relu", 0.1), [HALF, SHORT])}
        assert judged("relu-several-components", every).verdict == FAILS
        assert judged("relu-several-components", {"a": (net(3, "identity"), [HALF, LONG])}).verdict == UNMEASURED

    @pytest.mark.parametrize(
        ("wide", "verdict"),
        [([HALF], HOLDS), ([HALF, (0.02, 0.08)], HOLDS), ([HALF, LONG, LONG], FAILS), ([HALF, (0.02, 0.2)], FAILS)],
    )
    def test_a_wider_one_has_fewer_and_shorter_bars(self, wide, verdict):
        narrow = (net(3, "relu"), [HALF, LONG, LONG])
        assert judged("relu-wider-fewer", {"a": narrow, "b": (net(12, "relu"), wide)}).verdict == verdict
        assert judged("relu-wider-fewer", {"a": narrow, "b": (net(12, "relu", 0.1), wide)}).verdict == UNMEASURED

    def test_without_bars_nothing_is_measured(self):
        verdicts = {obtained(claim.id, a=net(3, "relu")).verdict for claim, _ in LEVEL_SET_CLAIMS}
        assert verdicts == {UNMEASURED}


def test_losses_of_maps_of_low_rank_are_those_that_descents_reach() -> None:
    x, y = TASKS["permuted-points"]()
    linear = PerceptronSpec(**net(2, "identity"))
    assert rank_loss(linear, 0) == pytest.approx(float(y.square().mean()))
    full = y - x @ torch.linalg.lstsq(x, y).solution
    assert rank_loss(linear, 2) == pytest.approx(float(full.square().mean()))
    best = min(  # of maps of rank 1, u vᵀ: for each direction u of the plane the best v
        float((y - (x @ u)[:, None] * torch.linalg.lstsq((x @ u)[:, None], y).solution).square().mean())
        for a in np.linspace(0, np.pi, 2000)
        for u in [torch.tensor([np.cos(a), np.sin(a)], dtype=torch.float64)]
    )
    assert rank_loss(linear, 1) == pytest.approx(best, abs=1e-6)


# Optimised ---------------------------------------------------------------------------------------

RAMP = {"kind": "ramp", "m1": 150, "m2": 300, "lr_max": 3.0e-2, "lr_min": 3.0e-5}
DESCENT = {"optimiser": "adam", "schedule": RAMP, "epochs": 300}
CURVES = DESCENT | {"family": {"kind": "chain", "bends": 5}, "points": 8, "tilt": 50.0}
CURVES |= {"grid": {"points": 41, "refinements": 2}}


def longest_bars(landscape: Landscape) -> np.ndarray:
    """Lengths of the finite merged bars, the longest first."""
    box = ((-2.0, 2.0),) * landscape.dim
    ends = optimised_barcode(landscape, box, 10, Minima(**DESCENT), Curves(**CURVES), 0).merged.diagram()
    return np.sort((ends[:, 1] - ends[:, 0])[np.isfinite(ends[:, 1])])[::-1]


def perceptron(hidden: int, activation: str, decay: float = 0.0) -> Perceptron:
    return Perceptron(Architecture((hidden,), activation, biases=False), *TASKS["permuted-points"](), "mse", decay)


def test_linear_networks_and_their_known_saddle() -> None:
    assert longest_bars(perceptron(3, "identity"))[0] < TOLERANCE
    narrow = longest_bars(perceptron(2, "identity"))
    linear = PerceptronSpec(**net(2, "identity"))
    known = rank_loss(linear, 1) - rank_loss(linear, 2)
    assert narrow[0] == pytest.approx(known, abs=TOLERANCE) and narrow[1] < TOLERANCE


TINY: dict[str, Any] = {
    "kind": "functions",
    "title": "Two networks",
    "optimised": {
        "starts": 4,
        "tolerance": 1.0e-2,
        "minima": DESCENT | {"epochs": 20, "schedule": {"kind": "constant", "lr": 5.0e-2}},
        "curves": CURVES | {"epochs": 5, "schedule": {"kind": "constant", "lr": 5.0e-2}},
    },
    "models": {
        "linear": {"landscape": net(1, "identity", task="quadratic"), "cloud": {"points": 400}},
        "relu": {"landscape": net(3, "relu")},
    },
    "figures": ["components"],
}


def test_models_with_and_without_a_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan(small=TINY)
    run_tasks(plan.tasks("small"))
    table = read_table_of(the_task(plan, "small", "gather"))
    assert set(table["source"][table["model"] == "relu"]) == {"direct", "merged"}
    assert set(table["source"][table["model"] == "linear"]) == {"cloud", "direct", "merged"}
    records = read_records(Path("results/small/relu/barcode.json"))
    assert [record["convention"] for record in records] == ["direct", "merged"]
    claims = read_table_of(plan.claims("small"))
    assert {"linear-narrow", "relu-several-components"} <= set(claims["id"])
    assert "loss λ" in Path("results/figures/small-components.svg").read_text()


def test_the_tolerance_reaches_records_of_curves_alone() -> None:
    before, after = (make_plan(small=changed(TINY, "optimised.tolerance", value)) for value in (0.01, 0.02))
    for model, same in (("linear", True), ("relu", False)):
        keys = {the_task(plan, "small", "sublevel_barcode", model).key for plan in (before, after)}
        assert (len(keys) == 1) == same
        assert len({the_task(plan, "small", "optimised", model).key for plan in (before, after)}) == 2
