"""Experiments on escape: what they may say, their tasks, claims and figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNMEASURED, Finding
from lossbars.cli.data_checks import data_checks
from lossbars.documents.plan import barcodes
from lossbars.experiments.escape.claims import CLAIMS, MIXED, EscapeResults
from lossbars.experiments.escape.figures.polynomials import escape_polynomials
from lossbars.experiments.escape.figures.rates import escape_rates
from lossbars.experiments.escape.figures.regimes import escape_regimes
from lossbars.experiments.escape.figures.steps import escape_steps
from lossbars.experiments.escape.figures.trajectories import escape_trajectories
from lossbars.experiments.escape.fits import line, smallest, steps_to_escape, typical_start
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from support.plans import (
    changed,
    changed_rules,
    check_config,
    claims_settings,
    make_plan,
    read_table_of,
    run_tasks,
    the_task,
)

TWO = {"kind": "two-point", "curvature": 1.0, "distance": 4.0, "depth": 0.75, "far_curvature": 0.3}
ONE = {"kind": "one-point", "derivatives": [1.0, -3.9, 9.4, -13.4]}
ESC: dict[str, Any] = {
    "kind": "escape",
    "title": "A few escapes",
    "descent": {"starts": 3, "radius": 0.1, "steps": 300},
    "rates": {"lowest": 0.8, "highest": 2.2, "number": 15, "precision": 1.0e-3},
    "models": {
        "two": {"label": "Two", "family": TWO, "bars": {"shortest": 0.05, "longest": 0.11, "number": 4}},
        "one": {"family": ONE, "bars": {"shortest": 0.16, "longest": 0.23, "number": 4}},
    },
    "figures": ["rates", "regimes"],
}
CHECKS = {claim.id: check for claim, check in CLAIMS}


# What may be said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("descent.step", 9, "experiments.esc.descent.step: unknown key; did you mean 'steps'"),
        ("descent.radius", 1.0, "experiments.esc.descent.radius: Input should be less than 1"),
        ("rates.lowest", 3.0, r"experiments.esc.rates: rates: lowest \(3\) must be below highest \(2.2\)"),
        ("models.two.bars.number", 3, "models.two.bars.number: Input should be greater than or equal to 4"),
        ("models.two.bars.shortest", 1, r"bars: shortest \(1\) must be below longest \(0.11\)"),
        ("models.two.family.depth", -1, "models.two.family.depth: Input should be greater than 0"),
        ("models.two.family.kind", "three-point", "models.two.family: Input tag 'three-point'"),
        ("models.one.family.derivatives", [-1, 0, 1, 1], "derivatives: the second must be positive"),
        ("models.one.family.derivatives", [1, 1], "models.one.family.derivatives: List should have at least 4 items"),
        ("figures", ["rate"], "experiments.esc.figures.0: no figure 'rate'; there are 'polynomials'"),
        ("seeds", 2, "experiments.esc.seeds: unknown key"),
        ("models", {}, "models: at least one is needed"),
    ],
)
def test_mistakes_are_named_with_their_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(esc=changed(ESC, place, value))


def plan(experiment: dict[str, Any] = ESC, scale: Any = 1) -> Plan:
    return make_plan(scale, esc=experiment)


def test_a_scale_shrinks_starts_and_rates() -> None:
    large = changed(ESC, "descent.starts", 40)
    large["rates"]["number"] = 200
    model = plan(large, {"seeds": 0.1, "points": 0.1}).experiments["esc"].models["two"]
    assert (model.descent.starts, model.rates.number, model.bars.number, model.descent.steps) == (4, 20, 4, 300)
    least = plan(large, 1e-6).experiments["esc"].models["two"]
    assert (least.descent.starts, least.rates.number) == (2, 10)


def test_jobs_ask_for_what_they_do_and_read_no_data() -> None:
    def asked(place: str, value: Any) -> Any:
        made = plan(changed(ESC, place, value))
        return made.request(the_task(made, "esc", "escape_runs", "two"))

    small, large = asked("descent.steps", 300), asked("descent.steps", 10**7)
    assert (small.gpu, small.gpu_mem_mb) == (0, 0) and large.runtime > small.runtime
    assert asked("resources", {"mem_mb": 77}).mem_mb == 77
    assert list(data_checks(plan(), ["esc"])) == [] and barcodes(plan(), "esc") == []


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        ("models.two.label", "Zwei", {"figure", "claims", "usage"}),
        ("rates.precision", 1e-2, {"escape_runs", "escape_trajectories", "gather", "figure", "claims", "usage"}),
        ("resources", {"mem_mb": 7777}, {"usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(place: str, value: Any, rules: set[str]) -> None:
    assert changed_rules(plan(), plan(changed(ESC, place, value)), "esc") == rules


# Fits and claims, on made-up runs ----------------------------------------------------------------


def made_up(slope: float = 2.0, bend: float = 0.0, model: str = "two", noise: float = 0.0) -> pd.DataFrame:
    """Rates 1 + slope · bar + bend · bar² of eight bars; on the grid two rates converge, two oscillate, six escape."""
    rows = []
    random = np.random.default_rng(0)
    for bar in np.linspace(0.1, 0.8, 8):
        rate = 1 + slope * bar + bend * bar**2
        constants = {"model": model, "bar": bar, "threshold": rate, "far_multiple": 0.5, "saddle": 1.0, "far": 2.0}
        constants |= {f"c{power}": 0.1 * power for power in range(7)}
        for start in range(3):
            own_rate = rate * (1 + noise * random.random())
            rows.append(constants | {"search": "smallest", "start": start, "rate": own_rate, "steps": 9, "relapses": 0})
            for k, outcome in enumerate(["converges"] * 2 + ["oscillates"] * 2 + ["escapes"] * 6):
                steps = int(random.integers(1, 1000)) if k > 3 else 0
                found = {"search": "grid", "start": start, "rate": rate * (0.7 + 0.1 * k), "outcome": outcome}
                rows.append(constants | found | {"multiple": 0.7 + 0.1 * k, "steps": steps, "relapses": -1})
    return pd.DataFrame(rows)


def results(runs: pd.DataFrame, scale: Any = 1, **models: Any) -> EscapeResults:
    two = {"two": ESC["models"]["two"]}
    return EscapeResults(claims_settings(plan(ESC | {"models": two | models}, scale), "esc"), runs)


def obtained(claim: str, runs: pd.DataFrame) -> Finding:
    return CHECKS[claim](results(runs))


def test_a_line_is_found_and_a_bend_is_seen() -> None:
    rows = smallest(made_up(noise=1e-3), "two")
    fit = line(rows["bar"].to_numpy(), rows["rate"].to_numpy())
    assert fit.slope == pytest.approx(2.0, abs=0.01) and fit.intercept == pytest.approx(1.0, abs=0.01)
    assert fit.slope_reach > abs(fit.slope - 2.0) / 3 and fit.r_squared > 0.9999 and not fit.curved
    rows = smallest(made_up(bend=0.5, noise=1e-4), "two")
    assert line(rows["bar"].to_numpy(), rows["rate"].to_numpy()).curved
    exact = smallest(made_up(), "two")
    assert line(exact["bar"].to_numpy(), exact["rate"].to_numpy()).quadratic_t == 0.0  # rounding is no curvature
    with pytest.raises(ValueError, match="a line needs finite rates of four bars or more, not 3"):
        line(np.arange(3.0), np.arange(3.0))


def test_intervals_are_those_of_ordinary_least_squares() -> None:
    bar = np.arange(6.0)
    rate = np.array([1.0, 3.2, 4.8, 7.1, 9.0, 10.9])
    fit, design = line(bar, rate), np.vander(bar, 2)
    found, (rest,), *_ = np.linalg.lstsq(design, rate, rcond=None)
    reach = 2.7764451052 * np.sqrt(rest / 4 * np.diag(np.linalg.inv(design.T @ design)))  # Student's t, 4 degrees
    assert (fit.slope, fit.intercept) == pytest.approx(tuple(found))
    assert fit.slope_reach == pytest.approx(reach[0], rel=1e-8)


@pytest.mark.parametrize(("bend", "verdict"), [(0.0, HOLDS), (-2.2, FAILS)])
def test_linear_is_judged_by_r_squared(bend: float, verdict: str) -> None:
    assert obtained("linear-two-point", made_up(bend=bend, noise=1e-4)).verdict == verdict
    assert obtained("linear-one-point", made_up()).verdict == UNMEASURED


def test_one_family_in_two_ways_is_undecided_and_a_small_budget_is_said() -> None:
    runs = pd.concat([made_up(noise=1e-4), made_up(bend=-2.2, noise=1e-4, model="other")])
    other = {"other": ESC["models"]["two"] | {"label": "other"}}
    check = CHECKS["linear-two-point"]
    assert check(results(runs, {"seeds": 0.5}, **other)).verdict == MIXED
    assert check(results(runs, {"seeds": 0.5})).verdict == HOLDS + AT_BUDGET


def test_bars_that_are_never_escaped_are_said() -> None:
    runs = made_up()
    runs.loc[(runs["search"] == "smallest") & (runs["bar"] == runs["bar"].max()), "rate"] = np.nan
    found = obtained("linear-two-point", runs)
    assert found.verdict == FAILS and "escapes at no rate of the grid" in found.obtained


def test_regimes_must_come_in_order() -> None:
    assert obtained("three-regimes", made_up()).verdict == HOLDS
    runs = made_up()
    runs.loc[(runs["multiple"] > 1.55) & (runs["search"] == "grid"), ["steps", "outcome"]] = [0, "oscillates"]
    found = obtained("three-regimes", runs)
    assert found.verdict == FAILS and found.obtained.startswith("Two: 0.0%")


def test_what_becomes_of_those_that_escape() -> None:
    assert obtained("reaches-global", made_up()).verdict == HOLDS
    runs = made_up()
    runs.loc[runs["steps"] > 0, "outcome"] = "diverges"
    found = obtained("reaches-global", runs)
    assert found.verdict == FAILS and "100.0% diverges" in found.obtained


def test_erratic_steps_are_those_that_no_line_explains() -> None:
    assert obtained("erratic-steps", made_up()).verdict == HOLDS
    runs = made_up()
    over = (runs["steps"] > 0) & (runs["search"] == "grid")
    runs.loc[over, "steps"] = (1000 - 100 * runs.loc[over, "multiple"]).astype(int)
    found = steps_to_escape(runs[over])
    assert found.r_squared > 0.999 and found.rank == pytest.approx(-1.0) and found.spread == pytest.approx(0.0)
    assert obtained("erratic-steps", runs).verdict == FAILS
    assert typical_start(pd.DataFrame({"start": [0, 1, 2, 2], "steps": [5, 1, 9, 9]})) == 0


def test_the_threshold_is_a_claim() -> None:
    assert obtained("threshold", made_up()).verdict == HOLDS
    assert obtained("threshold", made_up(noise=0.1)).verdict == FAILS


# Figures -----------------------------------------------------------------------------------------


def lines_of(figure: Figure, name: str) -> list[Line2D]:
    found = figure.findobj(lambda artist: isinstance(artist, Line2D) and str(artist.get_gid()).startswith(name))
    return [one for one in found if isinstance(one, Line2D)]


def trajectories() -> pd.DataFrame:
    rows = [
        {"model": "two", "regime": regime, "bar": 0.5, "rate": rate, "step": step, "x": x, "value": x**2}
        for regime, rate, places in (
            ("below", 1.0, (0.1, 0.0)),
            ("between", 2.0, (0.1, 0.2)),
            ("above", 3.0, (0.1, 2.0)),
        )
        for step, x in enumerate(places)
    ]
    return pd.DataFrame(rows).assign(saddle=1.0, far=2.0, **{f"c{power}": 0.1 * power for power in range(7)})


def test_the_line_and_all_means_are_drawn() -> None:
    drawn = escape_rates(made_up(noise=1e-3), {"two": "Two"}, "Rates")
    (fitted,), (threshold,) = lines_of(drawn, "line-two"), lines_of(drawn, "threshold-two")
    rows = smallest(made_up(noise=1e-3), "two")
    assert np.polyfit(*fitted.get_data(), 1) == pytest.approx(np.polyfit(rows["bar"], rows["rate"], 1))
    np.testing.assert_allclose(threshold.get_ydata(), rows["threshold"])
    with pytest.raises(ValueError, match="table 'escapes', model 'two': a line needs finite rates of four bars"):
        escape_rates(made_up()[lambda t: t["bar"] < 0.35], {"two": "Two"}, "Rates")


def test_steps_regimes_and_trajectories_are_those_of_the_table() -> None:
    runs = made_up()
    (first, *_) = lines_of(escape_steps(runs, {"two": "Two"}, "Steps"), "steps-two")
    start = typical_start(runs[runs["search"] == "grid"])
    shown = runs[(runs["search"] == "grid") & (runs["start"] == start) & (runs["bar"] == runs["bar"].min())]
    np.testing.assert_array_equal(first.get_ydata(), shown["steps"])
    regimes = escape_regimes(trajectories(), {"two": "Two"}, "Regimes")
    assert [list(lines_of(regimes, f"{name}-")[0].get_ydata()) for name in ("below", "above")] == [[0.1, 0], [0.1, 2]]
    paths = escape_trajectories(trajectories(), {"two": "Two"}, "Paths")
    assert [list(lines_of(paths, name)[0].get_xdata()) for name in ("before-two", "after-two")] == [[0.1, 2.0], [2.0]]
    assert len(lines_of(escape_polynomials(runs, {"two": "Two"}, "Polynomials"), "polynomial-two")) == 8
    with pytest.raises(ValueError, match="unknown regime 'beside'"):
        escape_regimes(trajectories().replace("below", "beside"), {"two": "Two"}, "Regimes")


# Steps -------------------------------------------------------------------------------------------


def test_the_steps_leave_what_was_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = plan()
    run_tasks(made.tasks("esc"))
    for task in made.tasks("esc"):
        assert all(Path(path).is_file() for path in task.outputs.values()), task.path
    assert set(read_table_of(made.claims("esc"))["id"]) == set(CHECKS)
    runs = read_table_of(the_task(made, "esc", "gather"))
    assert len(runs) == 2 * 4 * 3 * (15 + 1) and list(runs["model"].unique()) == ["two", "one"]
    least = runs[runs["search"] == "smallest"]
    assert (least["rate"] / least["threshold"]).to_numpy() == pytest.approx(1.0, abs=5e-3)
    assert (least["steps"] > 0).all() and (runs.loc[runs["outcome"] == "oscillates", "steps"] == 0).all()
    assert (runs.loc[runs["multiple"] < 1, "outcome"] == "converges").all()
