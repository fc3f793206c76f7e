"""The barcode of one cloud as a record, without its noise; of optimised curves where a model has no cloud."""

from typing import Any

import numpy as np
import pandas as pd

from lossbars.barcodes.barcode import ArrayBarcode, Bar, Barcode
from lossbars.workflow.job import Job
from lossbars.workflow.records import record
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work

SHARE = 0.01  # of the longest finite bar, that the bars of a cloud's record are longer than
CONVENTIONS = ("direct", "merged")  # of optimised curves


def step(work: Work[NoSettings]) -> None:
    """Write records as those of networks: of a cloud one (merged), whose vertices are numbers of points.

    Further keys: n (points, or starts), components (of the cloud's graph, so many half-lines), threshold, and left_out:
    how many bars are not longer than that. Of curves nothing is left out.
    """
    table, job = work.table("bars"), work.job
    of_curves = "source" in table  # the column of their conventions
    records = [_of_curves(table, name, job) for name in CONVENTIONS] if of_curves else [_of_cloud(table, job)]
    work.write_records("records", records)


def _of_cloud(table: pd.DataFrame, job: Job) -> dict[str, Any]:
    length = table["death"] - table["birth"]
    threshold = SHARE * float(length[np.isfinite(length)].max()) if np.isfinite(length).any() else 0.0
    long = table[length > threshold]
    births, deaths, minima, saddles = (long[name].to_numpy() for name in ("birth", "death", "minimum", "saddle"))
    left_out = int(table["dropped"].iloc[0]) + len(table) - len(long)
    barcode = ArrayBarcode(births, deaths, minima, saddles, "merged")
    return record(barcode, job) | _counts(table) | {"threshold": threshold, "left_out": left_out}


def _of_curves(table: pd.DataFrame, convention: Any, job: Job) -> dict[str, Any]:
    rows = table[table["source"] == convention]
    ends = [None if a < 0 else (a, b) for a, b in rows[["saddle", "saddle_other"]].to_numpy().tolist()]
    numbers = zip(rows["birth"].tolist(), rows["death"].tolist(), rows["minimum"].tolist(), ends, strict=True)
    barcode = Barcode([Bar(birth, death, 0, (minimum,), end) for birth, death, minimum, end in numbers], convention)
    return record(barcode, job) | _counts(table) | {"threshold": 0.0, "left_out": 0}


def _counts(table: pd.DataFrame) -> dict[str, int]:
    return {name: int(table[name].iloc[0]) for name in ("n", "components")}
