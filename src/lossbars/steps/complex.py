"""Gather minima, curves and triangles of one model into its filtered complex."""

from pathlib import Path

import pandas as pd

from lossbars.artefacts import read_records, read_table, write_records
from lossbars.complex import FilteredComplex, Simplex
from lossbars.job import Job
from lossbars.steps.command import run


def complex_(job: Job, minima: list[Path], curves: list[Path], triangles: list[Path], out: Path) -> None:
    """Write every simplex with its value, the largest loss on it."""
    values = _values(_tables(minima, job.expects["minima"]), ["seed"])
    curve_rows = _tables(curves, job.expects["curves"])
    values |= _values(curve_rows[curve_rows.kind == "curve"], ["a", "b"])
    if triangles:
        values |= _values(_tables(triangles, job.expects["triangles"]), ["a", "b", "c"])
    filtered = FilteredComplex.of(values)
    raised = sum(filtered.values[simplex] > value for simplex, value in values.items())
    simplices = [{"vertices": list(s), "value": v} for s, v in filtered.values.items()]
    record = {"experiment": job.experiment, "model": job.model, "raised_to_a_face": raised, "simplices": simplices}
    write_records(out, [record], job)


def read_complex(path: Path, key: str) -> FilteredComplex:
    """The complex that :func:`complex_` wrote."""
    (record,) = read_records(path, key)
    return FilteredComplex.of({tuple(s["vertices"]): s["value"] for s in record["simplices"]})


def _tables(paths: list[Path], key: str) -> pd.DataFrame:
    return pd.concat([read_table(path, key) for path in paths], ignore_index=True)


def _values(table: pd.DataFrame, vertices: list[str]) -> dict[Simplex, float]:
    largest = table.groupby(vertices).loss.max()
    return {(key if isinstance(key, tuple) else (key,)): float(value) for key, value in largest.items()}


if __name__ == "__main__":
    run(complex_)
