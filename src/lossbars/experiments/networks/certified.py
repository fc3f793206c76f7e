"""The finite bars of barcodes with saddles, and what is known of the saddle that ends each."""

import pandas as pd

from lossbars.barcodes.barcode import CERTIFIED, CLOSED_CERTIFIED
from lossbars.plots.bars import finite
from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work

BARCODES = {f"merged{CERTIFIED}": "given", f"merged{CLOSED_CERTIFIED}": "closed"}


def gather(work: Work[GatherSettings]) -> pd.DataFrame:
    """A row per finite bar: model, barcode (given or closed), the minimum that bore it, birth, death, and its saddle.

    ``saddle`` is the number of the saddle in the table of its model, whose columns follow: its ends ``a`` and ``b``,
    gradient, index, lowest eigenvalues, and where the climb to it began. Of a bar that dies on a curve there is none:
    −1, and NaN or empty.
    """
    bars = finite(work.table("bars"))
    bars = bars[bars["convention"].isin(list(BARCODES)) & (bars["dim"] == 0)]
    bars = bars.assign(barcode=bars["convention"].map(BARCODES), minimum=bars["born_at"].astype("int64"))
    joins = work.tables("joins")
    joins["dies_at"] = joins["a"].astype(str) + "+" + joins["b"].astype(str)
    joins = joins[["model", "barcode", "dies_at", "saddle"]]
    saddles = work.tables("saddles").drop(columns=["objective", "passes", "failures"])
    table = bars.merge(joins, on=["model", "barcode", "dies_at"]).merge(saddles, on=["model", "saddle"], how="left")
    shown = ["model", "barcode", "minimum", "birth", "death", "dies_on"]
    rest = [name for name in saddles.columns if name != "model"]
    return table[[*shown, *rest]].fillna({"found_by": ""}).reset_index(drop=True)
