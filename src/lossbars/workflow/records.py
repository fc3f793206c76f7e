"""Barcodes as records of a JSON file, and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossbars.barcodes.barcode import MODULO, Bar, Barcode
from lossbars.barcodes.complex import Simplex
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

    @property
    def convention(self) -> str:
        """The full name of the convention."""
        return self.barcode.convention + self.modulo


def record(one: Barcode, job: Job, recipes: Mapping[Simplex, str] | None = None, modulo: str = "") -> dict[str, Any]:
    """A barcode as json can hold it; with ``recipes``, each bar says what optimised the simplex that ends it.

    ``modulo`` is put after the convention's name.
    """
    bars = [
        {"dim": b.dim, "birth": b.birth, "death": b.death, "born_at": list(b.born_at), "dies_at": _list(b.dies_at)}
        | ({} if recipes is None else {"dies_on": recipes[b.dies_at] if b.dies_at else None})
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


def read_barcodes(work: Work[Any], option: str) -> list[BarcodeOfModel]:
    """All barcodes of the files of an option, in the order of files and records. Raises ArtefactError."""
    return [_barcode(one) for path in work.files(option) for one in artefacts.read_records(path, work.keys(option))]


def _barcode(record: Mapping[str, Any]) -> BarcodeOfModel:
    convention = record["convention"].removesuffix(MODULO)
    bars = [_bar(bar) for bar in record["bars"]]
    recipes = [bar.get("dies_on") for bar in record["bars"]]
    dies_on = {bar.dies_at: by for bar, by in zip(bars, recipes, strict=True) if bar.dies_at and by}
    modulo = record["convention"].removeprefix(convention)
    return BarcodeOfModel(record["model"], Barcode(bars, convention), modulo, dies_on)


def _bar(bar: Mapping[str, Any]) -> Bar:
    death = math.inf if bar["death"] is None else bar["death"]
    dies_at = None if bar["dies_at"] is None else tuple(bar["dies_at"])
    return Bar(bar["birth"], death, bar["dim"], tuple(bar["born_at"]), dies_at)


def _list(simplex: tuple[int, ...] | None) -> list[int] | None:
    return None if simplex is None else list(simplex)
