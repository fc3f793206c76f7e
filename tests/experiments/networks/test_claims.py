"""Claims on made-up tables: each verdict for a reason that can be read off the table."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.barcodes.barcode import Bar, Barcode
from lossbars.claims.claim import COLUMNS, NOT_CONVERGED
from lossbars.documents import claims_report
from lossbars.documents.claims_report import scale_in_words
from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.claims.results import Results, barcode_of, finite
from lossbars.plots.bars import to_score
from lossbars.workflow.artefacts import ArtefactError, read_table, write_table
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from lossbars.workflow.run import execute_task
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work
from support.network_tables import FULL, NOTHING, claim_rows, stated
from support.network_tables import results as made_up
from support.paths import CHECKOUT

Deaths = dict[str, list[float]]  # model → finite deaths; births are 1, and a half-line is added
Models = dict[str, dict[str, Any]]
DESCENTS = {"minima": {"epochs": 50}, "curves": {"epochs": 20}}


CUSTOM: Models = {"m2": {"network": {"kind": "custom", "source": f"{CHECKOUT}/tests/support/unit_networks.py:Block"}}}


def mlps(*depths: int) -> Models:
    return {f"m{depth}": {"network": {"kind": "mlp", "depth": depth}, "label": f"{depth} layers"} for depth in depths}


def bars(deaths: Deaths, merged: Deaths | None = None) -> pd.DataFrame:
    rows = [
        (model, convention, 0, 1.0, death, str(i), "" if math.isinf(death) else f"{i}+9")
        for convention, those in (("direct", deaths), ("merged", merged or deaths))
        for model, own in those.items()
        for i, death in enumerate([math.inf, *own])
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])


def subsets(lengths: Deaths) -> pd.DataFrame:
    """Per model, a subset of two minima for each length of its one finite bar."""
    rows = [
        (model, "direct", 2, subset, rank, (subset + rank) % 4, 1.0, math.inf if rank == 0 else 1.0 + length)
        for model, own in lengths.items()
        for subset, length in enumerate(own)
        for rank in (0, 1)
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "size", "subset", "rank", "minimum", "birth", "death"])


def minima(model: str = "m2", loss: float = 0.1596, **others: float) -> pd.DataFrame:
    means = {"data_loss": loss, "objective": 0.17, "test_loss": 0.26, "train_accuracy": 94.32, "test_accuracy": 90.77}
    noise = np.array([-0.001, 0.0, 0.001])
    columns = {name: value + noise for name, value in (means | others).items()}
    return pd.DataFrame({"model": model, "seed": range(3)} | columns)


def curves(*models: str) -> pd.DataFrame:
    rows = [
        (model, a, b, kind, t, loss)
        for model in models
        for a, b, top in ((0, 1, 2.0), (0, 2, 4.0))
        for kind, factor in (("curve", 1), ("segment", 10))
        for t, loss in ((0.0, 1.0), (0.5, top * factor), (1.0, 1.0))
    ]
    return pd.DataFrame(rows, columns=["model", "a", "b", "kind", "t", "objective"]).assign(by="curves")


def triangles(tops: dict[str, list[float]]) -> pd.DataFrame:
    """Triangles whose sides reach 1 and whose centres reach the given heights."""
    rows = [
        (model, i, i + 1, i + 2, *t, loss)
        for model, own in tops.items()
        for i, top in enumerate(own)
        for t, loss in (((0.0, 0.5, 0.5), 1.0), ((0.0, 0.0, 1.0), 0.5), ((1 / 3, 1 / 3, 1 / 3), top))
    ]
    return pd.DataFrame(rows, columns=["model", "a", "b", "c", "t1", "t2", "t3", "objective"]).assign(by="triangles")


def results(
    models: Models, scale: dict[str, float] = FULL, changes: dict[str, Any] | None = None, **tables: pd.DataFrame
) -> Results:
    given = {"bars": bars({"m2": [2.0]}), "minima": minima(), "curves": curves("m2")}
    return made_up({key: DESCENTS | model for key, model in models.items()}, scale, changes, **(given | tables))


def judged(experiment: str, found: Results) -> pd.DataFrame:
    table = claim_rows(found, experiment)
    assert list(table.columns) == COLUMNS
    assert (table["experiment"] == experiment).all()
    assert table["verdict"].str.len().gt(0).all()
    return table.set_index("id")


def depth_row(deaths: Deaths, spread: Deaths | None = None, scale: dict[str, float] = FULL) -> pd.Series:
    models = mlps(*(int(key[1:]) for key in deaths))
    robustness = subsets(spread) if spread else NOTHING
    found = results(models, scale, bars=bars(deaths), minima=minima(next(iter(deaths))), robustness=robustness)
    return judged("fc-mnist", found).loc["depth-to-score"]


def test_a_fall_at_every_step_holds() -> None:
    row = depth_row({"m2": [4.0, 2.0], "m3": [3.0, 2.0], "m4": [2.0, 1.5]})
    assert row["verdict"] == "holds"
    assert "correlation with depth −1.00" in row["detail"]
    assert row["obtained"].startswith("2 layers: 2.121 (n = 2 bars); 3 layers: 1.414")


def test_a_rise_does_not_hold_and_is_named() -> None:
    row = depth_row({"m2": [4.0], "m3": [2.0], "m4": [3.0]})
    assert row["verdict"] == "does not hold"
    assert "no fall from 3 to 4 layers" in row["detail"]
    assert "−0.50" in row["detail"]


def test_order_is_by_depth_whatever_the_order_of_drawing() -> None:
    assert depth_row({"m4": [2.0], "m2": [4.0], "m3": [3.0]})["verdict"] == "holds"


def test_a_difference_within_the_spread_is_undecided() -> None:
    wide, narrow = [0.5, 2.0, 3.5], [1.0, 1.01, 1.02]
    falling = {"m2": [3.0], "m4": [2.9]}
    assert depth_row(falling, {"m2": wide, "m4": wide})["verdict"].startswith("undecided")
    row = depth_row(falling, {"m2": narrow, "m4": narrow})
    assert row["verdict"] == "holds"
    assert "jackknife standard error over minima (3 subsets of 2 of 4)" in row["detail"]
    assert "± 0.0058" in row["obtained"]


def test_minima_that_no_curve_joins_have_an_infinite_score_and_no_verdict() -> None:
    row = depth_row({"m2": [4.0, math.inf], "m4": [2.0]})
    assert (
        row["verdict"] == "not measured" and row["detail"] == "this needs curves that join all minima of each network"
    )
    assert row["obtained"] == "2 layers: ∞ (n = 1 bars); 4 layers: 0.7071 (n = 1 bars)"
    table = bars({"m2": [4.0, math.inf]})
    assert (
        judged("my-own", results(mlps(2), bars=table)).loc["to-score-direct", "obtained"] == "2 layers: ∞ (√2), ∞ (L∞)"
    )


def test_claims_state_one_uncertainty_of_a_score() -> None:
    deaths = {"m2": [3.0, 2.0], "m4": [2.9, 1.5]}
    spread = subsets({"m2": [1.0, 1.01, 1.02], "m4": [1.0, 1.01, 1.02]})
    table = judged("fc-mnist", results(mlps(2, 4), bars=bars(deaths), robustness=spread))
    kind = "jackknife standard error over minima (3 subsets of 2 of 4)"
    assert kind in table.loc["depth-to-score", "detail"] and kind in table.loc["to-score-direct", "detail"]
    assert "1.414 ± 0.0058 (n" in table.loc["depth-to-score", "obtained"]
    assert "1.414 ± 0.0058 (√2), 1.000 ± 0.0041 (L∞)" in table.loc["to-score-direct", "obtained"]


def test_a_reduced_budget_is_named_in_qualitative_verdicts() -> None:
    scale = {"epochs": 0.02, "seeds": 0.4, "samples": 0.02}
    row = depth_row({"m2": [4.0], "m4": [2.0]}, scale=scale)
    assert row["verdict"] == "holds at this budget"
    assert row["budget"] == "4 minima, 50 epochs for minima, 20 for curves, 2% of all training samples"
    assert depth_row({"m2": [2.0], "m4": [4.0]}, scale=scale)["verdict"] == "does not hold at this budget"


def with_residues(table: pd.DataFrame, **of: tuple[float, float]) -> pd.DataFrame:
    """Bars with residues of birth and death, by model; 0 for the others."""
    pairs = [of.get(model, (0.0, 0.0)) for model in table["model"]]
    return table.assign(birth_residue=[pair[0] for pair in pairs], death_residue=[pair[1] for pair in pairs])


FALLING: Deaths = {"m2": [4.0, 2.0], "m4": [2.0, 1.5]}


@pytest.mark.parametrize(
    ("residues", "count"),
    [
        ({"m4": (0.0, 0.06)}, 1),
        ({"m4": (0.0, 0.5)}, 2),
        ({"m2": (0.09, 0.02)}, 1),
        ({"m2": (math.nan, 0.0)}, 3),
        ({"m4": (0.0, math.nan)}, 2),
    ],
)
def test_a_claim_about_bars_whose_ends_have_not_converged_has_no_verdict(
    residues: dict[str, tuple[float, float]], count: int
) -> None:
    table = with_residues(bars(FALLING), **residues)
    row = judged("fc-mnist", results(mlps(2, 4), bars=table, curves=curves("m2", "m4"))).loc["depth-to-score"]
    assert row["verdict"] == NOT_CONVERGED
    assert row["obtained"].startswith("2 layers: 2.121 (n = 2 bars)"), "the number is there all the same"
    text = (
        f"{count} of 6 bars have ends that are not known to have converged to 10% of their length: as they are, holds"
    )
    assert row["detail"].endswith(text)


def test_bars_that_have_converged_are_judged() -> None:
    table = with_residues(bars(FALLING), m2=(0.01, 0.05), m4=(0.0, 0.01))
    judgement = {"bars": table, "curves": curves("m2", "m4")}
    assert judged("fc-mnist", results(mlps(2, 4), **judgement)).loc["depth-to-score", "verdict"] == "holds"
    merged = table["convention"] == "merged"
    table.loc[merged, "death_residue"] = math.nan
    assert judged("fc-mnist", results(mlps(2, 4), **judgement)).loc["depth-to-score", "verdict"] == "holds"


@pytest.mark.parametrize(
    ("residues", "text"),
    [
        ({}, "2 layers: 3; 4 layers: 3"),
        ({"m4": (0.0, math.nan)}, "2 layers: 3; 4 layers: 3, of them 3 undecided"),
        ({"m4": (0.9, 0.0)}, "2 layers: 3; 4 layers: 3, of them 3 endpoints"),
        ({"m4": (math.nan, 0.0)}, "2 layers: 3; 4 layers: 3, of them 3 endpoints"),
    ],
)
def test_minima_are_counted_with_what_is_known_of_them(residues: dict[str, tuple[float, float]], text: str) -> None:
    table = with_residues(bars(FALLING), **residues)
    found = pd.concat([minima(model) for model in ("m2", "m4")])
    row = judged("fc-mnist", results(mlps(2, 4), bars=table, curves=curves("m2", "m4"), minima=found)).loc["minima"]
    assert row["obtained"] == text
    assert ("of an undecided one the bar has not converged" in row["detail"]) is bool(residues)


def test_models_that_are_not_spoken_of_need_not_have_converged() -> None:
    models = mlps(2, 4) | {"other": CUSTOM["m2"]}
    table = with_residues(bars(FALLING | {"other": [9.0]}), other=(math.nan, math.nan))
    row = judged("fc-mnist", results(models, bars=table, curves=curves(*models))).loc["depth-to-score"]
    assert row["verdict"] == "holds"


def test_digits_are_marked_as_no_claim_of_the_papers() -> None:
    found = results(mlps(1, 2), bars=bars({"m1": [3.0], "m2": [2.0]}), curves=curves("m1", "m2"))
    table = judged("digits", found)
    assert table.loc["depth-to-score", "verdict"] == "holds"
    assert table.loc["depth-to-score", "source"].startswith("not in the papers")
    assert table.loc["depth-to-score", "published"] == "—"


def test_error_bars_are_of_the_optimised_curves() -> None:
    row = judged("fc-mnist", results(mlps(2))).loc["curve-maxima"]
    assert row["obtained"] == "2 layers: 3.000 ± 1.4 (n = 2 curves)"
    assert row["verdict"] == "no published number"


def lenet(epochs: int = 50) -> Models:
    network = {"network": {"kind": "lenet"}, "minima": {"epochs": epochs}}
    return {
        "m2": network | {"triangles": {"sides": "fixed", "epochs": 50}},
        "other": network | {"triangles": {"sides": "trained", "epochs": 50}},
        "longer": network | {"triangles": {"sides": "trained", "epochs": 100}},
    }


def test_table_14_agrees_and_differs_by_published_std() -> None:
    table = judged("lenet-fmnist", results(lenet(), minima=minima(train_accuracy=95.0, test_accuracy=90.2)))
    assert table.loc["train-loss", "verdict"] == "agrees (within 2 published std)"
    assert table.loc["train-loss", "published"] == "0.1596 ± 0.0050"
    assert table.loc["train-loss", "obtained"] == "0.1596 ± 0.0010 (n = 3 minima)"
    assert table.loc["train-loss-l2", "verdict"] == "differs"
    assert table.loc["train-accuracy", "verdict"] == "differs"
    assert "2.64 published std above" in table.loc["train-accuracy", "detail"]
    assert table.loc["test-accuracy", "verdict"] == "agrees (within 2 published std)"


@pytest.mark.parametrize(
    "found", [results(lenet(), {**FULL, "samples": 0.5}), results(lenet(1)), results(lenet(), changes={"samples": 500})]
)
def test_numbers_of_another_budget_are_not_compared(found: Results) -> None:
    table = judged("lenet-fmnist", found)
    assert table.loc["train-loss", "verdict"] == "not comparable at this budget"
    assert table.loc["train-loss", "obtained"].startswith("0.1596")


def test_fewer_minima_of_the_full_budget_are_compared() -> None:
    table = judged("lenet-fmnist", results(lenet(), {**FULL, "seeds": 0.5}))
    assert table.loc["train-loss", "verdict"] == "agrees (within 2 published std)"


def test_minima_that_models_share_count_once() -> None:
    twice = pd.concat([minima("m2"), minima("other")])
    row = judged("lenet-fmnist", results(lenet(), minima=twice)).loc["train-loss"]
    assert row["obtained"].endswith("(n = 3 minima)")
    assert "other: 0.1596" in row["detail"]


@pytest.mark.parametrize(
    ("trained", "verdict"),
    [([1.2, 1.3], "holds"), ([3.2, 3.3], "does not hold"), ([1.2, 2.9], "undecided")],
)
def test_triangle_regimes(trained: list[float], verdict: str) -> None:
    tops = triangles({"m2": [2.0, 2.1], "other": [9.0, 9.0], "longer": trained})  # the larger budget counts
    table = judged("lenet-fmnist", results(lenet(), triangles=tops))
    assert table.loc["triangle-regimes", "verdict"].startswith(verdict)
    assert "longer, against m2" in table.loc["triangle-regimes", "detail"]


def test_one_saddle_bars_reach_from_sides_to_the_top() -> None:
    row = judged("lenet-fmnist", results(lenet(), triangles=triangles({"m2": [2.0, 3.0]}))).loc["one-saddle-bars"]
    assert row["obtained"] == "m2: [1.000, 2.500], length 1.500 ± 0.71 (n = 2 triangles)"


def test_claims_without_their_tables_are_not_measured() -> None:
    table = judged("lenet-fmnist", results(lenet()))
    assert set(table.loc[["triangle-regimes", "one-saddle-bars"], "verdict"]) == {"not measured"}
    assert judged("fc-mnist", results(CUSTOM)).loc["depth-to-score", "verdict"] == "not measured"


def test_an_unknown_experiment_gets_the_generic_rows() -> None:
    table = judged("my-own", results(CUSTOM))
    scores = ["to-score-direct", "to-score-merged", "to-score-merged-closed"]
    assert list(table.index) == ["minima", *scores, "direct-above-merged", "nothing-below"]
    assert table.loc["to-score-merged-closed", "verdict"] == "not measured"
    assert table.loc["to-score-direct", "obtained"] == "m2: 0.7071 (√2), 0.5000 (L∞)"
    assert table.loc["direct-above-merged", "verdict"] == "holds"


def test_without_curves_nothing_is_known_below_the_minima() -> None:
    found = judged("my-own", results(mlps(2), curves=NOTHING)).loc["nothing-below"]
    assert (found["verdict"], found["obtained"]) == ("not measured", "—")


@pytest.mark.parametrize("merged", [{"m2": [2.0, 2.5]}, {"m2": [2.0]}])
def test_direct_below_merged_is_a_violation(merged: Deaths) -> None:
    table = bars({"m2": [2.0, 2.2]}, merged)
    row = judged("my-own", results(mlps(2), bars=table)).loc["direct-above-merged"]
    assert row["verdict"] == "does not hold"
    assert row["detail"] == "violated by: 2 layers minimum 2"
    assert row["obtained"] == "2 of 3 minima"


def test_scores_are_those_of_the_barcode() -> None:
    table = bars({"m2": [1.5, 4.25, 2.0]})
    several = [Bar(1.0, d, 0, (i,), (i, 9)) for i, d in enumerate([1.5, 4.25, 2.0])]
    for bars_of_table in (finite(table, "m2", "direct"), barcode_of(table, "m2", "direct")):
        barcode = Barcode(several, "direct")
        assert to_score(bars_of_table) == barcode.to_score("sqrt2")
        assert to_score(bars_of_table, "linf") == barcode.to_score("linf")


# Steps -------------------------------------------------------------------------------------------


def test_steps_write_tables_and_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step of claims of a plan, on made-up files under the keys that it expects; and the document of its table."""
    monkeypatch.chdir(tmp_path)
    models = {key: stated(DESCENTS | model) for key, model in mlps(2, 4).items()}
    config = {"title": "Depth", "data": "digits", "device": "cpu", "seeds": 10, "seeds_per_job": 10, "models": models}
    plan = Plan({"experiments": {"fc-mnist": config}, "scale": {"epochs": 0.1, "seeds": 0.4}}, KINDS)
    task = plan.claims("fc-mnist")
    of_model = {"minima": minima, "curves": curves}
    for option, files in task.inputs.items():
        for made in files:
            if option == "bars":
                table = bars({"m2": [2.0], "m4": [3.0]})
            else:
                table = of_model[option](made.task.model).drop(columns="model")
            write_table(Path(made.path), table, made.task.job)
    execute_task(task)
    rows = read_table(Path(task.path), task.key).set_index("id")
    assert rows.loc["depth-to-score", "verdict"] == "does not hold at this budget"
    assert rows["budget"].unique().tolist() == ["4 minima, 5 epochs for minima, 2 for curves, all training samples"]

    job = Job("claims_report", "", "", {}, "code", {"claims": [task.key]})
    outputs = {"text": tmp_path / "claims.md", "table": tmp_path / "all.parquet"}
    claims_report.step(Work(job, NoSettings(), "", {"claims": [Path(task.path)]}, outputs))
    text = (tmp_path / "claims.md").read_text()
    assert "## fc-mnist (10% of the epochs, 40% of the seeds)" in text
    assert "| **does not hold at this budget** | The TO-score (√2, direct) falls" in text
    table_lines = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(table_lines) == len(rows) and all(line.count(" | ") == 4 for line in table_lines)
    assert len(read_table(tmp_path / "all.parquet", job.key)) == len(rows)

    stranger = Job("claims_report", "", "", {}, "code", {"claims": []})
    no = {"text": tmp_path / "no.md", "table": tmp_path / "no.parquet"}
    with pytest.raises(ArtefactError, match="none: this file is no input"):
        claims_report.step(Work(stranger, NoSettings(), "", {"claims": [Path(task.path)]}, no))
    assert not (tmp_path / "no.md").exists()


def test_scale_in_words() -> None:
    assert scale_in_words(FULL) == "full budget"
    assert scale_in_words({"epochs": 0.02, "seeds": 0.02, "samples": 0.02}) == "2% of the budget"
    assert scale_in_words({"epochs": 0.1, "seeds": 1.0, "samples": 1.0}) == "10% of the epochs"
