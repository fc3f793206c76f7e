"""Experiments on convergence: what they may say, what their tasks ask for and depend on, and what their step leaves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossbars.experiments.convergence import claims
from lossbars.experiments.convergence.steps import cloud_pairs
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.claims_step import claim_rows
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from support.function_tables import CONVERGENCE_CHECKS, convergence_results
from support.plans import (
    changed,
    changed_rules,
    check_config,
    make_plan,
    read_table_of,
    run_tasks,
    tasks_by_path,
    the_task,
)

CONV: dict[str, Any] = {
    "kind": "convergence",
    "title": "Two sizes",
    "pairs": 2,
    "sizes": [300, 1000],
    "models": {"alpine": {"landscape": {"kind": "function", "name": "alpine01", "dim": 3}}},
}


def plan(experiment: dict[str, Any] = CONV, scale: Any = 1) -> Plan:
    return make_plan(scale, conv=experiment)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("models.alpine.landscape", {"kind": "function", "name": "alpine01"}, "every dimension: it needs dim"),
        ("sizes", [10, 10], "sizes: each must be larger than the one before"),
        ("sizes", [], "experiments.one.sizes: List should have at least 1 item"),
        ("pairs", 0, "experiments.one.pairs: Input should be greater than 0"),
        ("cloud", {"sampling": "grid"}, "experiments.one.cloud.sampling: Input should be 'random'"),
        ("cloud", {"points": 9}, "experiments.one.cloud.points: unknown key"),
        ("seeds", 2, "experiments.one.seeds: unknown key"),
        ("models", {}, "models: at least one is needed"),
        ("figures", ["converging"], "experiments.one.figures.0: no figure 'converging'; there are 'convergence'"),
    ],
)
def test_mistakes_are_named_with_their_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(one=changed(CONV, place, value))


def test_a_scale_shrinks_sizes_and_pairs() -> None:
    many = CONV | {"pairs": 20, "sizes": [100, 300, 1000, 10_000]}
    small: Any = plan(many, 0.1).experiments["conv"]
    assert (small.sizes, small.pairs) == ([100, 300, 1000], 2)
    least: Any = plan(many, 1e-6).experiments["conv"]
    assert least.sizes == [100, 300]


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        ("pairs", 3, {"cloud_pairs", "gather", "figure", "claims", "usage"}),
        ("cloud", {"neighbours": 12}, {"cloud_pairs", "gather", "figure", "claims", "usage"}),
        ("sizes", [300, 1000, 2000], {"claims", "usage"}),
        ("title", "Another", {"figure", "claims", "usage"}),
        ("resources", {"mem_mb": 7777}, {"usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(place: str, value: Any, rules: set[str]) -> None:
    assert changed_rules(plan(), plan(changed(CONV, place, value)), "conv") == rules


def test_a_new_size_costs_itself() -> None:
    before, after = (tasks_by_path(plan(CONV | {"sizes": sizes}), "conv") for sizes in ([300, 1000], [300, 1000, 2000]))
    distances = [f"results/conv/alpine/distances/{size}.parquet" for size in (300, 1000, 2000)]
    assert set(after) - set(before) == {distances[-1]}
    assert {one.path for one in after["results/conv/distances.parquet"].reads()} == set(distances)
    assert {one.path for one in after["results/figures/conv-convergence.svg"].reads()} == {
        "results/conv/distances.parquet"
    }


def test_more_points_ask_for_more() -> None:
    configured = plan(CONV | {"sizes": [10**6, 10**8]})
    small, large = (configured.request(the_task(configured, "conv", "cloud_pairs", part=f"{10**e}")) for e in (6, 8))
    assert small.mem_mb < large.mem_mb and small.runtime < large.runtime and small.gpu == 0
    stated = plan(CONV | {"resources": {"mem_mb": 77, "runtime": 5}})
    asked = stated.request(the_task(stated, "conv", "cloud_pairs", part="300"))
    assert (asked.mem_mb, asked.runtime) == (77, 5)


def test_pairs_go_on_from_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task, measure = the_task(plan(), "conv", "cloud_pairs", part="300"), cloud_pairs._measure
    done = []

    def stopping(*arguments: Any) -> list[float]:
        if done:
            raise KeyboardInterrupt
        done.append(arguments)
        return measure(*arguments)

    monkeypatch.setattr(cloud_pairs, "_measure", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_tasks([task], checkpoints=tmp_path / "here", checkpoint_seconds=0.0)
    monkeypatch.setattr(cloud_pairs, "_measure", lambda *arguments: done.append(arguments) or measure(*arguments))
    run_tasks([task], checkpoints=tmp_path / "here", checkpoint_seconds=0.0)
    assert len(done) == 2 and not list((tmp_path / "here").glob("*.safetensors"))
    one = read_table_of(task).drop(columns="seconds")
    run_tasks([task], checkpoints=tmp_path / "there", checkpoint_seconds=0.0)
    assert len(done) == 4
    pd.testing.assert_frame_equal(one, read_table_of(task).drop(columns="seconds"))
    assert list(one["pair"]) == [0, 1] and one["distance"].nunique() == 2
    assert one["empty"].unique() == pytest.approx(8.7152 / 2, abs=1e-3)  # Alpine01's longest bar in one dimension
    assert (one["truth_one"] > 0).all() and (one["k"] == 6).all()


def test_the_example_is_drawn_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = plan(KINDS["convergence"].example())
    run_tasks(made.tasks("conv"))
    distances = read_table_of(the_task(made, "conv", "gather"))
    assert distances.columns[0] == "model" and distances["n"].tolist() == [100, 100, 200, 200]
    assert Path("results/figures/conv-convergence.pdf").is_file()
    judged = read_table_of(made.claims("conv"))
    assert set(judged["budget"]) == {"2 pairs of clouds of each size, 100 to 200 points"}


def test_the_experiment_of_the_paper_shows_all_of_its_claims() -> None:
    columns = ["model", "function", "dim", "n", "pair", "distance", "truth_one", "truth_other", "empty"]
    rows = [("a", "alpine01", 4, n, pair, 1 / n + pair / n**2, 1.0, 1.0, 4.4) for n in (10, 100) for pair in (0, 1)]
    results = convergence_results(pd.DataFrame(rows, columns=columns))
    shown = {key: set(claim_rows(claims, key, results.config, results)["id"]) for key in ("convergence", "mine")}
    assert shown["convergence"] == set(CONVERGENCE_CHECKS)
    assert shown["mine"] == {"slope-alpine01-4", "truth-alpine01"}
