"""Barcodes as records of a JSON file, and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossbars.barcodes.barcode import DIVISOR, Bar, Barcode
from lossbars.barcodes.complex import Simplex
from lossbars.barcodes.measured import MeasuredComplex
from lossbars.workflow import artefacts
from lossbars.workflow.job import Job
from lossbars.workflow.work import Work


@dataclass(frozen=True)
class BarcodeOfModel:
    """A barcode as it is in a file, with what the file says of it."""

    model: str
    barcode: Barcode
    variant: str = ""  # after the convention's name: of which complex it is, if not of the plain one
    dies_on: Mapping[Simplex, str] = field(default_factory=dict)  # simplex that ends a bar → recipe that optimised it
    residues: Mapping[Simplex, float] = field(
        default_factory=dict
    )  # simplex at an end of a bar → its residue, if known

    @property
    def convention(self) -> str:
        """The full name of the convention."""
        return self.barcode.convention + self.variant


def record(one: Barcode, job: Job, measured: MeasuredComplex | None = None, variant: str = "") -> dict[str, Any]:
    """A barcode as json can hold it; with ``measured``, each bar says what is known of the simplices at its ends.

    ``variant`` is put after the convention's name. A TO-score is a number, ``"inf"`` where it is infinite, and null
    where its index was not measured.
    """
    bars = [
        {"dim": b.dim, "birth": b.birth, "death": b.death, "born_at": list(b.born_at), "dies_at": _list(b.dies_at)}
        | ({} if measured is None else _ends(b, measured))
        for b in one.bars
    ]
    by_index = {str(dim): _scores(one, dim) for dim in range(max(1, one.measured) + 1)}
    return {
        "experiment": job.experiment,
        "model": job.model,
        "convention": one.convention + variant,
        "bars": bars,
        "to_score": by_index["0"],
        "to_score_by_index": by_index,
    }


def _scores(one: Barcode, dim: int) -> dict[str, float | str | None]:
    """TO-scores of one index in both ground metrics; strict json has no infinity, and null is what was not measured."""
    scores = {metric: one.to_score(metric, dim) for metric in DIVISOR}
    return {metric: "inf" if score == math.inf else score for metric, score in scores.items()}


def score_of(value: float | str | None) -> float | None:
    """The TO-score that a record holds."""
    return None if value is None else float(value)


def _ends(bar: Bar, measured: MeasuredComplex) -> dict[str, Any]:
    """The recipe that optimised the simplex that ends a bar, and the residues of both ends; None if not known."""
    return {
        "dies_on": measured.by[bar.dies_at] if bar.dies_at else None,
        "birth_residue": number(measured.residues[bar.born_at]),
        "death_residue": number(measured.residues[bar.dies_at]) if bar.dies_at else None,
    }


def number(value: float) -> float | None:
    """A number as json can hold it: None for NaN."""
    return None if math.isnan(value) else value


def read_barcodes(work: Work[Any], option: str) -> list[BarcodeOfModel]:
    """All barcodes of the files of an option, in the order of files and records. Raises ArtefactError."""
    return [_barcode(one) for path in work.files(option) for one in artefacts.read_records(path, work.keys(option))]


def _barcode(record: Mapping[str, Any]) -> BarcodeOfModel:
    convention, dash, variant = record["convention"].partition("-")
    bars = [_bar(bar) for bar in record["bars"]]
    recipes = [bar.get("dies_on") for bar in record["bars"]]
    dies_on = {bar.dies_at: by for bar, by in zip(bars, recipes, strict=True) if bar.dies_at and by}
    ends = [
        (simplex, bar.get(f"{end}_residue"))
        for bar in record["bars"]
        for end, simplex in (("birth", tuple(bar["born_at"])), ("death", tuple(bar["dies_at"] or ())))
    ]
    residues = {simplex: residue for simplex, residue in ends if residue is not None}
    scored = [int(dim) for dim, scores in record["to_score_by_index"].items() if scores["sqrt2"] is not None]
    measured = max(scored, default=-1)
    return BarcodeOfModel(record["model"], Barcode(bars, convention, measured), dash + variant, dies_on, residues)


def _bar(bar: Mapping[str, Any]) -> Bar:
    death = math.inf if bar["death"] is None else bar["death"]
    dies_at = None if bar["dies_at"] is None else tuple(bar["dies_at"])
    return Bar(bar["birth"], death, bar["dim"], tuple(bar["born_at"]), dies_at)


def _list(simplex: tuple[int, ...] | None) -> list[int] | None:
    return None if simplex is None else list(simplex)
