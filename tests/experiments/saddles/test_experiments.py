"""Path optimisers against known saddles: what may be said, what is measured, what is drawn and claimed of it."""

import math
from pathlib import Path as File
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lossbars.claims.claim import FAILS, HOLDS, NO_NUMBER, UNMEASURED
from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.claims.recipes import passes
from lossbars.experiments.saddles import claims
from lossbars.experiments.saddles.claims import SaddleResults, budget, errors
from lossbars.experiments.saddles.config import KNOWN, of_size
from lossbars.experiments.saddles.figures.death_error import death_error
from lossbars.experiments.saddles.figures.insertion import insertion
from lossbars.experiments.saddles.known_bars import connected, critical, known_bars
from lossbars.functions import Function, bent_double_well, himmelblau, mueller_brown, rastrigin, six_hump_camel, wavy
from lossbars.landscapes.make import make_landscape
from lossbars.landscapes.specs import FunctionSpec
from lossbars.recipes import Curves, Path, Paths
from lossbars.workflow.claims_step import claim_rows
from lossbars.workflow.config import ConfigError
from lossbars.workflow.fingerprint import closure
from lossbars.workflow.plan import Plan
from support.plans import (
    changed,
    changed_rules,
    check_config,
    claims_settings,
    make_plan,
    read_table_of,
    run_tasks,
    tasks_by_path,
    the_task,
)

SAD = KINDS["saddles"].example()
FLOW, CHAIN = SAD["optimisers"]["flow"], SAD["optimisers"]["chain"]
STAGES = SAD["models"]["bent"]["insertion"]


def plan(experiment: dict[str, Any] = SAD, scale: Any = 1) -> Plan:
    return make_plan(scale, sad=experiment)


# What may be said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "models.camel.landscape.name",
            "langermann",
            "minima and saddles of langermann are not known; of six_hump_camel",
        ),
        ("models.camel.landscape.box", [[0, 1], [0, 1]], "landscape: curves between known minima have no box"),
        ("models.camel.landscape", {"kind": "regression"}, "models.camel.landscape.kind: Input should be 'function'"),
        ("models", {}, "models: at least one is needed"),
        ("optimisers", {}, "optimisers: at least one is needed"),
        ("optimisers", {"Flow": FLOW}, "optimiser key 'Flow': lower-case letters"),
        ("optimisers.flow.epoch", 3, r"experiments\.one\.optimisers\.flow\.epoch: unknown key; did you mean 'epochs'"),
        ("optimisers.chain.family.bend", 3, r"one\.optimisers\.chain\.family\.bend: unknown key; did you mean 'bends'"),
        ("sizes", [2, 1], "sizes: each must be larger than the one before"),
        ("sizes", [], "experiments.one.sizes: List should have at least 1 item"),
        ("figures", ["death-errors"], "experiments.one.figures.0: no figure 'death-errors'; there are 'death-error'"),
        ("seeds", 2, "experiments.one.seeds: unknown key"),
        ("models.bent.landscape.dim", 3, "insertion: its path is drawn, so the function must have two coordinates"),
        ("models.bent.insertion.minima", [1, 1], "minima: a path joins two different ones"),
        ("models.bent.insertion.path.epochs", 30, "needs an insertion, and more epochs than its 'every'"),
        ("models.bent.insertion.path.family.insertion", None, "needs an insertion, and more epochs than its 'every'"),
        ("models.bent.insertion", None, "figures: 'insertion' needs a model with an insertion recipe"),
    ],
)
def test_mistakes_are_named_with_their_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(one=changed(SAD, place, value))


def test_models_override_optimisers_key_by_key_and_add_their_own() -> None:
    mine = {"flow": {"epochs": 7, "family": {"kind": "path", "climb": 0.5}}, "other": CHAIN}
    made = plan(changed(SAD, "models.camel.optimisers", mine)).experiments["sad"].models
    flow = made["camel"].optimisers["flow"]
    assert isinstance(flow, Paths) and (flow.epochs, flow.family.points, flow.family.climb) == (7, 6, 0.5)
    assert list(made["camel"].optimisers) == ["flow", "chain", "other"] and list(made["bent"].optimisers) == [
        "flow",
        "chain",
    ]


def test_a_scale_drops_sizes_and_shrinks_epochs() -> None:
    large = SAD | {"sizes": [1, 2, 4, 8]}
    small = plan(large, {"points": 0.5, "epochs": 0.5})
    config: Any = small.experiments["sad"]
    assert config.sizes == [1, 2, 4] and config.models["camel"].optimisers["chain"].epochs == 5
    assert config.models["bent"].insertion.path.epochs == 70
    assert claims_settings(small, "sad").scale == {"points": 0.5, "epochs": 0.5}
    least: Any = plan(large, 0.01).experiments["sad"]
    assert least.sizes == [1, 2]


class Counted(Function):
    """Counts gradients."""

    rows = 0

    def value_and_gradient(self, theta: Any, batch: Any) -> Any:
        """As any function."""
        Counted.rows += len(theta)
        return super().value_and_gradient(theta, batch)


@pytest.mark.parametrize("recipe", [Paths(**FLOW), Curves(**CHAIN)], ids=["flow", "chain"])
def test_sizes_multiply_places_and_epochs_and_evaluations_are_counted(recipe: Paths | Curves) -> None:
    function = bent_double_well(3)
    mine = Counted(function.name, function.box, function.formula, function.minima, function.saddles)
    for size in (1, 3):
        larger = of_size(recipe, size)
        Counted.rows = 0
        connected(mine, larger, "counted")
        assert Counted.rows == passes(larger) == size**2 * 10 * 4
    if isinstance(recipe, Paths):
        inserting = recipe.model_copy(update={"family": Paths(**STAGES["path"]).family})
        family = of_size(inserting, 3).family
        assert isinstance(family, Path) and (family.points, family.insertion.every) == (8, 30)
    if isinstance(larger, Curves):
        assert (larger.tilt, larger.family) == (60.0, recipe.family)
        assert larger.schedule.model_dump()["m2"] == 30


# What is known -----------------------------------------------------------------------------------

ENDING = {"six_hump_camel": 5, "mueller_brown": 2, "himmelblau": 3, "wavy": 4, "rastrigin": 6, "bent_double_well": 1}


@pytest.mark.parametrize("name", KNOWN)
def test_exact_bars_end_at_the_first_saddles(name: str) -> None:
    """Those that critical_points.py says end bars; of the others, gradient lines close loops."""
    dim = 3 if name in ("rastrigin", "bent_double_well") else None
    function, _ = make_landscape(FunctionSpec(kind="function", name=name, dim=dim))  # type: ignore[arg-type]
    assert isinstance(function, Function)
    bars = known_bars(function).bars
    deaths = sorted(bar.death for bar in bars if math.isfinite(bar.death))
    assert deaths == [value for _, value in function.saddles[: ENDING[name]]]
    assert sorted(bar.birth for bar in bars) == [value for _, value in function.minima]
    if name == "mueller_brown":
        assert [bar.dies_at for bar in bars] == [None, (0, 2), (1, 2)]


def test_what_is_not_known_is_said() -> None:
    camel = six_hump_camel
    without = Function("camel", camel.box, camel.formula, camel.minima[:3], camel.saddles)
    with pytest.raises(ValueError, match="camel: from its saddle 2 one comes down to none of its known minima"):
        known_bars(without)
    with pytest.raises(ValueError, match="its minima and saddles are not known"):
        known_bars(Function("bowl", camel.box, camel.formula))


def test_saddles_and_minima_are_critical_and_told_apart() -> None:
    for function in (mueller_brown, himmelblau, wavy, rastrigin(2)):
        for points, index in ((function.minima, 0), (function.saddles, 1)):
            found = critical(function, torch.tensor([place for place, _ in points], dtype=torch.float64))
            assert (found.gradient < 1e-12 * found.curvature).all() and (found.negative == index).all()
    slope = critical(bent_double_well(2), torch.tensor([[0.0, 0.0]], dtype=torch.float64))
    # f = (x² − 1)² + 4 (y − sin(π (x + 1)/2))² at 0: its gradient is (0, −8), its Hessian diag(−4 − 2 π², 8)
    assert slope.gradient.tolist() == pytest.approx([8.0]) and slope.negative.tolist() == [1]
    assert slope.curvature.tolist() == pytest.approx([4 + 2 * math.pi**2])


# Steps -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Deaths of each model, those of both together as ``saddles``, the stages of ``insertion``, and ``claims``."""
    made = plan()
    tasks = {model: the_task(made, "sad", "saddle_deaths", model) for model in ("camel", "bent")}
    others = {"saddles": "gather", "insertion": "saddle_insertion", "claims": "claims"}
    tasks |= {name: the_task(made, "sad", rule) for name, rule in others.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("saddles"))
        run_tasks(tasks.values())
        return {name: read_table_of(task) for name, task in tasks.items()}


def test_a_row_for_each_optimiser_size_and_bar(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["saddles"]
    assert len(table) == 2 * 2 * (5 + 1)
    camel = table[(table["model"] == "camel") & (table["optimiser"] == "flow") & (table["size"] == 2)]
    assert camel["minimum"].tolist() == [1, 2, 3, 4, 5]
    assert camel["truth"].tolist() == [value for _, value in six_hump_camel.saddles[:5]]
    assert camel["birth"].tolist() == [value for _, value in six_hump_camel.minima[1:]]
    assert set(camel["evaluations"]) == {20 * 8}
    assert (camel["negative"] == 1).all() and (camel["merged"] - camel["truth"]).abs().max() < 0.01
    assert (table["direct"] >= table["merged"] - 1e-12).all() and (table["merged"] > table["truth"] - 1e-6).all()


def test_the_same_again(tables: dict[str, pd.DataFrame], tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    again = the_task(plan(), "sad", "saddle_deaths", "bent")
    run_tasks([again])
    pd.testing.assert_frame_equal(read_table_of(again), tables["bent"])


def test_before_the_insertion_segments_leave_the_valley(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["insertion"]
    assert table.groupby("stage")["epoch"].first().tolist() == [30, 60, 70]
    paths = [path for _, path in table.groupby("stage")]
    assert [len(path) for path in paths] == [4, 6, 8]
    for path in paths:
        assert path["point"].tolist() == list(range(len(path))) and np.isnan(path["segment"].iloc[-1])
        assert path[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[-1, 0], [1, 0]]
        loss, segment = path["loss"].to_numpy(), path["segment"].to_numpy()[:-1]
        assert (segment >= np.maximum(loss[:-1], loss[1:]) - 1e-12).all()
    assert paths[0]["loss"].max() < 0.5 and paths[0]["segment"].max() > 1.5  # the saddle is at 1
    assert paths[-1]["segment"].max() == pytest.approx(1.0, abs=0.02)


def test_a_minimum_that_is_not_known_is_named() -> None:
    wrong = plan(changed(SAD, "models.bent.insertion.minima", [0, 2]))
    with pytest.raises(ValueError, match=r"insertion\.minima: bent_double_well has no minimum 2: known are 0 to 1"):
        run_tasks([the_task(wrong, "sad", "saddle_insertion")])


# The plan ----------------------------------------------------------------------------------------

RESULTS = {"claims", "figure", "usage"}
DEATHS = {"saddle_deaths", "gather"} | RESULTS


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        ("sizes", [1, 3], DEATHS),
        ("optimisers.flow.epochs", 11, DEATHS),
        ("models.bent.insertion.minima", [1, 0], {"saddle_insertion"} | RESULTS),
        ("models.camel.label", "another", RESULTS),
        ("title", "another", RESULTS),
        ("resources", {"mem_mb": 7777}, {"usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(place: str, value: Any, rules: set[str]) -> None:
    assert changed_rules(plan(), plan(changed(SAD, place, value)), "sad") == rules


def test_sizes_and_the_code_of_a_figure_reach_what_they_decide() -> None:
    before, after = plan(), plan(SAD | {"sizes": [1, 2, 3]})
    old = tasks_by_path(before, "sad")
    kept = {task.path for task in after.tasks("sad") if task.key == old[task.path].key}
    stages = {f"results/sad/bent/{name}.parquet" for name in ("insertion", "surface")}
    assert kept == stages | {"results/figures/sad-insertion.pdf"}
    figures = {task.outputs["pdf"]: closure(task.module, task.extra_modules)[0] for task in before.figures("sad")}
    module = "lossbars.experiments.saddles.figures.insertion"
    assert [path for path, modules in figures.items() if module in modules] == ["results/figures/sad-insertion.pdf"]


def test_what_a_run_leaves_reads_and_asks_for() -> None:
    made = plan()
    read = {path: {one.path for one in task.reads()} for path, task in tasks_by_path(made, "sad").items()}
    assert "results/sad/camel/insertion.parquet" not in read
    assert read["results/sad/saddles.parquet"] == {f"results/sad/{m}/saddles.parquet" for m in ("camel", "bent")}
    stages = {f"results/sad/bent/{name}.parquet" for name in ("insertion", "surface")}
    assert read["results/figures/sad-insertion.svg"] == stages
    assert read["results/figures/sad-death-error.svg"] == {"results/sad/saddles.parquet"}
    long = plan(changed(SAD, "sizes", [1, 500]))
    asked = [one.request(the_task(one, "sad", "saddle_deaths", "camel")) for one in (made, long)]
    assert asked[0].runtime < asked[1].runtime and asked[0].mem_mb >= 1000
    stated = plan(changed(SAD, "models.camel.resources", {"runtime": 77}) | {"resources": {"mem_mb": 7777}})
    wanted = stated.request(the_task(stated, "sad", "saddle_deaths", "camel"))
    assert (wanted.mem_mb, wanted.runtime) == (7777, 77)
    without = plan(SAD | {"figures": ["death-error"]})
    assert not [task for task in without.tasks("sad") if task.rule in ("saddle_insertion", "surface")]


def test_figures_show_models_in_the_configured_order() -> None:
    labels = {task.settings.figure: list(task.settings.labels.items()) for task in plan().figures("sad")}  # type: ignore[attr-defined]
    assert labels == {"death-error": [("camel", "HumpCamel6"), ("bent", "bent")], "insertion": [("bent", "bent")]}


# Claims ------------------------------------------------------------------------------------------


def test_all_claims_are_judged(tables: dict[str, pd.DataFrame]) -> None:
    assert list(tables["claims"]["id"]) == ["error-falls", "lands", "best", "never-below"]
    assert set(tables["claims"]["experiment"]) == {"sad"}


def bars(*rows: tuple[str, int, float, float], truth: float = 1.0, **changes: Any) -> pd.DataFrame:
    """A bar [0, truth] of the model ``one``: optimiser, size, merged death, gradient at its top."""
    table = pd.DataFrame(rows, columns=["optimiser", "size", "merged", "gradient"])
    table = table.assign(model="one", minimum=1, birth=0.0, truth=truth, curvature=2.0, negative=1)
    return table.assign(evaluations=100 * table["size"] ** 2, direct=table["merged"]).assign(**changes)


def results(table: pd.DataFrame, **scale: float) -> SaddleResults:
    climbing = FLOW | {"family": {"kind": "path", "points": 6, "climb": 0.5}}
    optimisers = {"flow": FLOW, "climbing": climbing, "chain": CHAIN}
    model = SAD["models"]["camel"] | {"label": "One"}
    experiment = SAD | {"optimisers": optimisers, "models": {"one": model}, "figures": ["death-error"]}
    settings: Any = claims_settings(plan(experiment, scale), "sad")
    return SaddleResults(settings, table)


def findings(table: pd.DataFrame, **scale: float) -> dict[str, Any]:
    judged = results(table, **scale)
    rows = claim_rows(claims, "sad", judged.settings.config, judged)
    return {row["id"]: row for row in rows.to_dict("records")}


FLOWS = [("flow", 1, 1.1, 0.1), ("flow", 2, 1.01, 0.1)]
CLIMBS = [("climbing", 1, 1.01, 1e-3), ("climbing", 2, 1.0, 1e-9)]


def test_claims_of_errors_that_fall() -> None:
    found = findings(bars(*FLOWS, *CLIMBS))["error-falls"]
    assert found["verdict"] == HOLDS and "One: flow 0.10 → 0.010, climbing 0.010 → 2.2e−16" in found["obtained"]
    rising = bars(*FLOWS, ("chain", 1, 1.1, 0.1), ("chain", 2, 1.2, 0.1))
    found = findings(rising)["error-falls"]
    assert found["verdict"] == FAILS and "not nearer: chain on One" in found["detail"]
    assert findings(rising, points=0.5)["error-falls"]["verdict"] == f"{FAILS} at this budget"
    assert findings(bars(("chain", 1, 1 + 1e-9, 0.1), ("chain", 2, 1 + 2e-9, 0.1)))["error-falls"]["verdict"] == HOLDS
    assert findings(bars(FLOWS[0]))["error-falls"]["verdict"] == UNMEASURED


def test_claims_of_points_that_climb() -> None:
    assert findings(bars(*FLOWS))["lands"]["verdict"] == UNMEASURED
    found = findings(bars(*CLIMBS))["lands"]
    assert found["verdict"] == HOLDS and "5e−10 at most, one negative eigenvalue at 1 of 1" in found[
        "obtained"
    ].replace("5.0e", "5e")
    assert findings(bars(*CLIMBS, negative=2))["lands"]["verdict"] == FAILS
    assert findings(bars(CLIMBS[0], ("climbing", 2, 1.0, 1e-3)))["lands"]["verdict"] == FAILS


def test_claims_of_the_best_compare_at_as_many_gradients() -> None:
    """At 100 gradients the chain is the best, and what the flow does with 400 does not count."""
    found = findings(bars(*FLOWS, ("chain", 1, 1.05, 0.1)))["best"]
    assert found["verdict"] == NO_NUMBER and found["obtained"] == "One: 100 gradients: chain 0.050, flow 0.10"


def test_claims_of_deaths_below_saddles() -> None:
    assert findings(bars(*FLOWS))["never-below"]["verdict"] == HOLDS
    assert findings(bars(*FLOWS, direct=0.9))["never-below"]["verdict"] == FAILS
    assert budget(results(bars(*FLOWS))) == "1 optimisers at 2 sizes, 100 to 400 gradients a curve"


def test_errors_are_the_largest_of_a_size_and_finite() -> None:
    table = pd.concat([bars(*FLOWS), bars(*FLOWS, truth=0.5)])
    assert errors(table)["error"].tolist() == pytest.approx([0.6, 0.51])
    with pytest.raises(ValueError, match="not finite"):
        errors(bars(("flow", 1, math.inf, 0.1)))


# Figures -----------------------------------------------------------------------------------------


def test_a_line_for_each_optimiser(tables: dict[str, pd.DataFrame]) -> None:
    figure = death_error(tables["saddles"], {"camel": "HumpCamel6", "bent": "Bent"}, "Errors")
    assert [axes.get_title() for axes in figure.axes] == ["HumpCamel6", "Bent"]
    for axes, model in zip(figure.axes, ("camel", "bent"), strict=True):
        lines = {line.get_gid(): line for line in axes.lines}
        assert set(lines) == {f"{model}-flow", f"{model}-chain"}
        wanted = errors(tables["saddles"]).query(f"model == '{model}' and optimiser == 'flow'")
        np.testing.assert_array_equal(lines[f"{model}-flow"].get_xydata(), wanted[["evaluations", "error"]].to_numpy())
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    with pytest.raises(ValueError, match="no row for model 'other'"):
        death_error(tables["saddles"], {"other": "Other"}, "Errors")


def test_a_panel_for_each_stage(tables: dict[str, pd.DataFrame]) -> None:
    axis = np.linspace(-2, 2, 21)
    x, y = (part.ravel() for part in np.meshgrid(axis, axis))
    surface = pd.DataFrame({"model": "bent", "x": x, "y": y, "value": x**2 + y**2})
    stages = tables["insertion"].assign(model="bent")
    figure = insertion(stages, surface, {"bent": "Bent"}, "Stages")
    assert len(figure.axes) == 3
    for stage, axes in enumerate(figure.axes):
        (line,) = axes.lines
        path = stages[stages["stage"] == stage]
        np.testing.assert_array_equal(line.get_xydata(), path[["x", "y"]].to_numpy())
        assert f"{len(path)} points" in axes.get_title() and axes.collections
    with pytest.raises(ValueError, match="no full grid"):
        insertion(stages, surface.iloc[1:], {"bent": "Bent"}, "Stages")
