"""Barcodes that come back from their files as they were written."""

import math
from pathlib import Path

import pytest

from lossbars.barcodes.barcode import MODULO, Bar, Barcode
from lossbars.barcodes.measured import Measured, MeasuredComplex
from lossbars.workflow.artefacts import ArtefactError, read_records, write_records
from lossbars.workflow.job import Job
from lossbars.workflow.records import read_barcodes, record, score_of
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work

JOB = Job("barcode", "mine", "net", {}, "code")
VALUES = {(0,): 0.1, (1,): 0.2, (2,): 1 / 3, (0, 1): 0.7, (0, 2): 0.9, (1, 2): 0.8, (0, 1, 2): 1.1}
FLAT = {(0, 1, 2): 0.9}  # as high as the highest of its sides
RESIDUES = {(0,): 1e-9, (1,): 0.01, (0, 1): 0.02, (0, 2): 0.0}  # of the others nothing is known
COMPLEX = MeasuredComplex.of(
    Measured(simplex, value, f"of {len(simplex)}", RESIDUES.get(simplex, math.nan)) for simplex, value in VALUES.items()
)


def work(path: Path, keys: list[str]) -> Work[NoSettings]:
    job = Job("figure", "mine", "", {}, "code", {"barcodes": keys})
    return Work(job, NoSettings(), "", {"barcodes": [path]}, {})


def test_barcodes_come_back_with_their_scores(tmp_path: Path) -> None:
    path, barcodes = tmp_path / "barcode.json", COMPLEX.barcodes()
    records = [record(one, JOB, COMPLEX, modulo) for modulo in ("", MODULO) for one in barcodes]
    write_records(path, records, JOB)
    found = read_barcodes(work(path, [JOB.key]), "barcodes")
    assert [one.barcode for one in found] == [*barcodes, *barcodes]
    names = ["direct", "merged", "direct-modulo-permutations", "merged-modulo-permutations"]
    assert [one.convention for one in found] == names and {one.model for one in found} == {"net"}
    for one, kept in zip(found, read_records(path), strict=True):
        for metric in ("sqrt2", "linf"):
            assert one.barcode.to_score(metric) == kept["to_score"][metric]
        assert one.dies_on == {bar.dies_at: COMPLEX.by[bar.dies_at] for bar in one.barcode.bars if bar.dies_at}
        ends = {end for bar in one.barcode.bars for end in (bar.born_at, bar.dies_at)}
        assert one.residues == {end: value for end, value in RESIDUES.items() if end in ends}
    direct, merged = (one.residues for one in found[:2])
    assert direct == {(0,): 1e-9, (1,): 0.01, (0, 1): 0.02} and merged[0, 2] == 0.0, "a residue of 0 is known"


def test_bars_name_the_residues_of_their_ends() -> None:
    direct, _ = COMPLEX.barcodes()
    bars = {tuple(bar["born_at"]): bar for bar in record(direct, JOB, COMPLEX)["bars"]}
    assert [(bar["birth_residue"], bar["death_residue"]) for bar in (bars[0,], bars[1,], bars[2,])] == [
        (1e-9, None), (0.01, 0.02), (None, None),
    ]  # fmt: skip
    assert "birth_residue" not in record(direct, JOB)["bars"][0]


def test_a_barcode_without_recipes_comes_back(tmp_path: Path) -> None:
    barcode = Barcode([Bar(0.0, math.inf, 0, (0,), None), Bar(0.5, 0.75, 0, (3,), (7,))], "merged")
    write_records(tmp_path / "barcode.json", [record(barcode, JOB)], JOB)
    (found,) = read_barcodes(work(tmp_path / "barcode.json", [JOB.key]), "barcodes")
    assert found.barcode == barcode and not found.dies_on and not found.variant and not found.residues


def test_scores_are_strict_json(tmp_path: Path) -> None:
    """``inf`` is a text, what was not measured is null, and both come back."""
    apart = MeasuredComplex.of([Measured((0,), 0.0), Measured((1,), 5.0)])
    write_records(tmp_path / "barcode.json", [record(one, JOB) for one in apart.barcodes()], JOB)
    for found, kept in zip(
        read_barcodes(work(tmp_path / "barcode.json", [JOB.key]), "barcodes"),
        read_records(tmp_path / "barcode.json"),
        strict=True,
    ):
        assert kept["to_score"] == kept["to_score_by_index"]["0"] == {"sqrt2": "inf", "linf": "inf"}
        assert kept["to_score_by_index"]["1"] == {"sqrt2": None, "linf": None}
        scores = [score_of(kept["to_score_by_index"][str(dim)]["sqrt2"]) for dim in (0, 1)]
        assert scores == [found.barcode.to_score("sqrt2", dim) for dim in (0, 1)] == [math.inf, None]


def test_loops_that_triangles_fill_for_nothing_were_measured(tmp_path: Path) -> None:
    filled = MeasuredComplex.of([Measured(simplex, min(value, 1.0)) for simplex, value in (VALUES | FLAT).items()])
    kept = [record(one, JOB) for one in filled.barcodes()]
    assert [one["to_score_by_index"]["1"]["linf"] for one in kept] == [None, 0.0]
    write_records(tmp_path / "barcode.json", kept, JOB)
    found = read_barcodes(work(tmp_path / "barcode.json", [JOB.key]), "barcodes")
    assert [one.barcode for one in found] == list(filled.barcodes())


def test_barcodes_of_another_recipe_are_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "barcode.json", [record(COMPLEX.barcodes()[0], JOB)], JOB)
    with pytest.raises(ArtefactError, match="made by another recipe"):
        read_barcodes(work(tmp_path / "barcode.json", ["0" * 16]), "barcodes")


def test_an_empty_barcode_comes_back_without_scores(tmp_path: Path) -> None:
    write_records(tmp_path / "barcode.json", [record(Barcode([], "merged"), JOB)], JOB)
    (kept,) = read_records(tmp_path / "barcode.json")
    assert kept["to_score"] == {"sqrt2": None, "linf": None}
    (found,) = read_barcodes(work(tmp_path / "barcode.json", [JOB.key]), "barcodes")
    assert found.barcode == Barcode([], "merged") and found.barcode.to_score("sqrt2") is None
