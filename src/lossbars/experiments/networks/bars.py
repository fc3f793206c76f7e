"""The bars of all models of an experiment in one table."""

import pandas as pd

from lossbars.barcodes.barcode import Bar
from lossbars.workflow.records import BarcodeOfModel, read_barcodes
from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

COLUMNS = ["model", "convention", "dim", "birth", "death", "born_at", "dies_at", "dies_on"]


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per bar: model, convention, dim, birth, death (inf for half-lines), born_at, dies_at, dies_on."""
    rows = [_row(one, bar) for one in read_barcodes(work, "barcodes") for bar in one.barcode.bars]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(one: BarcodeOfModel, bar: Bar) -> tuple[str, str, int, float, float, str, str, str]:
    dies_at = bar.dies_at or ()
    places = "+".join(map(str, bar.born_at)), "+".join(map(str, dies_at))
    return (one.model, one.convention, bar.dim, bar.birth, bar.death, *places, one.dies_on.get(dies_at, ""))
