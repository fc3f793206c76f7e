"""Gather minima, curves and triangles of one model into its filtered complex."""

from pathlib import Path
from typing import Any

import pandas as pd

from lossbars.barcodes.complex import FilteredComplex, Simplex
from lossbars.workflow.artefacts import made_by, read_records, read_table, write_records
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.reading import expected_key, parted


def complex_(job: Job, minima: list[Path], curves: list[Path], triangles: list[Path], out: Path) -> None:
    """Write every simplex with its value, the largest loss on it, and by what recipe it was optimised.

    Of several curves of a pair, or triangles of a triple, the one whose maximum is lowest stands: each is an upper
    bound of the saddle. Where curves were aligned, a second record is the complex modulo permutations of units: all
    curves are paths there, the aligned and the others. Triangles are not in it: their sides are other curves.
    """
    plain, aligned = parted(curves)
    records = [_record(job, minima, plain, triangles, modulo_permutations=False)]
    if aligned:
        records.append(_record(job, minima, curves, [], modulo_permutations=True))
    write_records(out, records, job)


def _record(
    job: Job, minima: list[Path], curves: list[Path], triangles: list[Path], modulo_permutations: bool
) -> dict[str, Any]:
    values = _values(_tables(minima, job), ["seed"])
    curve_rows = _tables(curves, job)
    values |= _values(curve_rows[curve_rows.kind == "curve"], ["a", "b"])
    if triangles:
        values |= _values(_tables(triangles, job), ["a", "b", "c"])
    filtered = FilteredComplex.of({simplex: value for simplex, (value, _) in values.items()})
    raised = sum(filtered.values[simplex] > value for simplex, (value, _) in values.items())
    simplices = [
        {"vertices": list(s), "value": v, "by": values[s][1] if s in values else ""} for s, v in filtered.values.items()
    ]
    return {
        "experiment": job.experiment,
        "model": job.model,
        "modulo_permutations": modulo_permutations,
        "raised_to_a_face": raised,
        "simplices": simplices,
    }


def read_complex(path: Path, key: str, modulo_permutations: bool = False) -> FilteredComplex:
    """The complex that :func:`complex_` wrote, plain or modulo permutations."""
    record = read_records(path, key)[modulo_permutations]
    return FilteredComplex.of({tuple(s["vertices"]): s["value"] for s in record["simplices"]})


def read_recipes(path: Path, key: str, modulo_permutations: bool = False) -> dict[Simplex, str]:
    """Simplex → the kind of what optimised it: ``minima``, ``curves``, ``curves-NAME``, …"""
    record = read_records(path, key)[modulo_permutations]
    return {tuple(s["vertices"]): s["by"] for s in record["simplices"]}


def _tables(paths: list[Path], job: Job) -> pd.DataFrame:
    kinds = [made_by(path).kind for path in paths]
    tables = [read_table(path, expected_key(job, kind, path)) for path, kind in zip(paths, kinds, strict=True)]
    return pd.concat([table.assign(by=kind) for table, kind in zip(tables, kinds, strict=True)], ignore_index=True)


def _values(table: pd.DataFrame, vertices: list[str]) -> dict[Simplex, tuple[float, str]]:
    """Simplex → its value and what optimised it; of equal values the recipe that comes first in the configuration."""
    largest = table.groupby([*vertices, "by"], sort=False).loss.max().reset_index()
    lowest = largest.loc[largest.groupby(vertices, sort=False).loss.idxmin()]
    columns = [lowest[name] for name in vertices]
    return {
        tuple(map(int, key)): (float(value), str(by))
        for *key, value, by in zip(*columns, lowest.loss, lowest.by, strict=True)
    }


if __name__ == "__main__":
    run(complex_)
