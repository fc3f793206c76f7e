"""The bars of all models of an experiment in one table."""

import math

import pandas as pd

from lossbars.barcodes.barcode import Bar
from lossbars.workflow.records import BarcodeOfModel, read_barcodes
from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

COLUMNS = [
    "model",
    "convention",
    "dim",
    "birth",
    "death",
    "born_at",
    "dies_at",
    "dies_on",
    "birth_residue",
    "death_residue",
]


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per bar: model, convention, dim, birth, death (inf for half-lines), born_at, dies_at, dies_on, residues.

    A residue is by how much the second half of an optimisation lowered an end of a bar; NaN where it is not known.
    """
    rows = [_row(one, bar) for one in read_barcodes(work, "barcodes") for bar in one.barcode.bars]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(one: BarcodeOfModel, bar: Bar) -> tuple[str | int | float, ...]:
    dies_at = bar.dies_at or ()
    places = "+".join(map(str, bar.born_at)), "+".join(map(str, dies_at))
    residues = (one.residues.get(end, math.nan) for end in (bar.born_at, dies_at))
    return (one.model, one.convention, bar.dim, bar.birth, bar.death, *places, one.dies_on.get(dies_at, ""), *residues)
