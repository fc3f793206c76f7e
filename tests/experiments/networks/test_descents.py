"""Minima that are found below the curves of a model, the pieces of its curves, and the closed barcodes."""

from typing import Any

import pandas as pd
import pytest
import torch

from lossbars.experiments.networks.steps.complex import step as complex_step
from lossbars.landscapes.objective import objective
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.training_step import make_landscape, read_data
from lossbars.workflow.work import Work
from support.workflow import ADAM, TINY, Model, plan

DECAY = 1e-3
CHANGES: dict[str, Any] = {
    "seeds_per_job": 3,
    "minima": TINY["minima"] | {"weight_decay": DECAY},
    "more_curves": {
        "flow": ADAM | {"epochs": 1, "family": {"kind": "path", "points": 4}},
        "bezier": TINY["curves"] | {"family": {"kind": "bezier", "bends": 2}},
    },
    "descents": {"places": "lowest", "passes": 20},
    "triangles": None,
    "robustness": None,
    "figures": [],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Minima of two epochs, below which their curves go far, and what descents from these find."""
    made = Model(tmp_path_factory.mktemp("descents"), plan(**CHANGES))
    made.train()
    made.run(*made.of("descents"))
    made.barcode()
    return made


def found_of(model: Model) -> pd.DataFrame:
    return read_table(model.path("descents", suffix="descents.parquet"))


def pieces_of(model: Model) -> pd.DataFrame:
    return read_table(model.path("descents", suffix="pieces.parquet"))


def test_found_minima_are_lower_than_the_places_they_were_reached_from(model):
    found = found_of(model)
    assert len(found) > 0 and list(found["seed"]) == list(range(3, 3 + len(found)))
    assert set(found["found_by"]) <= {"curves", "curves-flow", "curves-bezier"}
    for _, row in found.iterrows():
        table = model.table(row["found_by"], "0-2+0-2")
        curve = table[(table["kind"] == "curve") & (table["a"] == row["found_a"]) & (table["b"] == row["found_b"])]
        place = curve.loc[curve["t"] == row["found_at"], "objective"]
        assert row["objective"] < place.item() == curve["objective"].min()


def test_found_minima_have_the_objective_of_their_parameters(model):
    work = Work.of(model.task("descents"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(model.folder)
        data = read_data(work, work.settings)
    landscape = objective(make_landscape(work.settings, data, 10, torch.device("cpu")), DECAY)
    values, data_loss = landscape.losses(model.tensors("descents")["theta"])
    found = found_of(model)
    assert values.tolist() == pytest.approx(found["objective"].tolist(), rel=1e-6)
    assert data_loss.tolist() == pytest.approx(found["data_loss"].tolist(), rel=1e-6)


def test_pieces_join_found_minima_no_higher_than_their_curves(model):
    found, table = found_of(model), pieces_of(model)
    assert set(table["b"]) >= set(found["seed"])
    for (by, a, b), rows in table.groupby(["by", "curve_a", "curve_b"]):
        curves = model.table(by, "0-2+0-2")
        height = curves.loc[(curves["kind"] == "curve") & (curves["a"] == a) & (curves["b"] == b), "objective"].max()
        assert rows["objective"].max() == pytest.approx(height) or rows["objective"].max() > height
        assert (rows["low"] < rows["high"]).all()


def test_closed_barcodes_have_the_found_minima_and_given_ones_are_as_without_them(model, tmp_path):
    by_name = {record["convention"]: record for record in model.records("barcode")}
    assert list(by_name) == ["direct", "merged", "merged-closed"]
    found = set(found_of(model)["seed"])
    born = {bar["born_at"][0] for bar in by_name["merged-closed"]["bars"] if bar["dim"] == 0}
    assert born == {0, 1, 2} | found
    assert {bar["born_at"][0] for bar in by_name["direct"]["bars"]} == {0, 1, 2}
    without = Model(tmp_path / "without", plan(**CHANGES | {"descents": None}))
    without.train()
    without.barcode()
    assert [record["bars"] for record in without.records("barcode")] == [
        by_name[convention]["bars"] for convention in ("direct", "merged")
    ]


def test_no_descents_where_the_decay_is_no_part_of_a_function():
    adamw = {"minima": TINY["minima"] | {"optimiser": "adamw", "weight_decay": 0.1}}
    for change in (adamw, {"objective": "data_loss"}):
        assert not [task for task in plan(**CHANGES | change).tasks("tiny") if task.rule == "descents"]


def test_nothing_is_found_where_no_curve_goes_below_its_ends(tmp_path):
    changes = CHANGES | {"more_curves": {}, "descents": {"places": "dips", "depth": 1.0}}
    made = Model(tmp_path, plan(**changes))
    made.train()
    made.run(*made.of("descents"))
    made.barcode()
    assert found_of(made).empty and pieces_of(made).empty
    _, plain, closed = made.records("barcode")
    assert closed["bars"] == plain["bars"]


def test_of_two_pieces_between_two_minima_the_lower_counts(model, monkeypatch):
    work = Work.of(model.task("complex"))
    high, low = 9.0, 0.5 * found_of(model)["objective"].min() + 4.0
    rows = {"a": [0, 0], "b": [3, 3], "objective": [high, low], "residue": [0.0, 0.0], "by": ["curves", "curves"]}
    read = Work.tables
    monkeypatch.setattr(
        Work, "tables", lambda self, option: pd.DataFrame(rows) if option == "pieces" else read(self, option)
    )
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(Work, "write_records", lambda *given: written.extend(given[-1]))
    monkeypatch.chdir(model.folder)
    complex_step(work)
    (piece,) = (s for s in written[-1]["simplices"] if s["vertices"] == [0, 3])
    assert piece["value"] == low


def test_dips_are_looked_for_on_the_lowest_curve_of_each_pair(tmp_path):
    made = Model(tmp_path, plan(**CHANGES | {"descents": {"places": "dips", "passes": 2, "depth": 1e-6}}))
    made.train()
    made.run(*made.of("descents"))
    tops = {}
    for by in ("curves", "curves-flow", "curves-bezier"):
        table = made.table(by, "0-2+0-2")
        for pair, rows in table[table["kind"] == "curve"].groupby(["a", "b"]):
            tops[by, *pair] = rows["objective"].max()
    for by, a, b in pieces_of(made)[["by", "curve_a", "curve_b"]].itertuples(index=False):
        assert tops[by, a, b] == min(top for (_, *pair), top in tops.items() if pair == [a, b])
