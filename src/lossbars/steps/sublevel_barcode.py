"""The barcode of one cloud as a record, without its noise."""

from pathlib import Path

import numpy as np

from lossbars.artefacts import read_table, write_records
from lossbars.barcode import ArrayBarcode
from lossbars.job import Job
from lossbars.steps.barcode import record
from lossbars.steps.command import run

SHARE = 0.01  # of the longest finite bar, that the bars of the record are longer than


def sublevel_barcode(job: Job, cloud: Path, out: Path) -> None:
    """Write one record as those of networks; vertices are numbers of points.

    Further keys: n (points), components (of their graph, so many half-lines), threshold, and left_out: how many bars
    are not longer than that.
    """
    table = read_table(cloud, job.expects["cloud"])
    length = table["death"] - table["birth"]
    threshold = SHARE * float(length[np.isfinite(length)].max()) if np.isfinite(length).any() else 0.0
    long = table[length > threshold]
    births, deaths, minima, saddles = (long[name].to_numpy() for name in ("birth", "death", "minimum", "saddle"))
    found = ArrayBarcode(births, deaths, minima, saddles, "merged")
    first = table.iloc[0]
    left_out = int(first["dropped"]) + len(table) - len(long)
    own = {"n": int(first["n"]), "components": int(first["components"]), "threshold": threshold, "left_out": left_out}
    write_records(out, [record(found, job) | own], job)


if __name__ == "__main__":
    run(sublevel_barcode)
