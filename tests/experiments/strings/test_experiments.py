"""The kind strings: what may be said, what is found of made answers, what is drawn, and the workflow, made small."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.figures.string_bridge import heights, string_bridge
from lossbars.experiments.strings.claims import catalogue
from lossbars.experiments.strings.claims.findings import StringResults
from lossbars.experiments.strings.figures.answers import string_answers
from lossbars.experiments.strings.figures.lengths import string_lengths
from lossbars.experiments.strings.figures.views import Shown, longest, string_views
from lossbars.experiments.strings.fits import knee, law_of, levels, power_law, spike, steepest
from lossbars.landscapes.make import make_landscape
from lossbars.landscapes.perceptron import Perceptron
from lossbars.landscapes.specs import PerceptronSpec
from lossbars.optimise.strings.view import view
from lossbars.plots.style import save
from lossbars.seeding import generator
from lossbars.workflow.artefacts import read_tensors
from lossbars.workflow.claims_step import claim_rows
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from lossbars.workflow.work import Work
from support.plans import (
    changed,
    check_config,
    claims_settings,
    make_plan,
    read_table_of,
    run_tasks,
    tasks_by_path,
    the_task,
)

ADAM = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 1.0e-2}}
CUBIC = {"kind": "perceptron", "task": "cubic", "hidden": [3], "activation": "tanh", "biases": True, "error": "l1"}
POINTS = {"kind": "perceptron", "task": "permuted-points", "hidden": [3], "activation": "relu", "biases": False}
QUADRATIC = CUBIC | {"task": "quadratic", "box": 2.0}
LEV: dict[str, Any] = {
    "kind": "strings",
    "title": "Level sets, made small",
    "data": "digits",
    "samples": 200,
    "device": "cpu",
    "pairs": 3,
    "pairs_per_job": 2,
    "thresholds": [0.5, 0.25],
    "strings": ADAM
    | {
        "epochs": 200,
        "check_every": 10,
        "family": {"kind": "string", "rounds": 4},
        "grid": {"between": 5, "refinements": 1},
    },
    "models": {
        "cubic": {"label": "a cubic", "landscape": CUBIC | {"box": 2.0}},
        "swap": {"landscape": POINTS | {"box": 2.0}, "ends": "swapped", "reuse": False},
        "net": {
            "network": {"kind": "mlp", "depth": 1, "width": 8},
            "level": {"metric": "error", "of": "test", "samples": 100},
            "strings": {"epochs": 4, "batch_size": 50, "check_every": 2},
            "thresholds": [0.6, 0.4],
        },
    },
    "figures": ["string-lengths", "string-answers", "string-views"],
}


def plan(experiment: dict[str, Any] = LEV, scale: Any = 1) -> Plan:
    return make_plan(scale, lev=experiment)


def parts(made: Plan, model: str) -> list[str]:
    return [task.part for task in made.tasks("lev") if task.rule == "strings" and task.model == model]


# What may be said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("thresholds", [0.1, 0.2], r"one\.thresholds: they must fall|thresholds: they must fall"),
        ("thresholds", [], "thresholds: List should have at least 1 item"),
        ("data", None, "models.net: a network needs the experiment's data"),
        ("data", "mnisty", "unknown data set 'mnisty'"),
        ("models.net", {"label": "none"}, "either a landscape, or a network on the experiment's data, is needed"),
        ("models.cubic.network", {"kind": "lenet"}, "either a landscape, or a network"),
        ("models.cubic.level", {"metric": "error"}, "level: thresholds on a landscape are on its loss"),
        ("models.cubic.ends", "swopped", "Input should be 'random' or 'swapped'"),
        ("models.net.ends", "swapped", "ends: 'swapped' needs a landscape of the kind perceptron"),
        ("models.swap.landscape.hidden", [1], "ends: 'swapped' needs a landscape of the kind perceptron"),
        ("models.swap.landscape.task", "cubics", r"models\.swap\.landscape\.task: Input should be 'quadratic'"),
        ("models.net.network", {"kind": "gpt"}, r"models\.net\.network: gpt reads text"),
        ("models.net.level.metric", "accuracy", "Input should be 'loss', 'error' or 'perplexity'"),
        ("strings.family.round", 3, r"family\.round: unknown key; did you mean 'rounds'"),
        ("strings.family.margin", 1.5, "less than 1"),
        ("strings.halvings", 3, "halvings: unknown key"),
        ("pair", 3, "unknown key; did you mean 'pairs'"),
        ("models", {}, "models: at least one is needed"),
        ("figures", ["string-length"], "no figure 'string-length'; there are 'string-lengths'"),
    ],
)
def test_mistakes_are_named_with_their_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(one=changed(LEV, place, value))


def test_data_that_no_model_reads_are_refused() -> None:
    alone = LEV | {"models": {"cubic": LEV["models"]["cubic"]}}
    with pytest.raises(ConfigError, match="data: no model has a network that reads it"):
        check_config(one=alone)


def test_what_models_share_is_written_once_and_scales() -> None:
    small = plan(scale={"epochs": 0.5, "pairs": 0.1})
    config: Any = small.experiments["lev"]
    models = config.models
    assert config.pairs == 2 and models["cubic"].strings.epochs == 100 and models["net"].strings.epochs == 2
    assert models["net"].thresholds == [0.6, 0.4] and models["swap"].thresholds == [0.5, 0.25]
    assert not models["swap"].reuse and models["net"].strings.family.rounds == 4
    assert parts(small, "net") == ["0-1"] and parts(plan(), "net") == ["0-1", "2"]


def test_curves_by_strings_are_a_family_of_their_own() -> None:
    string = LEV["strings"] | {"family": {"kind": "string"}, "halvings": 4}
    minima = ADAM | {"epochs": 2}
    net: dict[str, Any] = {
        "title": "One",
        "data": "digits",
        "seeds": 3,
        "minima": minima,
        "curves": minima | {"family": {"kind": "chain"}},
        "models": {"mlp": {"network": {"kind": "mlp", "depth": 1}, "more_curves": {"dss": string}}},
        "figures": ["string-bridge"],
    }
    made = make_plan(one=net)
    modules = {task.kind: task.module.rpartition(".")[2] for task in made.tasks("one")}
    assert modules["curves-dss"] == "string_curves" and modules["curves"] == "curves"
    assert made.experiments["one"].models["mlp"].strings == "curves-dss"
    net["models"]["mlp"]["more_curves"] = {}
    with pytest.raises(ConfigError, match="'string-bridge' needs a model with curves of the family string"):
        check_config(one=net)


def test_requests_grow_with_the_work() -> None:
    def runtime(experiment: dict[str, Any], model: str) -> int:
        made = plan(experiment)
        return made.request(the_task(made, "lev", "strings", model, "0-1")).runtime

    assert runtime(changed(LEV, "models.net.strings.epochs", 4_000_000), "net") > runtime(LEV, "net")
    assert runtime(changed(LEV, "strings.epochs", 1_000_000), "cubic") > runtime(LEV, "cubic")
    assert runtime(LEV | {"resources": {"runtime": 77}}, "net") == 77


def test_pairs_and_thresholds_reach_what_they_decide() -> None:
    before = tasks_by_path(plan(), "lev")

    def stale(experiment: dict[str, Any]) -> set[str]:
        """Strings that are to be made, anew or for the first time."""
        tasks = [task for task in plan(experiment).tasks("lev") if task.rule == "strings"]
        return {f"{t.model}/{t.part}" for t in tasks if t.path not in before or before[t.path].key != t.key}

    assert stale(LEV | {"pairs": 4}) == {"cubic/2-3", "swap/2-3", "net/2-3"}
    assert stale(changed(LEV, "models.net.thresholds", [0.6, 0.3])) == {"net/0-1", "net/2"}
    assert stale(changed(LEV, "models.cubic.label", "another")) == set()


def test_figures_show_models_in_the_configured_order() -> None:
    for task in plan().figures("lev"):
        shown: Any = task.settings
        assert list(shown.labels.items()) == [("cubic", "a cubic"), ("swap", "swap"), ("net", "net")]
        assert shown.metrics == {"cubic": "loss", "swap": "loss", "net": "error"}


# Permuted copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("biases", [False, True])
def test_swapped_units_compute_the_same(biases: bool) -> None:
    spec = PerceptronSpec(**(POINTS | {"hidden": [4, 3], "biases": biases, "box": 2.0}))
    net, _ = make_landscape(spec)
    assert isinstance(net, Perceptron)
    theta = net.init(3, generator("swapped"))
    other = net.swapped(theta, 0, 1)
    torch.testing.assert_close(net.outputs(other), net.outputs(theta), rtol=1e-12, atol=1e-14)
    assert not torch.equal(other, theta) and torch.equal(net.swapped(other, 0, 1), theta)


# Findings ----------------------------------------------------------------------------------------


def answers(model: str, by_threshold: dict[float, list[tuple[float, int] | None]]) -> pd.DataFrame:
    """A row per pair and threshold from lengths and beads; None is not connected."""
    rows = []
    for threshold, several in by_threshold.items():
        for pair, one in enumerate(several):
            length, beads = one or (3.0, 9)
            row = {"model": model, "pair": pair, "threshold": threshold, "beads": beads, "length": length}
            answer = "connected" if one else "not connected within the budget"
            above = "nothing" if one else "segment"
            rows.append(row | {"answer": answer, "above": above, "distance": 1.0, "highest": threshold, "gradients": 5})
    return pd.DataFrame(rows).assign(measured=7)


def power(exponent: float, knee_at: float = 0.1) -> dict[float, list[tuple[float, int] | None]]:
    """Length 1 down to the knee, then a power of the threshold; beads a power throughout."""
    found: dict[float, list[tuple[float, int] | None]] = {}
    for threshold in (0.4, 0.2, 0.1, 0.05, 0.02, 0.01):
        length = max(1.0, 1.2 * (threshold / (knee_at / 2)) ** exponent) if threshold < knee_at else 1.0
        found[threshold] = [(length * share, round(2 / threshold)) for share in (0.99, 1.01)]
    return found


SWAPPED = {"landscape": POINTS | {"box": 2.0}, "ends": "swapped"}


def results(
    table: pd.DataFrame, models: dict[str, dict[str, Any]], data: str | None = None, scale: Any = 1
) -> StringResults:
    """Of models that are cubic perceptrons of random ends, but for what is said; of networks where there are data."""
    same = {"reuse": False, "thresholds": [0.4, 0.01]}
    same |= {"network": {"kind": "mlp", "depth": 1, "width": 8}} if data else {"landscape": CUBIC | {"box": 2.0}}
    stated = {model: {"label": model.title()} | same | recipe for model, recipe in models.items()}
    experiment = {name: value for name, value in LEV.items() if name not in ("data", "samples")}
    experiment |= {"models": stated, "pairs": 2} | ({"data": data} if data else {})
    settings: Any = claims_settings(plan(experiment, scale), "lev")
    return StringResults(settings, table)


def rows_of(given: StringResults) -> pd.DataFrame:
    return claim_rows(catalogue, "lev", given.settings.config, given).set_index("id")


def verdicts(given: StringResults) -> dict[str, str]:
    return rows_of(given)["verdict"].to_dict()


def swapped(**hidden: int) -> dict[str, dict[str, Any]]:
    """Models whose ends are one network and its permuted copy, by their numbers of hidden units."""
    return {name: changed(SWAPPED, "landscape.hidden", [size]) for name, size in hidden.items()}


def test_fits_find_the_laws_that_were_put_in() -> None:
    table = levels(answers("a", power(-0.5)), "a")
    assert knee(table) == 0.1 and list(table["connected"]) == [2] * 6
    law = law_of(table, "length")
    assert law and law.exponent == pytest.approx(-0.5) and law.r_squared == pytest.approx(1.0)
    x = np.array([1.0, 2.0, 4.0])
    found = power_law(x, 3 * x**-1.5)
    assert found and (found.exponent, found.factor) == pytest.approx((-1.5, 3.0))
    assert found.at(np.array([4.0]))[0] == pytest.approx(3 / 8)
    assert power_law(x[:2], x[:2]) is None and power_law(x, np.ones(3)) is None


def test_claims_hold_where_the_papers_picture_is_there() -> None:
    found = verdicts(results(answers("a", power(-0.5)), {"a": {"landscape": QUADRATIC}}))
    assert found == dict.fromkeys(
        ["connects", "near-one", "length-power-law", "beads-grow", "beads-power-law"], "holds"
    )


def test_claims_fail_where_it_is_not() -> None:
    wild = {0.4: [(1.6, 9), (1.7, 8)], 0.2: [(1.2, 2), None], 0.1: [(2.9, 7), (3.0, 6)], 0.05: [(1.1, 3), (1.2, 2)]}
    rows = rows_of(results(answers("a", wild), {"a": {"landscape": QUADRATIC}}))
    assert set(rows["verdict"]) == {"does not hold"}
    assert "1 of 2 at 0.2" in rows.loc["connects", "obtained"] and "at no threshold" in rows.loc["near-one", "obtained"]


def test_a_spike_is_a_peak_beyond_the_errors() -> None:
    peak = {0.4: [(1.0, 0), (1.0, 0)], 0.2: [(1.6, 2), (1.7, 3)], 0.1: [(1.1, 4), (1.2, 5)], 0.05: [(2.0, 9), (2.1, 9)]}
    table = levels(answers("a", peak), "a")
    assert spike(table) == (0.2, pytest.approx(1.65))
    rising = peak | {0.1: [(1.8, 4), (1.9, 5)]}
    assert spike(levels(answers("a", rising), "a")) is None
    assert steepest(levels(answers("a", rising), "a")) == (0.2, pytest.approx(1.65))
    noisy = peak | {0.2: [(1.0, 2), (1.5, 3)]}
    assert spike(levels(answers("a", noisy), "a")) is None
    cubic: dict[str, dict[str, Any]] = {"a": {}}
    assert verdicts(results(answers("a", peak), cubic))["cubic-spike"] == "holds"
    assert verdicts(results(answers("a", rising), cubic))["cubic-spike"] == "does not hold"


@pytest.mark.parametrize(
    ("data", "claim", "low"), [("mnist", "mnist-near-one", True), ("cifar10", "cifar10-above-one", False)]
)
def test_lengths_at_the_lowest_threshold(data: str, claim: str, low: bool) -> None:
    near = {0.4: [(1.0, 0), (1.0, 0)], 0.01: [(1.02, 1), (1.05, 2)]}
    far = {0.4: [(1.0, 0), (1.0, 0)], 0.01: [(1.4, 3), (1.6, 5)]}
    for given, is_near in ((near, True), (far, False)):
        found = verdicts(results(answers("a", given), {"a": {}}, data))[claim]
        assert found == ("holds" if is_near == low else "does not hold")


def test_swapped_units_are_apart_only_in_the_small_network() -> None:
    models = swapped(few=3, many=9)
    apart, joined = {0.4: [(1.2, 1)] * 2, 0.01: [None] * 2}, {0.4: [(1.0, 0)] * 2, 0.01: [(1.1, 3)] * 2}
    for few, many, verdict in (
        (apart, joined, "holds"),
        (joined, joined, "does not hold"),
        (apart, apart, "does not hold"),
    ):
        table = pd.concat([answers("few", few), answers("many", many)], ignore_index=True)
        assert verdicts(results(table, models)) == {"swapped-units": verdict}
    alone = results(answers("few", apart), {"few": models["few"]})
    assert verdicts(alone) == {"swapped-units": "not measured"}


def test_pairs_whose_ends_were_not_trained_say_nothing_of_permuted_copies() -> None:
    models = swapped(few=3, many=9)
    few = answers("few", {0.4: [(1.2, 1)] * 2, 0.01: [None] * 2})
    few.loc[few["above"] == "segment", "above"] = "end"
    table = pd.concat([few, answers("many", {0.4: [(1.0, 0)] * 2, 0.01: [(1.1, 3)] * 2})], ignore_index=True)
    assert verdicts(results(table, models)) == {"swapped-units": "does not hold"}


def test_pairs_that_failed_count_at_lower_thresholds_too() -> None:
    table = answers("a", {0.4: [(1.0, 0)] * 3, 0.2: [(1.0, 0), None, None], 0.1: [(1.0, 0)]})
    assert list(levels(table, "a")["pairs"]) == [3, 3, 3] and list(levels(table, "a")["connected"]) == [3, 1, 1]
    models = {"a": {"reuse": True, "thresholds": [0.4, 0.2, 0.1, 0.05]}}
    rows = rows_of(results(table, models))
    assert rows.loc["connects", "obtained"] == "A: all pairs, but 1 of 3 at 0.2, 1 of 3 at 0.1, none at the 1 below"


def test_what_never_connects_is_not_judged_by_its_lengths() -> None:
    models = {"a": {"thresholds": [0.4]}}
    found = verdicts(results(answers("a", {0.4: [None, None]}), models))
    assert found["connects"] == "does not hold"
    assert {found[name] for name in ("near-one", "cubic-spike", "beads-grow", "length-power-law")} == {"not measured"}


def test_permuted_copies_that_failed_early_count_as_not_connected() -> None:
    models = swapped(few=3, many=9)
    few = answers("few", {0.4: [None] * 2})  # used again: not tried at lower thresholds
    table = pd.concat([few, answers("many", {0.4: [(1.0, 0)] * 2, 0.01: [(1.1, 3)] * 2})], ignore_index=True)
    rows = rows_of(results(table, models))
    assert rows.loc["swapped-units", "verdict"] == "holds"
    assert "0 of 2 pairs at 0.01, none at any" in rows.loc["swapped-units", "obtained"]


def test_a_smaller_budget_is_said() -> None:
    table = answers("a", power(-0.5))
    for scale in ({"samples": 0.1}, {"pairs": 0.5}):
        assert verdicts(results(table, {"a": {}}, scale=scale))["connects"] == "holds at this budget"
    fewer = plan(LEV | {"models": {"a": LEV["models"]["net"]}})  # 200 samples are not all
    settings: Any = claims_settings(fewer, "lev")
    assert StringResults(settings, table).judged(True) == "holds at this budget"


# Figures -----------------------------------------------------------------------------------------


def gids(figure: Figure) -> set[str]:
    return {gid for one in figure.findobj() if (gid := one.get_gid())}


def test_lengths_and_answers_are_drawn() -> None:
    table = answers("a", power(-0.5) | {0.005: [None, (2.0, 500)]})
    drawn = string_lengths(table, {"a": "A"}, {"a": "error"}, "Title")
    left, right = drawn.axes
    assert {"length-a", "beads-a", "law-length-a", "law-beads-a", "knee-a"} <= gids(drawn)
    assert left.get_xlabel() == "threshold on the share of errors" and right.get_ylabel() == "beads"
    (lengths,) = [line for line in left.get_lines() if line.get_gid() == "length-a"]
    (beads,) = [line for line in right.get_lines() if line.get_gid() == "beads-a"]
    for points in (lengths, beads):  # that of a threshold where a pair failed is hollow
        assert list(points.get_xdata()) == [0.4, 0.2, 0.1, 0.05, 0.02, 0.01]
    assert list(lengths.get_ydata()) == pytest.approx([1.0, 1.0, 1.0, 1.2, 1.2 * 2.5**0.5, 1.2 * 5**0.5])
    assert list(beads.get_ydata()) == [5, 10, 20, 40, 100, 200]
    for panel, name in ((left, "length"), (right, "beads")):
        law = law_of(levels(table, "a"), name)
        assert law and any(f"threshold$^{{{law.exponent:.2f}}}$" in text.get_text() for text in panel.texts)
    shares = string_answers(table, {"a": "A"}, {"a": "error"}, "Title")
    (line,) = [one for one in shares.axes[0].get_lines() if one.get_gid() == "share-a"]
    assert list(line.get_ydata()) == [1.0] * 6 + [0.5]
    with pytest.raises(ValueError, match="no row for model 'b'"):
        string_lengths(table, {"b": "B"}, {"b": "loss"}, "Title")


def test_a_model_that_connected_no_pair_is_drawn_without_points() -> None:
    drawn = string_lengths(answers("a", {0.4: [None, None], 0.2: [None]}), {"a": "A"}, {"a": "loss"}, "Title")
    points = [line for axes in drawn.axes for line in axes.get_lines() if line.get_gid() in ("length-a", "beads-a")]
    assert len(points) == 2 and all(len(line.get_xdata()) == 0 for line in points)


def test_views_show_the_string_along_its_components(tmp_path: Path) -> None:
    function = make_landscape(PerceptronSpec(**(POINTS | {"box": 2.0})))[0]
    beads = function.init(5, generator("view"))
    own_view = view(function, beads)
    centred = beads - beads.mean(0)
    distances = torch.cdist(own_view.beads, own_view.beads)
    assert bool((distances <= torch.cdist(beads, beads) + 1e-9).all())  # a projection
    _, sizes, _ = torch.linalg.svd(centred)
    assert float(own_view.shares.sum()) == pytest.approx(float(sizes[:3].square().sum() / sizes.square().sum()))
    torch.testing.assert_close(own_view.places[[0, -1]], own_view.beads[[0, -1]])
    assert float(own_view.values[0]) == pytest.approx(float(function.loss(beads[:1])))
    arrays = {name: getattr(own_view, name).numpy() for name in ("places", "values", "beads", "shares")}
    shown = Shown.of(arrays | {"beads": np.vstack([arrays["beads"], np.full((2, 3), np.nan)])}, 4, 0.2)
    assert shown.beads.shape == (5, 3)
    drawn = string_views({"a": shown}, {"a": "A"}, {"a": "loss"}, "Title")
    strings = [one for one in drawn.findobj(LineCollection) if one.get_gid() == "string-a"]
    assert len(strings) == 3 and len(strings[0].get_segments()) == len(shown.places) - 1
    save(drawn, tmp_path / "a.pdf", tmp_path / "a.svg")
    with pytest.raises(ValueError, match="no pair of any model is connected"):
        string_views({}, {"a": "A"}, {"a": "loss"}, "Title")


def test_a_straight_string_has_one_component() -> None:
    function = make_landscape(PerceptronSpec(**(POINTS | {"box": 2.0})))[0]
    straight = view(function, function.init(2, generator("straight")))
    assert straight.shares.tolist() == [pytest.approx(1.0), pytest.approx(0.0, abs=1e-12), 0.0]
    assert straight.beads.shape == (2, 3)


def test_the_bridge_sets_strings_beside_the_lowest_curve() -> None:
    tops = {("curves", 0, 1): 3.0, ("curves", 0, 2): 2.0, ("curves", 1, 2): 4.0}
    tops |= {("curves-flow", a, b): top - 0.5 for (_, a, b), top in list(tops.items())}
    tops |= {("curves-dss", 0, 1): 2.6, ("curves-dss", 0, 2): 1.2, ("curves-dss", 1, 2): 3.9}
    rows = [
        {"model": "m", "by": by, "a": a, "b": b, "kind": "curve", "t": t, "objective": loss}
        for (by, a, b), top in tops.items()
        for t, loss in ((0.0, 0.1 * (a + 1)), (0.5, top), (1.0, 0.1 * (b + 1)))
    ]
    table = pd.DataFrame(rows)
    found = heights(table, "curves-dss")
    assert found["string"].tolist() == [2.6, 1.2, 3.9] and found["curve"].tolist() == [2.5, 1.5, 3.5]
    drawn = string_bridge(table, {"m": "M"}, {"m": "curves-dss"}, "Title")
    assert "strings lower: 1 of 3 pairs" in drawn.axes[0].get_title()
    bars = {one.get_gid(): one.get_segments() for one in drawn.findobj(LineCollection)}
    assert [segment[1][1] for segment in bars["strings-m"]] == [2.6, 1.2]  # minima 1 and 2, by their lowest string
    assert [segment[1][1] for segment in bars["curves-m"]] == [2.5, 1.5]


# Steps -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    """The experiment, all of whose tasks ran in the working folder of the tests that ask for it."""
    made, folder = plan(), tmp_path_factory.mktemp("strings")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_tasks(made.tasks("lev"))
        yield made


def test_every_pair_has_an_answer(done: Plan) -> None:
    assert all(Path(path).is_file() for task in done.tasks("lev") for path in task.outputs.values())
    table = read_table_of(the_task(done, "lev", "gather"))
    assert set(table["model"]) == {"cubic", "swap", "net"} and set(table["pair"]) == {0, 1, 2}
    there = table[table["answer"] == "connected"]
    assert (there["highest"] <= there["threshold"]).all() and (there["above"] == "nothing").all()
    assert (there["length"] >= 1 - 1e-9).all()
    claims = read_table_of(done.claims("lev"))
    assert {"connects", "cubic-spike", "swapped-units"} <= set(claims["id"])


def tensors_of(task: Task) -> dict[str, torch.Tensor]:
    return read_tensors(Path(task.outputs["tensors"]), task.key)[0]


def test_strings_that_are_kept_are_those_of_the_table(done: Plan) -> None:
    task = the_task(done, "lev", "strings", "cubic", "0-1")
    tensors, table = tensors_of(task), read_table_of(task)
    net, _ = make_landscape(PerceptronSpec(**(CUBIC | {"box": 2.0})))
    pairs, lengths = tensors["pairs"].tolist(), tensors["lengths"].tolist()
    for pair, nodes, count in zip(pairs, tensors["nodes"], lengths, strict=True):
        rows = table[(table["pair"] == pair) & (table["answer"] == "connected")]
        best = rows.sort_values("threshold").iloc[0]
        beads = nodes[:count]
        assert count == best["beads"] + 2 and not bool(beads.isnan().any())
        assert float(net.loss(beads).max()) <= best["threshold"]


def test_finished_strings_are_taken_as_they_are(done: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    task = the_task(done, "lev", "strings", "net", "2")
    before = {path: Path(path).read_bytes() for path in task.outputs.values()}
    for path in before:
        Path(path).unlink()
    run_tasks([task])
    assert "taken, as made before" in capsys.readouterr().err
    assert {path: Path(path).read_bytes() for path in before} == before


def test_the_string_with_most_beads_at_the_lowest_threshold_is_shown(done: Plan) -> None:
    (task,) = [one for one in done.figures("lev") if one.outputs["svg"].endswith("string-views.svg")]
    shown = longest(Work.of(task))
    answers = read_table_of(the_task(done, "lev", "gather"))
    connected = answers[answers["answer"] == "connected"]
    assert list(shown) == [model for model in LEV["models"] if model in set(connected["model"])]
    for model, string in shown.items():
        rows = connected[connected["model"] == model]
        lowest = rows[rows["threshold"] == rows["threshold"].min()]
        assert string.threshold == lowest["threshold"].iloc[0]
        assert len(string.beads) - 2 == lowest["beads"].max()
        assert string.pair in set(lowest[lowest["beads"] == lowest["beads"].max()]["pair"])


def test_the_example_has_every_figure() -> None:
    example = KINDS["strings"].example()
    drawn = {task.settings.figure for task in make_plan(one=example).figures("one")}  # type: ignore[attr-defined]
    assert drawn == set(KINDS["strings"].figures)
