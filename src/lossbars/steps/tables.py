"""The bars of all models of an experiment in one table; and reading tables of several models."""

from pathlib import Path

import pandas as pd

from lossbars.artefacts import made_by, read_records, read_table, write_table
from lossbars.job import Job
from lossbars.steps.command import run

COLUMNS = ["model", "convention", "dim", "birth", "death", "born_at", "dies_at"]


def tables(job: Job, barcodes: list[Path], out: Path) -> None:
    """Write a row per bar: model, convention, dim, birth, death (inf for half-lines), born_at, dies_at."""
    rows = []
    for path in barcodes:
        model = made_by(path).model
        for record in read_records(path, job.expects[f"barcode/{model}"]):
            rows += [_row(record["model"], record["convention"], bar) for bar in record["bars"]]
    write_table(out, pd.DataFrame(rows, columns=COLUMNS), job)


def _row(model: str, convention: str, bar: dict) -> tuple:
    death = float("inf") if bar["death"] is None else bar["death"]
    return (model, convention, bar["dim"], bar["birth"], death, _name(bar["born_at"]), _name(bar["dies_at"] or []))


def _name(simplex: list[int]) -> str:
    return "+".join(map(str, simplex))


def read_models(paths: list[Path], job: Job, kind: str) -> pd.DataFrame:
    """Tables of one kind of several models, put together, with a column ``model`` before the others."""
    parts = []
    for path in paths:
        model = made_by(path).model
        table = read_table(path, job.expects.get(f"{kind}/{model}", "none: this file is no input of the job"))
        table.insert(0, "model", model)
        parts.append(table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"model": pd.Series(dtype=str)})


if __name__ == "__main__":
    run(tables)
