"""Claims on made-up tables: each verdict for a reason that can be read off the table."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.barcodes.barcode import Bar, Barcode
from lossbars.claims.claim import COLUMNS
from lossbars.documents.claims_report import claims_report, scale_in_words
from lossbars.experiments.networks.claims.catalogue import claim_rows
from lossbars.experiments.networks.claims.depth import subset_spread, to_score
from lossbars.experiments.networks.claims.generic import Results, finite, longest
from lossbars.experiments.networks.steps.claims import claims
from lossbars.workflow.artefacts import ArtefactError, read_table, write_table
from lossbars.workflow.job import Job

Deaths = dict[str, list[float]]  # model → finite deaths; births are 1, and a half-line is added
WHOLE = {"epochs": 1.0, "seeds": 1.0, "samples": 1.0}
RECIPES = {"curves": "chain, 1 bend", "triangles": "seven points"}
NOTHING = pd.DataFrame({"model": pd.Series(dtype=str)})


def recipe(
    models: dict[str, dict[str, Any]], scale: dict[str, float] | None = None, epochs: int = 50
) -> dict[str, Any]:
    descents = {"minima": {"epochs": epochs}, "curves": {"epochs": 20}, "recipes": RECIPES}
    return {"scale": scale or WHOLE, "seeds": 4, "models": {key: descents | own for key, own in models.items()}}


def mlps(*depths: int) -> dict[str, dict[str, Any]]:
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
    good = {"loss_with_l2": 0.17, "test_loss": 0.26, "train_accuracy": 94.32, "test_accuracy": 90.77} | others
    noise = np.array([-0.001, 0.0, 0.001])
    return pd.DataFrame(
        {"model": model, "seed": range(3), "loss": loss + noise} | {name: value + noise for name, value in good.items()}
    )


def curves(*models: str) -> pd.DataFrame:
    rows = [
        (model, a, b, kind, t, loss)
        for model in models
        for a, b, top in ((0, 1, 2.0), (0, 2, 4.0))
        for kind, factor in (("curve", 1), ("segment", 10))
        for t, loss in ((0.0, 1.0), (0.5, top * factor), (1.0, 1.0))
    ]
    return pd.DataFrame(rows, columns=["model", "a", "b", "kind", "t", "loss"]).assign(by="curves")


def triangles(tops: dict[str, list[float]]) -> pd.DataFrame:
    """Triangles whose sides reach 1 and whose centres reach the given heights."""
    rows = [
        (model, i, i + 1, i + 2, *t, loss)
        for model, own in tops.items()
        for i, top in enumerate(own)
        for t, loss in (((0.0, 0.5, 0.5), 1.0), ((0.0, 0.0, 1.0), 0.5), ((1 / 3, 1 / 3, 1 / 3), top))
    ]
    return pd.DataFrame(rows, columns=["model", "a", "b", "c", "t1", "t2", "t3", "loss"]).assign(by="triangles")


def results(experiment: str, own: dict[str, Any], **tables: pd.DataFrame) -> Results:
    given = {"bars": bars({"m2": [2.0]}), "minima": minima(), "curves": curves("m2"), "triangles": NOTHING}
    return Results(experiment, own, **(given | {"robustness": NOTHING} | tables))


def judged(found: Results) -> pd.DataFrame:
    table = claim_rows(found)
    assert list(table.columns) == COLUMNS
    assert (table["experiment"] == found.experiment).all()
    assert table["verdict"].str.len().gt(0).all()
    return table.set_index("id")


def depth_row(deaths: Deaths, spread: Deaths | None = None, scale: dict[str, float] | None = None) -> pd.Series:
    own = recipe(mlps(*(int(key[1:]) for key in deaths)), scale)
    robustness = subsets(spread) if spread else NOTHING
    return judged(results("fc-mnist", own, bars=bars(deaths), robustness=robustness)).loc["depth-to-score"]


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
    assert "std over 3 subsets of 2 minima" in row["detail"]
    assert "± 0.0071" in row["obtained"]


def test_spread_is_of_subsets_of_half_of_the_minima() -> None:
    table = subsets({"m2": [1.0, 2.0, 3.0, 4.0]})
    larger = table.assign(size=3, death=table["death"] * 100)
    spread, words = subset_spread(pd.concat([table, larger]), "m2", to_score)
    assert spread == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / math.sqrt(2))
    assert words == "std over 4 subsets of 2 minima"


def test_a_reduced_budget_is_named_in_qualitative_verdicts() -> None:
    scale = {"epochs": 0.02, "seeds": 0.4, "samples": 0.02}
    row = depth_row({"m2": [4.0], "m4": [2.0]}, scale=scale)
    assert row["verdict"] == "holds at this budget"
    assert row["budget"] == "4 minima, 50 epochs for minima, 20 for curves, 2% of all training samples"
    assert depth_row({"m2": [2.0], "m4": [4.0]}, scale=scale)["verdict"] == "does not hold at this budget"


def test_digits_are_marked_as_no_claim_of_the_papers() -> None:
    own = recipe(mlps(1, 2))
    table = judged(results("digits", own, bars=bars({"m1": [3.0], "m2": [2.0]}), curves=curves("m1", "m2")))
    assert table.loc["depth-to-score", "verdict"] == "holds"
    assert table.loc["depth-to-score", "source"].startswith("not in the papers")
    assert table.loc["depth-to-score", "published"] == "—"


def test_error_bars_are_of_the_optimised_curves() -> None:
    row = judged(results("fc-mnist", recipe(mlps(2)))).loc["curve-maxima"]
    assert row["obtained"] == "2 layers: 3.000 ± 1.4 (n = 2 curves)"
    assert row["verdict"] == "no published number"


def lenet(scale: dict[str, float] | None = None, epochs: int = 50) -> dict[str, Any]:
    network = {"network": {"kind": "lenet"}, "label": ""}
    models = {
        "m2": network | {"triangles": {"sides": "fixed", "epochs": 50}},
        "other": network | {"triangles": {"sides": "trained", "epochs": 50}},
        "longer": network | {"triangles": {"sides": "trained", "epochs": 100}},
    }
    return recipe(models, scale, epochs)


def test_table_14_agrees_and_differs_by_published_std() -> None:
    table = judged(results("lenet-fmnist", lenet(), minima=minima(train_accuracy=95.0, test_accuracy=90.2)))
    assert table.loc["train-loss", "verdict"] == "agrees (within 2 published std)"
    assert table.loc["train-loss", "published"] == "0.1596 ± 0.0050"
    assert table.loc["train-loss", "obtained"] == "0.1596 ± 0.0010 (n = 3 minima)"
    assert table.loc["train-loss-l2", "verdict"] == "differs"
    assert table.loc["train-accuracy", "verdict"] == "differs"
    assert "2.64 published std above" in table.loc["train-accuracy", "detail"]
    assert table.loc["test-accuracy", "verdict"] == "agrees (within 2 published std)"


@pytest.mark.parametrize("own", [lenet({**WHOLE, "samples": 0.5}), lenet(epochs=1), lenet() | {"samples": 500}])
def test_numbers_of_another_budget_are_not_compared(own: dict[str, Any]) -> None:
    table = judged(results("lenet-fmnist", own))
    assert table.loc["train-loss", "verdict"] == "not comparable at this budget"
    assert table.loc["train-loss", "obtained"].startswith("0.1596")


def test_fewer_minima_of_the_full_budget_are_compared() -> None:
    table = judged(results("lenet-fmnist", lenet({**WHOLE, "seeds": 0.5})))
    assert table.loc["train-loss", "verdict"] == "agrees (within 2 published std)"


def test_minima_that_models_share_count_once() -> None:
    twice = pd.concat([minima("m2"), minima("other")])
    row = judged(results("lenet-fmnist", lenet(), minima=twice)).loc["train-loss"]
    assert row["obtained"].endswith("(n = 3 minima)")
    assert "other: 0.1596" in row["detail"]


@pytest.mark.parametrize(
    ("trained", "verdict"),
    [([1.2, 1.3], "holds"), ([3.2, 3.3], "does not hold"), ([1.2, 2.9], "undecided")],
)
def test_triangle_regimes(trained: list[float], verdict: str) -> None:
    tops = triangles({"m2": [2.0, 2.1], "other": [9.0, 9.0], "longer": trained})  # the larger budget counts
    table = judged(results("lenet-fmnist", lenet(), triangles=tops))
    assert table.loc["triangle-regimes", "verdict"].startswith(verdict)
    assert "longer, against m2" in table.loc["triangle-regimes", "detail"]


def test_one_saddle_bars_reach_from_sides_to_the_top() -> None:
    row = judged(results("lenet-fmnist", lenet(), triangles=triangles({"m2": [2.0, 3.0]}))).loc["one-saddle-bars"]
    assert row["obtained"] == "m2: [1.000, 2.500], length 1.500 ± 0.71 (n = 2 triangles)"


def test_claims_without_their_tables_are_not_measured() -> None:
    table = judged(results("lenet-fmnist", lenet()))
    assert set(table.loc[["triangle-regimes", "one-saddle-bars"], "verdict"]) == {"not measured"}
    custom = recipe({"m2": {"network": {"kind": "custom"}, "label": ""}})
    assert judged(results("fc-mnist", custom)).loc["depth-to-score", "verdict"] == "not measured"


def test_an_unknown_experiment_gets_the_generic_rows() -> None:
    table = judged(results("my-own", recipe({"m2": {"network": {"kind": "custom"}, "label": ""}})))
    assert list(table.index) == ["minima", "to-score-direct", "to-score-merged", "direct-above-merged"]
    assert table.loc["to-score-direct", "obtained"] == "m2: 0.7071 (√2), 0.5000 (L∞)"
    assert table.loc["direct-above-merged", "verdict"] == "holds"


@pytest.mark.parametrize("merged", [{"m2": [2.0, 2.5]}, {"m2": [2.0]}])
def test_direct_below_merged_is_a_violation(merged: Deaths) -> None:
    table = bars({"m2": [2.0, 2.2]}, merged)
    row = judged(results("my-own", recipe(mlps(2)), bars=table)).loc["direct-above-merged"]
    assert row["verdict"] == "does not hold"
    assert row["detail"] == "violated by: 2 layers minimum 2"
    assert row["obtained"] == "2 of 3 minima"


def test_scores_are_those_of_the_barcode() -> None:
    table = bars({"m2": [1.5, 4.25, 2.0]})
    several = [Bar(1.0, d, 0, (i,), (i, 9)) for i, d in enumerate([1.5, 4.25, 2.0])]
    own = finite(table, "m2", "direct")
    assert to_score(own) == Barcode(several, "direct").to_score("sqrt2")
    assert longest(own) / 2 == Barcode(several, "direct").to_score("linf")


# Steps -------------------------------------------------------------------------------------------


def test_steps_write_tables_and_a_document(tmp_path: Path) -> None:
    models = ("m2", "m4")
    made: dict[str, list[Path]] = {kind: [] for kind in ("minima", "curves")}
    expects: dict[str, str] = {}
    for model in models:
        for kind, table in (("minima", minima(model)), ("curves", curves(model))):
            job = Job(kind, "fc-mnist", model, {}, "code")
            expects[f"{kind}/{model}"] = job.key
            made[kind].append(tmp_path / model / f"{kind}.parquet")
            write_table(made[kind][-1], table.drop(columns="model"), job)
    tables = Job("tables", "fc-mnist", "", {}, "code")
    write_table(tmp_path / "bars.parquet", bars({"m2": [2.0], "m4": [3.0]}), tables)
    own = recipe(mlps(2, 4), {"epochs": 0.1, "seeds": 0.1, "samples": 0.1})
    job = Job("claims", "fc-mnist", "", own, "code", expects | {"tables": tables.key})
    claims(job, tmp_path / "bars.parquet", made["minima"], made["curves"], [], [], [], tmp_path / "claims.parquet")
    rows = read_table(tmp_path / "claims.parquet", job.key).set_index("id")
    assert rows.loc["depth-to-score", "verdict"] == "does not hold at this budget"

    together = Job("claims_report", "", "", {}, "code", {"claims/fc-mnist": job.key})
    claims_report(together, [tmp_path / "claims.parquet"], tmp_path / "claims.md", tmp_path / "all.parquet")
    text = (tmp_path / "claims.md").read_text()
    assert "## fc-mnist (10% of the budget)" in text
    assert "| **does not hold at this budget** | The TO-score (√2, direct) falls" in text
    table_lines = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(table_lines) == len(rows) and all(line.count(" | ") == 4 for line in table_lines)
    assert len(read_table(tmp_path / "all.parquet", together.key)) == len(rows)

    stranger = Job("claims_report", "", "", {}, "code", {})
    with pytest.raises(ArtefactError, match="none: this file is no input"):
        claims_report(stranger, [tmp_path / "claims.parquet"], tmp_path / "no.md", tmp_path / "no.parquet")
    assert not (tmp_path / "no.md").exists()


def test_scale_in_words() -> None:
    assert scale_in_words(WHOLE) == "full budget"
    assert scale_in_words({"epochs": 0.02, "seeds": 0.02, "samples": 0.02}) == "2% of the budget"
    assert scale_in_words({"epochs": 0.1, "seeds": 1.0, "samples": 1.0}) == "10% of the epochs"
