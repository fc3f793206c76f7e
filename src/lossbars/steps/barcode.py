"""The barcodes of one model's complex, by both conventions; those modulo permutations beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossbars.artefacts import read_records, write_records
from lossbars.barcode import MODULO, Barcode
from lossbars.complex import Simplex, direct_barcode, merged_barcode
from lossbars.job import Job
from lossbars.steps.command import run
from lossbars.steps.complex import read_complex, read_recipes


def barcode(job: Job, filtered: Path, out: Path) -> None:
    """Write one record per convention: bars, and TO-scores of every index in both ground metrics.

    ``dies_on`` of a bar is the kind of curve or triangle that ends it: the lowest known. Of a complex modulo
    permutations the conventions are ``direct-modulo-permutations`` and ``merged-modulo-permutations``.
    """
    records = []
    for i in range(len(read_records(filtered, job.expects["complex"]))):
        filtered_complex = read_complex(filtered, job.expects["complex"], bool(i))
        recipes = read_recipes(filtered, job.expects["complex"], bool(i))
        barcodes = [direct_barcode(filtered_complex), merged_barcode(filtered_complex)]
        records += [record(one, job, recipes, MODULO if i else "") for one in barcodes]
    write_records(out, records, job)


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


if __name__ == "__main__":
    run(barcode)
