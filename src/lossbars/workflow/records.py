"""Barcodes as records of a JSON file, and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossbars.barcodes.barcode import MODULO, Bar, Barcode
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
    modulo: str = ""  # after the convention's name, where permutations of units are divided out
    dies_on: Mapping[Simplex, str] = field(default_factory=dict)  # simplex that ends a bar → recipe that optimised it
    residues: Mapping[Simplex, float] = field(
        default_factory=dict
    )  # simplex at an end of a bar → its residue, if known

    @property
    def convention(self) -> str:
        """The full name of the convention."""
        return self.barcode.convention + self.modulo


def record(one: Barcode, job: Job, measured: MeasuredComplex | None = None, modulo: str = "") -> dict[str, Any]:
    """A barcode as json can hold it; with ``measured``, each bar says what is known of the simplices at its ends.

    ``modulo`` is put after the convention's name.
    """
    bars = [
        {"dim": b.dim, "birth": b.birth, "death": b.death, "born_at": list(b.born_at), "dies_at": _list(b.dies_at)}
        | ({} if measured is None else _ends(b, measured))
        for b in one.bars
    ]
    higher = {str(dim): {m: one.to_score(m, dim) for m in ("sqrt2", "linf")} for dim in one.dims}
    return {
        "experiment": job.experiment,
        "model": job.model,
        "convention": one.convention + modulo,
        "bars": bars,
        "to_score": {metric: one.to_score(metric) for metric in ("sqrt2", "linf")},
        "to_score_by_index": higher,
    }


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
    convention = record["convention"].removesuffix(MODULO)
    bars = [_bar(bar) for bar in record["bars"]]
    recipes = [bar.get("dies_on") for bar in record["bars"]]
    dies_on = {bar.dies_at: by for bar, by in zip(bars, recipes, strict=True) if bar.dies_at and by}
    modulo = record["convention"].removeprefix(convention)
    ends = [
        (simplex, bar.get(f"{end}_residue"))
        for bar in record["bars"]
        for end, simplex in (("birth", tuple(bar["born_at"])), ("death", tuple(bar["dies_at"] or ())))
    ]
    residues = {simplex: residue for simplex, residue in ends if residue is not None}
    return BarcodeOfModel(record["model"], Barcode(bars, convention), modulo, dies_on, residues)


def _bar(bar: Mapping[str, Any]) -> Bar:
    death = math.inf if bar["death"] is None else bar["death"]
    dies_at = None if bar["dies_at"] is None else tuple(bar["dies_at"])
    return Bar(bar["birth"], death, bar["dim"], tuple(bar["born_at"]), dies_at)


def _list(simplex: tuple[int, ...] | None) -> list[int] | None:
    return None if simplex is None else list(simplex)
