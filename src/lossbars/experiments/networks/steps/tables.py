"""The bars of all models of an experiment in one table."""

from pathlib import Path

import pandas as pd

from lossbars.workflow.artefacts import made_by, read_records, write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job

COLUMNS = ["model", "convention", "dim", "birth", "death", "born_at", "dies_at", "dies_on"]


def tables(job: Job, barcodes: list[Path], out: Path) -> None:
    """Write a row per bar: model, convention, dim, birth, death (inf for half-lines), born_at, dies_at, dies_on."""
    rows = []
    for path in barcodes:
        model = made_by(path).model
        for record in read_records(path, job.expects[f"barcode/{model}"]):
            rows += [_row(record["model"], record["convention"], bar) for bar in record["bars"]]
    write_table(out, pd.DataFrame(rows, columns=COLUMNS), job)


def _row(model: str, convention: str, bar: dict) -> tuple:
    death = float("inf") if bar["death"] is None else bar["death"]
    places = _name(bar["born_at"]), _name(bar["dies_at"] or [])
    return (model, convention, bar["dim"], bar["birth"], death, *places, bar["dies_on"] or "")


def _name(simplex: list[int]) -> str:
    return "+".join(map(str, simplex))


if __name__ == "__main__":
    run(tables)
