"""Components of sublevel sets: counted from bars, against what is counted directly, as a figure, and as claims."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import StepPatch
from scipy.ndimage import label

from lossbars.barcodes.barcode import ArrayBarcode, Bar, Barcode, components_at
from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNMEASURED, Finding
from lossbars.claims.results import FunctionResults
from lossbars.documents.plan import Jobs
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS, rank_loss
from lossbars.functions import Function, himmelblau, six_hump_camel
from lossbars.landscape import Landscape
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.toy_data import TASKS
from lossbars.optimise.multistart import optimised_barcode
from lossbars.plots.components import components
from lossbars.recipes import Curves, Minima
from lossbars.sublevel import sublevel_barcode
from lossbars.sublevel.regular_grid import grid_neighbours
from lossbars.workflow.artefacts import read_records, read_table
from lossbars.workflow.plan import Plan
from support.function_figures import LABELS, both_ways, by_gid, make_bars, points, segments, words
from support.workflow import Checkout, changed

LOOP = Bar(2.5, 4.0, 1, (0, 1), (0, 1, 2))
THREE = Barcode(
    [Bar(0.0, math.inf, 0, (0,), None), Bar(1.0, 3.0, 0, (1,), (0, 1)), Bar(2.0, 3.0, 0, (2,), (0, 2)), LOOP], "merged"
)


class TestCount:
    def test_a_bar_counts_from_its_birth_to_before_its_death(self):
        levels = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 2.9, 3.0, 9.0])
        assert THREE.components_at(levels).tolist() == [0, 1, 1, 2, 3, 3, 1, 1]
        assert THREE.components_at(2.7, dim=1) == 1 and THREE.components_at(4.0, dim=1) == 0

    def test_levels_keep_their_shape(self):
        assert THREE.components_at(2.0).shape == () and THREE.components_at(2.0).dtype == np.int64
        assert THREE.components_at(np.array([[0.0, 1.0], [2.0, 3.0]])).tolist() == [[1, 2], [3, 1]]
        assert THREE.components_at(np.zeros(0)).shape == (0,)

    def test_ends_of_the_line(self):
        assert THREE.components_at(np.array([-math.inf, math.inf])).tolist() == [0, 1]
        assert components_at(np.zeros((0, 2)), 1.0) == 0
        assert components_at(np.array([[1.0, 1.0]]), 1.0) == 0, "a bar of length zero"
        with pytest.raises(ValueError, match="a level is NaN"):
            THREE.components_at(math.nan)

    def test_arrays_of_bars(self):
        found = ArrayBarcode(np.array([0.0, 1.0]), np.array([math.inf, 2.0]), np.arange(2), np.array([-1, 5]), "merged")
        assert found.components_at(np.array([1.0, 2.0])).tolist() == [2, 1]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 5)), max_size=12), st.integers(-6, 11))
    def test_by_the_definition(self, rows, level):
        diagram = np.array([(b, math.inf if length == 5 else b + length) for b, length in rows], float).reshape(-1, 2)
        born, dead = (diagram <= level).sum(axis=0)
        assert components_at(diagram, float(level)) == born - dead


@pytest.mark.parametrize("function", [six_hump_camel, himmelblau], ids=lambda one: one.name)
def test_components_of_a_grid_are_those_that_are_labelled(function: Function) -> None:
    side = 120
    axes = [torch.linspace(low, high, side, dtype=torch.float64) for low, high in function.box]
    grid = torch.cartesian_prod(*axes)
    values = function.loss(grid).numpy()
    found = sublevel_barcode(values, grid_neighbours((side, side), 0, side**2))
    ends = np.unique(found.diagram()[np.isfinite(found.diagram())])
    levels = np.concatenate([ends, np.nextafter(ends, -np.inf), np.quantile(values, np.linspace(0, 1, 40))])
    counted = [label(values.reshape(side, side) <= level, np.ones((3, 3)))[1] for level in levels]
    assert found.components_at(levels).tolist() == counted and max(counted) > 3


class TestFigure:
    def steps(self, figure: Any, model: str) -> tuple[list[float], list[float]]:
        patch = by_gid(figure, f"steps-{model}")
        assert isinstance(patch, StepPatch)
        values, edges, _ = patch.get_data()
        return values.tolist(), edges.tolist()

    def test_steps_beside_bars(self):
        figure = components(make_bars(), LABELS, "N", "value")
        counts, edges = self.steps(figure, "bowl")
        assert edges[1:-1] == [-1.0, -0.201, -0.2, 0.0, 0.5, 0.501] and counts == [0, 2, 3, 4, 3, 2, 1]
        assert len(segments(figure, "bars-bowl")) == 4, "the fifth is noise"
        left, right = figure.axes[:2]
        assert left.get_ylim() == right.get_ylim() and right.get_xlabel() == "N(λ)"
        assert "Wall: 4 bars" in words(figure) and "N ≤ 4" in words(figure) and "Of a cloud" in words(figure)
        assert points(figure, "births-wall")[:, 1].tolist() == [-1.0, -1.0, -0.201, -0.2], "by birth, then death"

    def test_curves_where_there_is_no_cloud_without_what_is_within_the_tolerance(self):
        bars = both_ways()
        curves = bars[(bars["source"] != "cloud") | (bars["model"] == "wall")].copy()
        curves.loc[curves["source"] == "merged", "threshold"] = 0.75
        figure = components(curves, LABELS, "N")
        assert self.steps(figure, "bowl")[0] == [0, 2, 3, 2, 1], "one of .8 and one of 1, and not that of .702"
        assert self.steps(figure, "wall")[0] == [0, 2, 3, 4, 3, 2, 1]
        assert "no longer than the stated tolerance" in words(figure) and "Of a cloud" in words(figure)

    def test_one_axis_or_each_its_own(self):
        bars = pd.concat([make_bars(("bowl",)), make_bars(("wall",), [(10.0, math.inf, 1, (0, 0), None)])])
        own, one = (components(bars, LABELS, "", "value", shared) for shared in (False, True))
        assert len({axes.get_ylim() for axes in own.axes}) == 2 and len({axes.get_ylim() for axes in one.axes}) == 1

    def test_of_networks_merged_bars_of_minima(self):
        rows = [("net", "merged", 0, 0.001, math.inf), ("net", "merged", 0, 0.002, 0.2), ("net", "merged", 1, 0.3, 0.4)]
        bars = pd.DataFrame(
            [*rows, ("net", "direct", 0, 0.002, 0.5)], columns=["model", "convention", "dim", "birth", "death"]
        )
        figure = components(bars, {"net": "Net"}, "N")
        assert self.steps(figure, "net")[0] == [0, 1, 2, 1] and figure.axes[1].get_yscale() == "log"
        assert "Only minima that were found count" in words(figure) and "loss λ (log scale)" in words(figure)
        with pytest.raises(ValueError, match="'net', convention merged"):
            components(bars[bars["convention"] == "direct"], {"net": "Net"}, "N")


# Claims ------------------------------------------------------------------------------------------

CHECKS = {claim.id: check for claim, check in LEVEL_SET_CLAIMS}
TOLERANCE = 0.005


def net(hidden: int, activation: str, decay: float = 0.0, task: str = "permuted-points") -> dict[str, Any]:
    return {
        "kind": "perceptron", "task": task, "hidden": [hidden], "activation": activation, "output": "identity",
        "biases": False, "error": "mse", "weight_decay": decay, "box": 2.0,
    }  # fmt: skip


def obtained(
    claim: str, found: dict[str, tuple[dict[str, Any], list[tuple[float, float]]]], scale: float = 1.0
) -> Finding:
    """Model → its landscape, and births and deaths of its merged bars."""
    tables = [
        pd.DataFrame(bars, columns=["birth", "death"]).assign(model=model, source="merged", seed=0, threshold=TOLERANCE)
        for model, (_, bars) in found.items()
    ]
    models = {model: {"landscape": own, "label": model.upper()} for model, (own, _) in found.items()}
    results = FunctionResults(
        "level-sets", {"models": models, "scale": {"epochs": scale}}, pd.concat(tables), pd.DataFrame()
    )
    return CHECKS[claim](results)


HALF = (0.02, math.inf)
SHORT, LONG = (0.02, 0.02 + TOLERANCE / 2), (0.02, 0.09)


class TestClaims:
    def test_a_linear_network_has_one_bar(self):
        found = obtained("linear-one-component", {"a": (net(3, "identity"), [HALF, SHORT, SHORT])})
        assert found.verdict == HOLDS and found.obtained == "A: one half-line (within 0.0050: 2 up to 0.0025)"
        found = obtained("linear-one-component", {"a": (net(3, "identity", 0.01), [HALF, SHORT, LONG])}, 0.1)
        assert found.verdict == FAILS + AT_BUDGET and "half-line and [0.02000, 0.09000]" in found.obtained

    def test_narrow_and_rectified_networks_are_no_wide_linear_ones(self):
        others = {"a": (net(2, "identity"), [HALF, LONG]), "b": (net(3, "relu"), [HALF, LONG])}
        assert obtained("linear-one-component", others).verdict == UNMEASURED

    @pytest.mark.parametrize(("top", "verdict"), [(0.2068, HOLDS), (0.3, FAILS), (0.0201, FAILS)])
    def test_a_narrow_linear_network_has_two_up_to_the_known_saddle(self, top, verdict):
        found = obtained("linear-narrow", {"a": (net(2, "identity"), [HALF, SHORT, (0.02, top)])})
        assert found.verdict == verdict and "against 0.2068" in found.obtained

    def test_a_narrow_linear_network_with_three_components(self):
        bars = [HALF, (0.02, 0.2068), (0.02, 0.2068)]
        assert obtained("linear-narrow", {"a": (net(2, "identity"), bars)}).verdict == FAILS
        assert obtained("linear-narrow", {"a": (net(2, "identity", 0.1), bars)}).verdict == UNMEASURED, "another saddle"

    def test_a_rectified_network_has_several(self):
        found = obtained("relu-several-components", {"a": (net(3, "relu"), [HALF, LONG, LONG, SHORT])})
        assert found.verdict == HOLDS and "no proof" in found.detail
        every = {"a": (net(3, "relu"), [HALF, LONG]), "b": (net(3, "relu", 0.1), [HALF, SHORT])}
        assert obtained("relu-several-components", every).verdict == FAILS
        assert obtained("relu-several-components", {"a": (net(3, "identity"), [HALF, LONG])}).verdict == UNMEASURED

    @pytest.mark.parametrize(
        ("wide", "verdict"),
        [([HALF], HOLDS), ([HALF, (0.02, 0.08)], HOLDS), ([HALF, LONG, LONG], FAILS), ([HALF, (0.02, 0.2)], FAILS)],
    )
    def test_a_wider_one_has_fewer_and_shorter_bars(self, wide, verdict):
        narrow = (net(3, "relu"), [HALF, LONG, LONG])
        assert obtained("relu-wider-fewer", {"a": narrow, "b": (net(12, "relu"), wide)}).verdict == verdict
        assert obtained("relu-wider-fewer", {"a": narrow, "b": (net(12, "relu", 0.1), wide)}).verdict == UNMEASURED

    def test_without_bars_nothing_is_measured(self):
        results = FunctionResults("e", {"models": {"a": {"landscape": net(3, "relu")}}}, pd.DataFrame(), pd.DataFrame())
        assert {check(results).verdict for check in CHECKS.values()} == {UNMEASURED}


def test_losses_of_maps_of_low_rank_are_those_that_descents_reach() -> None:
    x, y = TASKS["permuted-points"]()
    assert rank_loss(net(2, "identity"), 0) == pytest.approx(float(y.square().mean()))
    full = y - x @ torch.linalg.lstsq(x, y).solution
    assert rank_loss(net(2, "identity"), 2) == pytest.approx(float(full.square().mean()))
    best = min(  # of maps of rank 1, u vᵀ: for each direction u of the plane the best v
        float((y - (x @ u)[:, None] * torch.linalg.lstsq((x @ u)[:, None], y).solution).square().mean())
        for a in np.linspace(0, np.pi, 2000)
        for u in [torch.tensor([np.cos(a), np.sin(a)], dtype=torch.float64)]
    )
    assert rank_loss(net(2, "identity"), 1) == pytest.approx(best, abs=1e-6)


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
    known = rank_loss(net(2, "identity"), 1) - rank_loss(net(2, "identity"), 2)
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


@pytest.mark.workflow
def test_the_workflow_of_models_with_and_without_a_cloud(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "here", small=TINY)
    wanted = ("small/relu/barcode.json", "small/claims.parquet")
    checkout.run("results/figures/small-components.svg", *(f"results/{name}" for name in wanted))
    results = tmp_path / "here/results"
    table = read_table(results / "small/barcodes.parquet")
    assert set(table["source"][table["model"] == "relu"]) == {"direct", "merged"}
    assert set(table["source"][table["model"] == "linear"]) == {"cloud", "direct", "merged"}
    records = read_records(results / "small/relu/barcode.json")
    assert [record["convention"] for record in records] == ["direct", "merged"]
    assert {"linear-narrow", "relu-several-components"} <= set(read_table(results / "small/claims.parquet")["id"])
    assert "loss λ" in (results / "figures/small-components.svg").read_text()


def test_the_tolerance_reaches_records_of_curves_alone() -> None:
    before, after = (
        Jobs(Plan({"experiments": {"small": changed(TINY, "optimised.tolerance", value)}})) for value in (0.01, 0.02)
    )
    for model, same in (("linear", True), ("relu", False)):
        keys = {jobs.sublevel_barcode("small", model).key for jobs in (before, after)}
        assert (len(keys) == 1) == same
        assert len({jobs.optimised("small", model).key for jobs in (before, after)}) == 2
