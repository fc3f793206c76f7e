"""Minima in groups, and several recipes for curves and triangles of one model."""

import contextlib
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossbars.barcodes.complex import FilteredComplex, direct_barcode
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.figures.barcodes import barcodes
from lossbars.experiments.networks.figures.optimisers import deaths_by_recipe
from lossbars.plots.tables import by_group, by_recipe, lowest
from lossbars.workflow.blocks import blocks, groups_of, parts
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from support.plans import make_plan, read_table_of, tasks_by_path
from support.workflow import ADAM, TINY, Model, plan

FLOW: dict[str, Any] = ADAM | {
    "epochs": 2,
    "family": {"kind": "path", "points": 4},
    "grid": {"between": 1, "refinements": 0},
}
SEVERAL: dict[str, Any] = {
    "seeds": 2,
    "seeds_per_job": 2,
    "groups": {"short": {}, "long": {"label": "trained for long", "minima": {"epochs": 5}}},
    "more_curves": {"flow": FLOW, "bent": TINY["curves"] | {"family": {"kind": "chain", "bends": 3}}},
    "triangles": None,
    "figures": ["barcodes", "profiles", "optimisers", "path-norms"],
}


def made(**changes: Any) -> Plan:
    return plan(**(SEVERAL | changes))


def keys(made: Plan) -> dict[str, str]:
    return {path: task.key for task in made.tasks("tiny") for path in task.outputs.values()}


# Planning ----------------------------------------------------------------------------------------


def test_blocks_hold_minima_of_one_group_and_grow_at_their_ends() -> None:
    assert blocks(3, 2, groups=2) == ["0-1", "2", "1000-1001", "1002"]
    assert set(blocks(4, 2, groups=3)) > {"0-1", "1000-1001"}
    assert [groups_of(part) for part in ("3", "0-1+2", "1000+0-1", "2000+1000+0")] == ["0", "0", "0+1", "0+1+2"]


def test_curves_across_groups_can_be_left_out() -> None:
    names = blocks(2, 2, groups=2)
    assert parts(names, 2) == ["0-1+0-1", "0-1+1000-1001", "1000-1001+1000-1001"]
    assert parts(names, 2, across=False) == ["0-1+0-1", "1000-1001+1000-1001"]


def test_a_group_states_what_differs() -> None:
    one, two = made().experiments["tiny"].models["mlp"].groups.values()
    assert (one.minima.epochs, two.minima.epochs) == (2, 5)
    assert one.minima.schedule == two.minima.schedule


def test_another_recipe_of_one_group_leaves_what_the_other_made() -> None:
    changed = made(groups={"short": {}, "long": {"minima": {"epochs": 6}}})
    before, after = keys(made()), keys(changed)
    stale = {path for path in before if before[path] != after[path]}
    kept = {"minima/0-1", "curves/0-1+0-1", "curves-flow/0-1+0-1", "curves-bent/0-1+0-1"}
    folder = "results/tiny/mlp"
    assert not stale & {f"{folder}/{name}.{kind}" for name in kept for kind in ("parquet", "safetensors")}
    assert {f"{folder}/minima/1000-1001.parquet", f"{folder}/curves/0-1+1000-1001.parquet"} <= stale


def test_another_recipe_of_curves_leaves_the_others() -> None:
    changed = made(more_curves=SEVERAL["more_curves"] | {"flow": FLOW | {"epochs": 3}})
    for kind, same in (("curves", True), ("curves-bent", True), ("curves-flow", False)):
        path = f"results/tiny/mlp/{kind}/0-1+1000-1001.parquet"
        assert (keys(made())[path] == keys(changed)[path]) == same


def test_a_figure_of_norms_reads_the_tensors_of_paths_alone() -> None:
    reads = tasks_by_path(made(), "tiny")["results/figures/tiny-path-norms.svg"].reads()
    assert {one.path.rpartition(".")[2] for one in reads if one.task.part} == {"safetensors"}
    assert {one.task.kind for one in reads} == {"gather", "curves-flow"}


def test_labels_tell_recipes_apart() -> None:
    model = made(more_curves={"flow": FLOW, "same": TINY["curves"]}).experiments["tiny"].models["mlp"]
    assert model.recipe_labels == {
        "curves": "chain, 1 bend (first)",
        "curves-flow": "flow, 4 points",
        "curves-same": "chain, 1 bend (same)",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"more_curves": {"flow": FLOW | {"family": {"kind": "path", "point": 4}}}},
            "tiny.more_curves.flow.family.point: unknown key",
        ),
        ({"more_curves": {"flow": FLOW | {"tilt": 3}}}, "tiny.more_curves.flow.tilt: unknown key"),
        (
            {"curves": FLOW | {"family": {"kind": "path", "points": 2}}},
            "tiny.curves.family.points: Input should be greater",
        ),
        ({"more_triangles": {"long": TINY["triangles"]}}, "more_triangles: the first goes under triangles"),
        ({"figures": ["optimisers"], "more_curves": {}}, "figures: 'optimisers' compares curves"),
        ({"figures": ["path-norms"], "more_curves": {}}, "figures: 'path-norms' needs"),
        ({"more_curves": {"Flow": FLOW}}, "recipe key 'Flow'"),
        (
            {"groups": {"a": {"minima": {"epoch": 3}}}},
            "tiny.groups.a.minima.epoch: unknown key; did you mean 'epochs'?",
        ),
        (
            {"curves": FLOW, "triangles": TINY["triangles"] | {"sides": "fixed"}, "seeds": 3},
            "need curves that are chains",
        ),
    ],
)
def test_what_cannot_be_run_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match="cannot be run") as raised:
        made(**changes)
    assert said in str(raised.value)


def test_scaled_paths_get_their_points_as_often_in_proportion() -> None:
    long = FLOW | {"epochs": 100, "family": {"kind": "path", "insertion": {"every": 20}}}
    several = TINY | SEVERAL | {"more_curves": {"flow": long}}
    scaled = make_plan({"epochs": 0.1}, tiny=several).experiments["tiny"]
    assert isinstance(scaled, Experiment)
    flow = scaled.models["mlp"].kinds["curves-flow"]
    assert flow.epochs == 10
    assert flow.family.insertion.every == 2  # type: ignore[attr-defined]
    assert scaled.models["mlp"].groups["long"].minima.epochs == 1


# Tables ------------------------------------------------------------------------------------------


def curve_rows(tops: dict[tuple[str, int, int], float]) -> pd.DataFrame:
    """Minima 0, 1, 2 with losses 0.0, 0.1, 0.2."""
    rows = [
        ("m", by, a, b, "curve", t, loss)
        for (by, a, b), top in tops.items()
        for t, loss in ((0.0, a / 10), (0.5, top), (1.0, b / 10))
    ]
    return pd.DataFrame(rows, columns=["model", "by", "a", "b", "kind", "t", "objective"])


TOPS = {
    ("curves", 0, 1): 3.0, ("curves", 0, 2): 5.0, ("curves", 1, 2): 4.0,
    ("curves-flow", 0, 1): 2.0, ("curves-flow", 0, 2): 6.0, ("curves-flow", 1, 2): 7.0,
}  # fmt: skip


def test_deaths_by_recipe_are_those_of_algorithm_1_with_its_curves_alone() -> None:
    found = deaths_by_recipe(curve_rows(TOPS), ["curves", "curves-flow"])
    for by in found.columns:
        values = {(i,): i / 10 for i in range(3)} | {(a, b): top for (kind, a, b), top in TOPS.items() if kind == by}
        bars = {bar.born_at[0]: bar.death for bar in direct_barcode(FilteredComplex.of(values)).bars}
        assert dict(found[by]) == {1: bars[1], 2: bars[2]}


def test_the_lowest_curve_of_a_pair_is_kept_whole() -> None:
    kept = lowest(curve_rows(TOPS), ["a", "b"])
    assert dict(kept.groupby(["a", "b"]).objective.max()) == {(0, 1): 2.0, (0, 2): 5.0, (1, 2): 4.0}
    assert len(kept) == 9


def test_recipes_and_groups_are_drawn_as_models_of_their_own() -> None:
    labels = {"m": "Net", "n": "Other"}
    table = pd.DataFrame({"model": ["m", "m", "n"], "by": ["curves", "curves-flow", "curves"], "objective": 0.0})
    recipes = {"m": {"curves": "chain", "curves-flow": "flow"}, "n": {"curves": "chain"}}
    rows, named = by_recipe(table, labels, recipes)
    assert named == {"m-curves": "Net, chain", "m-curves-flow": "Net, flow", "n": "Other"}
    assert rows["model"].tolist() == list(named)
    bars = pd.DataFrame({"model": ["m", "m", "n"], "born_at": ["3", "1003", "1000+2"]})
    rows, named = by_group(bars, labels, {"m": ["short", "long"], "n": []})
    assert rows["model"].tolist() == ["m-0", "m-1", "n"]
    assert named == {"m-0": "Net\nshort", "m-1": "Net\nlong", "n": "Other"}


def test_a_red_line_stands_between_the_groups_of_a_model_alone() -> None:
    rows = [
        (model, seed, death) for model in ("m", "n") for seed, death in (("0", 3.0), ("1000", 2.0), ("1001", math.inf))
    ]
    bars = pd.DataFrame(rows, columns=["model", "born_at", "death"])
    bars = bars.assign(convention="direct", dim=0, birth=1.0, dies_at="")
    labels, names = {"m": "Net", "n": "Other"}, ["short", "long"]
    (axes,) = barcodes(bars, labels, "title", groups={"m": names, "n": names}).axes
    lines = {str(line.get_gid()): line for line in axes.lines}
    between = {gid: line.get_xdata()[0] for gid, line in lines.items() if gid.startswith("between-groups")}
    assert between == {"between-groups-1": 1, "between-groups-3": 3}
    assert [len(lines[f"births-{model}-{group}"].get_xdata()) for model in "mn" for group in (0, 1)] == [1, 2, 1, 2]


# The steps ---------------------------------------------------------------------------------------


def test_the_lowest_curve_counts_and_every_bar_says_which_it_was(tmp_path: Path) -> None:
    several = {key: value for key, value in (TINY | SEVERAL).items() if key not in ("triangles", "robustness")}
    model = Model(tmp_path, make_plan(tiny=several))
    model.train()
    model.barcode()
    values = {}
    for kind in ("curves", "curves-flow", "curves-bent"):
        for task in model.of(kind):
            table = model.table(kind, task.part)
            assert set(table.kind) == ({"curve", "segment"} if kind == "curves" else {"curve"})
            for pair, top in table[table.kind == "curve"].groupby(["a", "b"]).objective.max().items():
                values[kind, pair] = top
    pairs = {pair for _, pair in values}
    assert len(pairs) == 6 and len(values) == 18
    (filtered,) = model.records("complex")
    edges = {tuple(s["vertices"]): s for s in filtered["simplices"] if len(s["vertices"]) == 2}
    for pair in pairs:
        best = min(("curves", "curves-flow", "curves-bent"), key=lambda kind: values[kind, pair])
        assert edges[pair]["by"] == best
        assert edges[pair]["value"] >= values[best, pair]
    for record in model.records("barcode"):
        for bar in record["bars"]:
            assert bar["dies_on"] == (edges[tuple(bar["dies_at"])]["by"] if bar["dies_at"] else None)
    tensors = model.tensors("curves-flow", "0-1+1000-1001")
    assert tensors["nodes"].shape[:2] == (4, 4)
    assert tensors["lengths"].tolist() == [4] * 4
    assert tensors["tangent"].shape == (2, 4, 2)
    model.run(*(task for task in model.tasks if task.rule in ("gather", "claims")))
    with contextlib.chdir(tmp_path):
        claims = read_table_of(model.plan.claims("tiny")).set_index("id")
    assert "flow, 4 points" in claims.loc["recipes", "obtained"]
    assert claims.loc["minima", "budget"].startswith("2 minima of each of 2 types, 2 to 5 epochs for minima")
