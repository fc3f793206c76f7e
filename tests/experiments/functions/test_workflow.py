"""Experiments on functions: what they may say, what the real workflow makes of them, and what makes it stale."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.cli.data_checks import data_checks
from lossbars.documents.plan import Jobs
from lossbars.experiments.convergence.steps import cloud_pairs
from lossbars.experiments.functions.steps import bars, cloud, optimised, sublevel_barcode
from lossbars.workflow.artefacts import read_records, read_table
from lossbars.workflow.config import ConfigError, load_config
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import request
from lossbars.workflow.tasks import expected
from support.workflow import Checkout, changed, own

ADAM = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 5.0e-2}}
CURVES = ADAM | {"epochs": 10, "family": {"kind": "chain", "bends": 1}, "grid": {"points": 9, "refinements": 1}}
CAMEL = {"label": "HumpCamel6", "landscape": {"kind": "function", "name": "six_hump_camel"}}
FN: dict[str, Any] = {
    "kind": "functions",
    "title": "A function of two variables",
    "seeds": 1,
    "cloud": {"points": 2000},
    "optimised": {"starts": 8, "minima": ADAM | {"epochs": 20}, "curves": CURVES},
    "models": {"camel": CAMEL},
    "figures": ["surface", "bridge"],
}
CONV: dict[str, Any] = {
    "kind": "convergence",
    "title": "Two sizes",
    "pairs": 2,
    "sizes": [300, 1000],
    "models": {"alpine": {"landscape": {"kind": "function", "name": "alpine01", "dim": 3}}},
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


def jobs(**experiments: Any) -> Jobs:
    return Jobs(Plan({"experiments": own(experiments or {"fn": FN, "conv": CONV})}))


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
        (CONV, "models.alpine.landscape", {"kind": "function", "name": "alpine01"}, "every dimension: it needs dim"),
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
        (FN, "figures", ["surfaces"], "experiments.one.figures.0: Input should be 'surface'"),
        (FN, "data", "digits", "experiments.one.data: unknown key"),
        (CONV, "sizes", [10, 10], "sizes: each must be larger than the one before"),
        (CONV, "sizes", [], "experiments.one.sizes: List should have at least 1 item"),
        (CONV, "pairs", 0, "experiments.one.pairs: Input should be greater than 0"),
        (CONV, "cloud", {"sampling": "grid"}, "experiments.one.cloud.sampling: Input should be 'random'"),
        (CONV, "cloud", {"points": 9}, "experiments.one.cloud.points: unknown key"),
        (CONV, "seeds", 2, "experiments.one.seeds: unknown key"),
    ],
)
def test_mistakes_are_named_with_their_place(experiment: dict[str, Any], place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config({"experiments": {"one": changed(experiment, place, value)}})


def test_names_of_rules_are_no_experiments_and_scales_have_known_parts() -> None:
    with pytest.raises(ConfigError, match="experiment key 'cloud' is a name that the workflow itself uses"):
        load_config({"experiments": {"cloud": own(FN)}})
    with pytest.raises(ConfigError, match=r"scale\.point: unknown key; did you mean 'points'"):
        load_config({"experiments": {}, "scale": {"point": 0.5}})


def test_models_override_what_they_share_key_by_key() -> None:
    models = {"camel": CAMEL | {"cloud": {"cut": 3.0}, "optimised": None}, "other": CAMEL}
    one = Plan({"experiments": {"one": own(FN | {"models": models, "cloud": {"points": "1e6", "noise": 1e-3}})}})
    camel, other = one.functions["one"].models.values()
    assert (camel.cloud.points, camel.cloud.noise, camel.cloud.cut) == (1_000_000, 1e-3, 3.0)
    assert other.cloud.cut is None and camel.optimised is None and other.optimised is not None


def test_a_scale_shrinks_points_sizes_pairs_seeds_and_epochs() -> None:
    experiments = {"fn": own(FN | {"seeds": 10}), "conv": own(CONV | {"pairs": 20, "sizes": [100, 300, 1000, 10_000]})}
    small = Plan({"experiments": experiments, "scale": 0.1})
    whole = small.functions["fn"]
    model = whole.models["camel"]
    assert model.optimised is not None
    epochs = (model.optimised.minima.epochs, model.optimised.curves.epochs)
    assert (whole.seeds, model.cloud.points, model.optimised.starts, *epochs) == (1, 200, 2, 2, 1)
    assert (small.convergences["conv"].sizes, small.convergences["conv"].pairs) == ([100, 300, 1000], 2)
    least = Plan({"experiments": experiments, "scale": 1e-6})
    assert least.functions["fn"].models["camel"].cloud.points == 100
    assert least.convergences["conv"].sizes == [100, 300]
    points = Plan({"experiments": experiments, "scale": {"points": 0.5}})
    assert (points.results, points.functions["fn"].seeds) == ("results/scale=points-0.5", 10)
    assert Jobs(points).claims("fn").recipe["scale"] == {"epochs": 1.0, "seeds": 1.0, "points": 0.5}


# What jobs ask for, and what decides a result ----------------------------------------------------


def test_more_points_ask_for_more() -> None:
    def asked(points: int, dim: int, **stated: int) -> Any:
        model = {"landscape": {"kind": "function", "name": "alpine01", "dim": dim}, "resources": stated}
        experiment = FN | {"models": {"one": model}, "cloud": {"points": points}, "figures": ["sublevel-bars"]}
        return request(Plan({"experiments": {"fn": own(experiment)}}), "cloud", "fn", "one")

    small, large = asked(10**6, 4), asked(10**8, 4)
    assert large.mem_mb > small.mem_mb and large.runtime > small.runtime and (small.gpu, small.gpu_mem_mb) == (0, 0)
    assert asked(10**8, 6).mem_mb > large.mem_mb and asked(10**8, 6).runtime > large.runtime
    assert (asked(10**8, 4, mem_mb=9, runtime=7).mem_mb, asked(10**8, 4, runtime=7).runtime) == (9, 7)
    pairs = [request(jobs().plan, "cloud_pairs", "conv", "alpine", points) for points in (10**6, 10**8)]
    assert pairs[0].mem_mb < pairs[1].mem_mb and pairs[0].runtime < pairs[1].runtime


def keys(changes: dict[str, Any]) -> set[str]:
    """Kinds of jobs of ``fn`` and ``conv`` whose key differs after changes of places of ``fn``, then ``conv``."""
    fn, conv = own(FN), own(CONV)
    for place, value in changes.items():
        name, _, rest = place.partition(".")
        fn, conv = (changed(fn, rest, value), conv) if name == "fn" else (fn, changed(conv, rest, value))
    before, after = jobs(), jobs(fn=fn, conv=conv)
    found = {}
    for made in (before, after):
        for one in (artefact for key in ("fn", "conv") for artefact in expected(made, key)):
            found.setdefault(one.path, set()).add((one.rule, one.job.key))
    return {rule for several in found.values() if len(several) > 1 for rule, _ in several}


RESULTS = {"function_claims", "function_figure", "usage"}


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"fn.cloud.cut": 1.0}, {"cloud", "sublevel_barcode", "bars"} | RESULTS),
        ({"fn.optimised.neighbours": 3}, {"optimised", "bars"} | RESULTS),
        (
            {"fn.models.camel.landscape.box": [[0, 1], [0, 1]]},
            {"cloud", "surface", "optimised", "sublevel_barcode", "bars"} | RESULTS,
        ),
        ({"fn.title": "Another"}, RESULTS),
        ({"fn.resources": {"mem_mb": 7777}}, {"usage"}),
        ({"conv.pairs": 3}, {"cloud_pairs", "distances"} | RESULTS),
        ({"conv.cloud": {"neighbours": 12}}, {"cloud_pairs", "distances"} | RESULTS),
        ({"conv.sizes": [300, 1000, 2000]}, {"function_claims", "usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(changes: dict[str, Any], rules: set[str]) -> None:
    assert keys(changes) == rules


def test_the_code_of_one_landscape_is_none_of_the_others() -> None:
    made = jobs(fn=FN, net=FN | {"models": {"net": CAMEL | {"landscape": NET}}, "figures": ["sublevel-bars"]})
    of_function, of_net = made.cloud("fn", "camel"), made.cloud("net", "net")
    assert made.codes[of_function.code] == (
        "lossbars.experiments.functions.steps.cloud",
        ("lossbars.functions.benchmarks",),
    )
    assert made.codes[of_net.code] == (
        "lossbars.experiments.functions.steps.cloud",
        ("lossbars.landscapes.regression", "lossbars.landscapes.perceptron"),
    )
    assert of_function.code != of_net.code


def test_there_is_no_data_set_to_check() -> None:
    assert list(data_checks(jobs(), ["fn", "conv"])) == []


# Steps -------------------------------------------------------------------------------------------


def run_cloud(folder: Path, made: Jobs, model: str = "camel") -> pd.DataFrame:
    path = folder / "clouds" / "0.parquet"
    cloud.cloud(made.cloud("fn", model), 0, 1, folder / "checkpoints", path)
    return read_table(path, made.cloud("fn", model).key)


def test_tables_of_clouds_and_curves_become_one(tmp_path: Path) -> None:
    made = jobs()
    table = run_cloud(tmp_path, made)
    assert (table[["n", "components", "threshold", "dropped"]].drop_duplicates().to_numpy() > -1).all()
    assert np.isinf(table["death"]).sum() == table["components"].iloc[0] == 1
    optimised.optimised(made.optimised("fn", "camel"), 1, tmp_path / "checkpoints", tmp_path / "optimised.parquet")
    bars.bars(
        made.bars("fn"),
        [tmp_path / "clouds/0.parquet"],
        [tmp_path / "optimised.parquet"],
        tmp_path / "barcodes.parquet",
    )
    whole = read_table(tmp_path / "barcodes.parquet")
    assert list(whole) == [*bars.FIRST, "x0", "x1", "s0", "s1", *bars.LAST]
    assert set(whole["source"]) == {"cloud", "direct", "merged"} and set(whole["model"]) == {"camel"}
    lowest = whole.groupby("source")["birth"].min()
    assert lowest.to_numpy() == pytest.approx(-1.0316, abs=0.02)
    saddles = whole.loc[np.isfinite(whole["death"]), ["s0", "s1"]]
    assert saddles.notna().all(axis=None) and whole.loc[np.isinf(whole["death"]), "s0"].isna().all()


def test_noise_is_left_out_and_said(tmp_path: Path) -> None:
    def at(noise: float) -> pd.DataFrame:
        cloud_recipe = {"points": 2000, "sampling": "random", "neighbours": 6, "noise": noise}
        return run_cloud(tmp_path / str(noise), jobs(fn=FN | {"cloud": cloud_recipe}))

    whole, kept = at(0.0), at(0.1)
    length = whole["death"] - whole["birth"]
    threshold = 0.1 * length[np.isfinite(length)].max()
    assert kept["threshold"].unique() == pytest.approx([threshold])
    assert len(kept) == (length >= threshold).sum() == len(whole) - kept["dropped"].iloc[0] < len(whole)


def test_the_record_is_of_long_bars(tmp_path: Path) -> None:
    made = jobs(fn=FN | {"cloud": {"points": 3000, "sampling": "random", "neighbours": 6}})
    table = run_cloud(tmp_path, made)
    job = made.sublevel_barcode("fn", "camel")
    sublevel_barcode.sublevel_barcode(job, tmp_path / "clouds/0.parquet", tmp_path / "barcode.json")
    (record,) = read_records(tmp_path / "barcode.json", job.key)
    length = (table["death"] - table["birth"]).to_numpy()
    longest = length[np.isfinite(length)].max()
    assert record["threshold"] == pytest.approx(0.01 * longest)
    assert record["to_score"]["linf"] == pytest.approx(longest / 2)
    assert (record["convention"], record["n"]) == ("merged", 3000)
    assert len(record["bars"]) + record["left_out"] == len(table) and record["left_out"] > 0
    endless = [bar for bar in record["bars"] if bar["death"] is None]
    assert len(endless) == record["components"] and all(bar["dies_at"] is None for bar in endless)


def test_the_record_of_curves_is_of_both_conventions(tmp_path: Path) -> None:
    made = jobs(fn=FN | {"cloud": None, "figures": ["components"]})
    job, path = made.sublevel_barcode("fn", "camel"), tmp_path / "optimised.parquet"
    optimised.optimised(made.optimised("fn", "camel"), 1, tmp_path / "checkpoints", path)
    table = read_table(path)
    sublevel_barcode.sublevel_barcode(job, path, tmp_path / "barcode.json")
    records = read_records(tmp_path / "barcode.json", job.key)
    assert [record["convention"] for record in records] == ["direct", "merged"]
    for record in records:
        rows = table[table["source"] == record["convention"]].sort_values(["birth", "minimum"])
        assert (record["n"], record["components"], record["left_out"]) == (8, 1, 0)
        assert [bar["birth"] for bar in record["bars"]] == rows["birth"].tolist()
        assert [bar["born_at"] for bar in record["bars"]] == [[minimum] for minimum in rows["minimum"]]
        ends = [None if a < 0 else [a, b] for a, b in rows[["saddle", "saddle_other"]].to_numpy().tolist()]
        assert [bar["dies_at"] for bar in record["bars"]] == ends and ends.count(None) == 1


def test_a_model_without_a_cloud_is_in_the_table_and_asks_for_little(tmp_path: Path) -> None:
    made = jobs(fn=FN | {"cloud": None, "optimised": FN["optimised"] | {"tolerance": 0.25}, "figures": ["components"]})
    rules = [one.rule for one in expected(made, "fn")]
    assert "cloud" not in rules and {"optimised", "sublevel_barcode", "bars"} <= set(rules)
    asked = [request(made.plan, rule, "fn", "camel").mem_mb for rule in ("optimised", "cloud")]
    assert (
        asked[0] == asked[1] < request(jobs(fn=FN | {"cloud": {"points": 10**7}}).plan, "cloud", "fn", "camel").mem_mb
    )
    optimised.optimised(made.optimised("fn", "camel"), 1, tmp_path / "checkpoints", tmp_path / "optimised.parquet")
    bars.bars(made.bars("fn"), [], [tmp_path / "optimised.parquet"], tmp_path / "barcodes.parquet")
    table = read_table(tmp_path / "barcodes.parquet")
    assert list(table) == [*bars.FIRST, "x0", "x1", "s0", "s1", *bars.LAST]
    assert set(table["threshold"]) == {0.25} and set(table["dropped"]) == {0}


def test_figures_show_what_they_can() -> None:
    models = {"camel": CAMEL, "net": {"landscape": NET, "cloud": None}, "points": CAMEL | {"optimised": None}}
    whole = jobs(fn=FN | {"models": models, "figures": ["pairs"]}).plan.functions["fn"]
    shown = {name: whole.shown(name) for name in ("components", "surface", "pairs", "sublevel-bars", "bridge")}
    assert shown["components"] == ["camel", "net", "points"] and shown["bridge"] == ["camel"]
    assert shown["surface"] == shown["pairs"] == shown["sublevel-bars"] == ["camel", "points"]


def test_pairs_go_on_from_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, measure = jobs().cloud_pairs("conv", "alpine"), cloud_pairs._measure
    done = []

    def stopping(*arguments: Any) -> list[float]:
        if done:
            raise KeyboardInterrupt
        done.append(arguments)
        return measure(*arguments)

    monkeypatch.setattr(cloud_pairs, "_measure", stopping)
    with pytest.raises(KeyboardInterrupt):
        cloud_pairs.cloud_pairs(job, 300, 1, tmp_path / "here", tmp_path / "300.parquet", 0.0)
    monkeypatch.setattr(cloud_pairs, "_measure", lambda *arguments: done.append(arguments) or measure(*arguments))
    cloud_pairs.cloud_pairs(job, 300, 1, tmp_path / "here", tmp_path / "300.parquet", 0.0)
    assert len(done) == 2 and not list((tmp_path / "here").glob("*.safetensors"))
    cloud_pairs.cloud_pairs(job, 300, 1, tmp_path / "there", tmp_path / "again.parquet", 0.0)
    one, other = (read_table(tmp_path / name).drop(columns="seconds") for name in ("300.parquet", "again.parquet"))
    pd.testing.assert_frame_equal(one, other)
    assert list(one["pair"]) == [0, 1] and one["distance"].nunique() == 2
    assert one["empty"].unique() == pytest.approx(8.7152 / 2, abs=1e-3)  # Alpine01's longest bar in one dimension
    assert (one["truth_one"] > 0).all() and (one["k"] == 6).all()


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
    made = jobs(fn=experiment)
    table = run_cloud(tmp_path / "wells", made, "wells")
    assert table["birth"].to_numpy() == pytest.approx([0.0, 0.0], abs=1e-5)
    assert table["death"].min() == pytest.approx(1.0, abs=1e-5)
    assert len(run_cloud(tmp_path / "bowl", made, "bowl")) == 1
    mistakes = {
        "wide": "has 2 coordinates, and its box 1 sides",
        "flat": "one value for each row",
        "number": "neither has a loss nor is a function",
    }
    for model, message in mistakes.items():
        with pytest.raises(ValueError, match=message):
            run_cloud(tmp_path / model, made, model)
    before = made.cloud("fn", "bowl").key
    (tmp_path / "mine.py").write_text(OWN.replace("- 1", "- 2"))
    from lossbars.workflow import fingerprint

    fingerprint._tree.cache_clear()  # a process reads each file once
    assert (
        jobs(fn=FN | {"models": models, "optimised": None, "figures": ["sublevel-bars"]}).cloud("fn", "bowl").key
        != before
    )


# The workflow ------------------------------------------------------------------------------------

CLOUD = {"fn/camel/clouds/0", "fn/camel/barcode"}
BARS = {"fn/barcodes", "fn/claims", "fn/benchmarks/usage", "figures/fn-bridge"}
DOCUMENTS = {"claims", "report", "provenance"}
SIZES = {"conv/alpine/distances/300", "conv/alpine/distances/1000"}
OF_DISTANCES = {"conv/distances", "conv/claims", "conv/benchmarks/usage", "figures/conv-convergence"}
CODE = "src/lossbars"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Both experiments, run once. No test changes it."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("functions") / "checkout", fn=FN, conv=CONV)
    checkout.run()
    return checkout


@pytest.fixture
def done(whole: Checkout, tmp_path: Path) -> Checkout:
    return whole.copied(tmp_path / "moved here")


@pytest.mark.workflow
def test_the_workflow_leaves_what_was_expected(whole: Checkout) -> None:
    made = jobs()
    for key in ("fn", "conv"):
        for one in expected(made, key):
            assert (whole.folder / one.path).is_file(), one.path
            assert (whole.folder / one.log).is_file(), one.log
        claims = read_table(whole.folder / f"results/{key}/claims.parquet")
        assert len(claims) and (claims["experiment"] == key).all()
        used = read_table(whole.folder / f"results/{key}/benchmarks/usage.parquet")
        assert used["used_seconds"].notna().all() and (used["asked_mb"] >= 1000).all()
    surface = read_table(whole.folder / "results/fn/camel/surface.parquet")
    assert len(surface) == 201**2 and surface["value"].min() == pytest.approx(-1.0316, abs=1e-2)
    report = (whole.folder / "results/report.html").read_text()
    assert all(name in report for name in ("figure-fn-surface", "figure-fn-bridge", "figure-conv-convergence"))
    (record,) = read_records(whole.folder / "results/provenance.json")
    runs = {run["rule"]: run for run in record["runs"]}
    assert set(runs["bars"]["inputs"]) == {"results/fn/camel/clouds/0.parquet", "results/fn/camel/optimised.parquet"}
    assert set(runs["distances"]["inputs"]) == {f"results/{name}.parquet" for name in SIZES}


@pytest.mark.workflow
def test_what_is_whole_is_not_made_again_and_a_new_size_costs_itself(done: Checkout) -> None:
    assert done.stale() == set()
    done.experiments["conv"]["sizes"].append(2000)
    assert done.stale() == {"conv/alpine/distances/2000"} | OF_DISTANCES | DOCUMENTS


@pytest.mark.workflow
def test_points_reach_clouds_and_what_follows(done: Checkout) -> None:
    done.experiments["fn"]["cloud"]["points"] = 2500
    assert done.stale() == CLOUD | BARS | DOCUMENTS


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("module", "stale"),
    [
        (
            "experiments/functions/figures/surface.py",
            {"figures/fn-surface", "fn/benchmarks/usage", "report", "provenance"},
        ),
        ("optimise/multistart.py", {"fn/camel/optimised"} | BARS | DOCUMENTS),
        ("landscapes/regression.py", set()),
    ],
)
def test_code_reaches_what_runs_it(done: Checkout, module: str, stale: set[str]) -> None:
    done.edit(f"{CODE}/{module}", lambda text: text + "\n\nADDED = 1\n")
    assert done.stale() == stale
