"""Barcodes as records of a JSON file."""

from collections.abc import Mapping
from typing import Any

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import Simplex
from lossbars.workflow.job import Job


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


def _list(simplex: tuple[int, ...] | None) -> list[int] | None:
    return None if simplex is None else list(simplex)
