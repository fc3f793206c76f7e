"""Experiments on functions: what they may say, what their tasks ask for and depend on, and what their steps leave."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.experiments.functions.bars import FIRST, LAST
from lossbars.experiments.functions.claims import catalogue
from lossbars.experiments.kinds import KINDS
from lossbars.workflow import fingerprint
from lossbars.workflow.artefacts import read_records
from lossbars.workflow.claims_step import claim_rows
from lossbars.workflow.config import ConfigError
from lossbars.workflow.fingerprint import closure
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from support.function_figures import make_bars
from support.function_tables import CAMEL as CAMEL_LANDSCAPE
from support.function_tables import function_results
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

ADAM = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 5.0e-2}}
CURVES = ADAM | {"epochs": 10, "family": {"kind": "chain", "bends": 1}, "grid": {"points": 9, "refinements": 1}}
CAMEL = {"label": "HumpCamel6", "landscape": CAMEL_LANDSCAPE}
FN: dict[str, Any] = {
    "kind": "functions",
    "title": "A function of two variables",
    "seeds": 1,
    "cloud": {"points": 2000},
    "optimised": {"starts": 8, "minima": ADAM | {"epochs": 20}, "curves": CURVES},
    "models": {"camel": CAMEL},
    "figures": ["surface", "bridge"],
}
NET = {"kind": "regression", "hidden": [2], "activation": "tanh", "biases": False, "weight_decay": 0.0, "box": 2.0}
OWN = """
from types import SimpleNamespace

bowl = SimpleNamespace(dim=2, loss=lambda theta: theta.square().sum(1))
def wells():
    return SimpleNamespace(dim=1, loss=lambda theta: (theta[:, 0].square() - 1).square())
flat = SimpleNamespace(dim=2, loss=lambda theta: theta)
number = 7
"""


def plan(experiment: dict[str, Any] = FN, scale: Any = 1) -> Plan:
    return make_plan(scale, fn=experiment)


# What may be said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "place", "value", "message"),
    [
        (FN, "kind", "clouds", "experiments.one: Input tag 'clouds' found using 'kind'"),
        (FN, "points", 100, "experiments.one.points: unknown key$"),
        (FN, "cloud.point", 100, "experiments.one.cloud.point: unknown key; did you mean 'points'?"),
        (FN, "cloud.points", "many", "experiments.one.cloud.points: Input should be a valid integer"),
        (FN, "cloud.cut", 0, "experiments.one.cloud.cut: Input should be greater than 0"),
        (FN, "cloud.noise", 1.0, "experiments.one.cloud.noise: Input should be less than 1"),
        (FN, "cloud", {"points": 9, "sampling": "grid", "neighbours": 4}, "cloud: neighbours: the points of a grid"),
        (FN, "optimised.minima.epoch", 1, "experiments.one.optimised.minima.epoch: unknown key; did you mean 'epochs'"),
        (FN, "optimised.starts", 1, "experiments.one.optimised.starts: Input should be greater than or equal to 2"),
        (FN, "models.camel.landscape.name", "camel", r"models.camel.landscape.name: Input should be 'six_hump_camel'"),
        (FN, "models.camel.landscape.dims", 2, r"models.camel.landscape.dims: unknown key; did you mean 'dim'"),
        (FN, "models.camel.landscape.dim", 3, "six_hump_camel is a function of two coordinates: dim cannot be 3"),
        (FN, "models.camel.landscape", CAMEL_LANDSCAPE | {"name": "alpine01"}, "every dimension: it needs dim"),
        (FN, "models.camel.landscape.box", [[0, 1]], "box: 1 sides, where six_hump_camel has 2 coordinates"),
        (FN, "models.camel.landscape.box", [[0, 1], [1, 1]], r"box: a side needs low < high, not \[1, 1\]"),
        (FN, "models.camel.landscape", NET | {"activation": "step"}, "landscape.activation: Input should be 'relu'"),
        (FN, "models.camel.landscape", {"kind": "custom", "source": "no.py:f", "box": [[0, 1]]}, "no such file: no.py"),
        (FN, "models.camel.landscape", {"kind": "custom", "source": "no.py:f"}, "landscape.box: this key is missing"),
        (FN, "models", {}, "models: at least one is needed"),
        (FN, "optimised", None, "figures: 'bridge' needs a model with a cloud and an optimised recipe"),
        (FN, "cloud", None, "figures: 'bridge' needs a model with a cloud and an optimised recipe"),
        (FN | {"cloud": None}, "figures", ["sublevel-bars"], "figures: 'sublevel-bars' needs a model with a cloud"),
        (FN | {"cloud": None}, "figures", ["pairs"], "figures: 'pairs' needs a model of two dimensions with a cloud"),
        (FN | {"cloud": None}, "optimised", None, "models.camel: there is nothing to find bars by: give it a cloud"),
        (FN, "optimised.tolerance", -1, "experiments.one.optimised.tolerance: Input should be greater than or equal"),
        (FN, "models.camel.landscape", NET, "figures: 'surface' needs a model of two dimensions"),
        (FN, "figures", ["surfaces"], "experiments.one.figures.0: no figure 'surfaces'; there are 'surface'"),
        (FN, "data", "digits", "experiments.one.data: unknown key"),
    ],
)
def test_mistakes_are_named_with_their_place(experiment: dict[str, Any], place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(one=changed(experiment, place, value))


def test_names_of_rules_are_no_experiments_and_scales_have_known_parts() -> None:
    with pytest.raises(ConfigError, match="experiment key 'cloud' is a name that the workflow itself uses"):
        check_config(cloud=FN)
    with pytest.raises(ConfigError, match=r"scale\.point: unknown key; did you mean 'points'"):
        make_plan({"point": 0.5})


def test_models_override_what_they_share_key_by_key() -> None:
    models = {"camel": CAMEL | {"cloud": {"cut": 3.0}, "optimised": None}, "other": CAMEL}
    one = plan(FN | {"models": models, "cloud": {"points": "1e6", "noise": 1e-3}})
    camel, other = one.experiments["fn"].models.values()
    assert (camel.cloud.points, camel.cloud.noise, camel.cloud.cut) == (1_000_000, 1e-3, 3.0)
    assert other.cloud.cut is None and camel.optimised is None and other.optimised is not None


def test_a_scale_shrinks_points_seeds_and_epochs() -> None:
    ten = FN | {"seeds": 10}
    small = plan(ten, 0.1).experiments["fn"]
    model = small.models["camel"]
    epochs = (model.optimised.minima.epochs, model.optimised.curves.epochs)
    assert (small.seeds, model.cloud.points, model.optimised.starts, *epochs) == (1, 200, 2, 2, 1)  # type: ignore[attr-defined]
    assert plan(ten, 1e-6).experiments["fn"].models["camel"].cloud.points == 100
    points = plan(ten, {"points": 0.5})
    assert points.results == "results/scale=points-0.5"
    assert len([task for task in points.tasks("fn") if task.rule == "cloud"]) == 10
    assert claims_settings(points, "fn").scale == {"epochs": 1.0, "seeds": 1.0, "points": 0.5}


def test_figures_show_what_they_can() -> None:
    models = {"camel": CAMEL, "net": {"landscape": NET, "cloud": None}, "points": CAMEL | {"optimised": None}}
    figures = ("components", "surface", "pairs", "sublevel-bars", "bridge")
    drawn = plan(FN | {"models": models, "figures": list(figures)})
    shown = {name: list(task.settings.labels) for name, task in zip(figures, drawn.figures("fn"), strict=True)}  # type: ignore[attr-defined]
    assert shown["components"] == ["camel", "net", "points"] and shown["bridge"] == ["camel"]
    assert shown["surface"] == shown["pairs"] == shown["sublevel-bars"] == ["camel", "points"]


# What tasks ask for, and what decides a result ---------------------------------------------------


def test_more_points_ask_for_more() -> None:
    def asked(points: int, dim: int, **stated: int) -> Any:
        landscape = {"kind": "function", "name": "alpine01", "dim": dim}
        models = {"one": {"landscape": landscape, "resources": stated}}
        configured = plan(FN | {"models": models, "cloud": {"points": points}, "figures": ["sublevel-bars"]})
        return configured.request(the_task(configured, "fn", "cloud"))

    small, large = asked(10**6, 4), asked(10**8, 4)
    assert large.mem_mb > small.mem_mb and large.runtime > small.runtime and (small.gpu, small.gpu_mem_mb) == (0, 0)
    assert asked(10**8, 6).mem_mb > large.mem_mb and asked(10**8, 6).runtime > large.runtime
    assert (asked(10**8, 4, mem_mb=9, runtime=7).mem_mb, asked(10**8, 4, runtime=7).runtime) == (9, 7)


RESULTS = {"claims", "usage"}


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        ("cloud.cut", 1.0, {"cloud", "sublevel_barcode", "gather", "figure"} | RESULTS),
        ("optimised.neighbours", 3, {"optimised", "gather", "figure"} | RESULTS),
        (
            "models.camel.landscape.box",
            [[0, 1], [0, 1]],
            {"cloud", "surface", "optimised", "sublevel_barcode", "gather", "figure"} | RESULTS,
        ),
        ("title", "Another", {"figure"} | RESULTS),
        ("models.camel.label", "Another", {"figure"} | RESULTS),
        ("resources", {"mem_mb": 7777}, {"usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(place: str, value: Any, rules: set[str]) -> None:
    assert changed_rules(plan(), plan(changed(FN, place, value)), "fn") == rules


def test_what_a_run_leaves_and_reads() -> None:
    models = {"camel": CAMEL, "net": {"landscape": NET, "cloud": None}}
    figures = ["pairs", "components"]
    tasks = tasks_by_path(plan(FN | {"seeds": 2, "models": models, "figures": figures}), "fn")
    read = {path.removeprefix("results/"): {one.path for one in task.reads()} for path, task in tasks.items()}
    clouds = [f"results/fn/camel/clouds/{seed}.parquet" for seed in (0, 1)]
    curves = {f"results/fn/{model}/optimised.parquet" for model in models}
    assert read["fn/barcodes.parquet"] == {*clouds, *curves}
    assert read["fn/camel/barcode.json"] == {clouds[0]}, "the first cloud's"
    assert read["fn/net/barcode.json"] == {"results/fn/net/optimised.parquet"}, "its curves', without a cloud"
    assert read["figures/fn-pairs.pdf"] == {"results/fn/barcodes.parquet", "results/fn/camel/surface.parquet"}
    assert read["figures/fn-components.svg"] == read["fn/claims.parquet"] == {"results/fn/barcodes.parquet"}
    surfaces = [task for task in tasks.values() if task.rule == "surface"]
    assert [task.model for task in surfaces] == ["camel"]


def test_the_code_of_one_landscape_is_none_of_the_others() -> None:
    of_net = changed(FN | {"figures": ["sublevel-bars"]}, "models.camel.landscape", NET)
    one, other = (the_task(plan(experiment), "fn", "cloud") for experiment in (FN, of_net))
    assert one.extra_modules == ("lossbars.functions.benchmarks",)
    assert other.extra_modules == ("lossbars.landscapes.regression", "lossbars.landscapes.perceptron")
    assert one.code != other.code


def test_code_reaches_what_runs_it() -> None:
    tasks = plan().tasks("fn")
    runs = {task.rule: closure(task.module, task.extra_modules)[0] for task in tasks if task.rule != "figure"}
    figures = {task.path: closure(task.module, task.extra_modules)[0] for task in tasks if task.rule == "figure"}
    descents, drawing = "lossbars.optimise.multistart", "lossbars.experiments.functions.figures.surface"
    assert {rule for rule, modules in runs.items() if descents in modules} == {"optimised"}
    assert {path for path, modules in figures.items() if drawing in modules} == {"results/figures/fn-surface.pdf"}
    for modules in (*runs.values(), *figures.values()):
        assert "lossbars.landscapes.regression" not in modules


def test_there_is_no_data_set() -> None:
    made = plan()
    assert made.experiments["fn"].data_set is None and "dataset" not in {task.rule for task in made.tasks("fn")}


# Steps -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(task: Task) -> pd.DataFrame:
    """The table of a task that is run here."""
    run_tasks([task])
    return read_table_of(task)


def test_tables_of_clouds_and_curves_become_one() -> None:
    made = plan()
    table = run(the_task(made, "fn", "cloud"))
    assert (table[["n", "components", "threshold", "dropped"]].drop_duplicates().to_numpy() > -1).all()
    assert np.isinf(table["death"]).sum() == table["components"].iloc[0] == 1
    run(the_task(made, "fn", "optimised"))
    bars = run(the_task(made, "fn", "gather"))
    assert list(bars) == [*FIRST, "x0", "x1", "s0", "s1", *LAST]
    assert set(bars["source"]) == {"cloud", "direct", "merged"} and set(bars["model"]) == {"camel"}
    lowest = bars.groupby("source")["birth"].min()
    assert lowest.to_numpy() == pytest.approx(-1.0316, abs=0.02)
    saddles = bars.loc[np.isfinite(bars["death"]), ["s0", "s1"]]
    assert saddles.notna().all(axis=None) and bars.loc[np.isinf(bars["death"]), "s0"].isna().all()


def test_models_with_clouds_come_first_each_with_its_curves() -> None:
    models = {"net": {"landscape": NET, "cloud": None}, "points": CAMEL | {"optimised": None}, "camel": CAMEL}
    made = plan(FN | {"models": models, "cloud": {"points": 200}, "figures": ["components"]})
    run_tasks(task for task in made.tasks("fn") if task.rule in ("cloud", "optimised", "gather"))
    bars = read_table_of(the_task(made, "fn", "gather"))
    order = bars[["model", "source"]].drop_duplicates().apply(tuple, axis=1).tolist()
    several = [("camel", source) for source in ("cloud", "direct", "merged")]
    assert order == [("points", "cloud"), *several, ("net", "direct"), ("net", "merged")]


def test_noise_is_left_out_and_said() -> None:
    def at(noise: float) -> pd.DataFrame:
        recipe = {"points": 2000, "sampling": "random", "neighbours": 6, "noise": noise}
        return run(the_task(plan(FN | {"cloud": recipe}), "fn", "cloud"))

    every, kept = at(0.0), at(0.1)
    length = every["death"] - every["birth"]
    threshold = 0.1 * length[np.isfinite(length)].max()
    assert kept["threshold"].unique() == pytest.approx([threshold])
    assert len(kept) == (length >= threshold).sum() == len(every) - kept["dropped"].iloc[0] < len(every)


def test_the_record_is_of_long_bars() -> None:
    made = plan(FN | {"cloud": {"points": 3000, "sampling": "random", "neighbours": 6}})
    table = run(the_task(made, "fn", "cloud"))
    task = the_task(made, "fn", "sublevel_barcode")
    run_tasks([task])
    (record,) = read_records(Path(task.path), task.key)
    length = (table["death"] - table["birth"]).to_numpy()
    longest = length[np.isfinite(length)].max()
    assert record["threshold"] == pytest.approx(0.01 * longest)
    assert record["to_score"]["linf"] == pytest.approx(longest / 2)
    assert (record["convention"], record["n"]) == ("merged", 3000)
    assert len(record["bars"]) + record["left_out"] == len(table) and record["left_out"] > 0
    endless = [bar for bar in record["bars"] if bar["death"] is None]
    assert len(endless) == record["components"] and all(bar["dies_at"] is None for bar in endless)


def test_the_record_of_curves_is_of_both_conventions() -> None:
    made = plan(FN | {"cloud": None, "figures": ["components"]})
    table = run(the_task(made, "fn", "optimised"))
    task = the_task(made, "fn", "sublevel_barcode")
    run_tasks([task])
    records = read_records(Path(task.path), task.key)
    assert [record["convention"] for record in records] == ["direct", "merged"]
    for record in records:
        rows = table[table["source"] == record["convention"]].sort_values(["birth", "minimum"])
        assert (record["n"], record["components"], record["left_out"]) == (8, 1, 0)
        assert [bar["birth"] for bar in record["bars"]] == rows["birth"].tolist()
        assert [bar["born_at"] for bar in record["bars"]] == [[minimum] for minimum in rows["minimum"]]
        ends = [None if a < 0 else [a, b] for a, b in rows[["saddle", "saddle_other"]].to_numpy().tolist()]
        assert [bar["dies_at"] for bar in record["bars"]] == ends and ends.count(None) == 1


def test_a_model_without_a_cloud_is_in_the_table_and_asks_for_little() -> None:
    made = plan(FN | {"cloud": None, "optimised": FN["optimised"] | {"tolerance": 0.25}, "figures": ["components"]})
    rules = [task.rule for task in made.tasks("fn")]
    assert "cloud" not in rules and {"optimised", "sublevel_barcode", "gather"} <= set(rules)
    many = plan(FN | {"cloud": {"points": 10**7}})
    little = made.request(the_task(made, "fn", "optimised")).mem_mb
    assert little < many.request(the_task(many, "fn", "cloud")).mem_mb
    run(the_task(made, "fn", "optimised"))
    table = run(the_task(made, "fn", "gather"))
    assert list(table) == [*FIRST, "x0", "x1", "s0", "s1", *LAST]
    assert set(table["threshold"]) == {0.25} and set(table["dropped"]) == {0}


def test_a_surface_is_a_grid_of_the_box() -> None:
    table = run(the_task(plan(), "fn", "surface"))
    assert len(table) == 201**2 and table["value"].min() == pytest.approx(-1.0316, abs=1e-2)
    assert (table["x"].min(), table["x"].max()) == (-2, 2) and table["y"].iloc[:3].is_monotonic_increasing


def test_the_example_has_every_figure_and_only_claims_that_are_measured() -> None:
    made = plan(KINDS["functions"].example())
    run_tasks(made.tasks("fn"))
    drawn = {task.settings.figure for task in made.figures("fn")}  # type: ignore[attr-defined]
    assert drawn == set(KINDS["functions"].figures) and all(Path(task.path).is_file() for task in made.figures("fn"))
    claims = read_table_of(made.claims("fn"))
    assert {"camel-minima", "two-ways", "relu-several-components"} <= set(claims["id"])
    assert "linear-narrow" not in set(claims["id"]), "no network without activation is there"
    assert set(claims["budget"]) == {"1 cloud of 400 points, and curves between minima from 8 starts"}


def test_experiments_of_the_papers_show_all_of_their_claims() -> None:
    results = function_results(make_bars(("f",)), f=CAMEL_LANDSCAPE)
    every = {key: set(claim_rows(catalogue, key, results.config, results)["id"]) for key in (*catalogue.CLAIMS, "mine")}
    for key, claims in catalogue.CLAIMS.items():
        assert every[key] == {claim.id for claim, _ in claims}
    assert "langermann-nearest" not in every["mine"] and "camel-minima" in every["mine"]
    assert "lowest-part" not in every["mine"], "of tiny networks alone"


# A landscape of one's own ------------------------------------------------------------------------


def test_a_landscape_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)

    def spec(name: str, *box: list[float]) -> dict[str, Any]:
        return {"landscape": {"kind": "custom", "source": f"{tmp_path}/mine.py:{name}", "box": list(box)}}

    side = [-2.0, 2.0]
    models = {
        "wells": spec("wells", side),
        "bowl": spec("bowl", side, side),
        "wide": spec("bowl", side),
        "flat": spec("flat", side, side),
        "number": spec("number", side),
    }
    experiment = FN | {"models": models, "optimised": None, "figures": ["sublevel-bars"]}
    made = plan(experiment)
    table = run(the_task(made, "fn", "cloud", "wells"))
    assert table["birth"].to_numpy() == pytest.approx([0.0, 0.0], abs=1e-5)
    assert table["death"].min() == pytest.approx(1.0, abs=1e-5)
    assert len(run(the_task(made, "fn", "cloud", "bowl"))) == 1
    mistakes = {
        "wide": "has 2 coordinates, and its box 1 sides",
        "flat": "one value for each row",
        "number": "neither has a loss nor is a function",
    }
    for model, message in mistakes.items():
        with pytest.raises(ValueError, match=message):
            run(the_task(made, "fn", "cloud", model))
    before = the_task(made, "fn", "cloud", "bowl").key
    (tmp_path / "mine.py").write_text(OWN.replace("- 1", "- 2"))
    fingerprint._tree.cache_clear()  # a process reads each file once
    assert the_task(plan(experiment), "fn", "cloud", "bowl").key != before
