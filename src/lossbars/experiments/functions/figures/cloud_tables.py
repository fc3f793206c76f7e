"""The bars of clouds that a figure draws: of each model, those of the cloud with the lowest number."""

import pandas as pd

from lossbars.plots.bars import SHARE, longest
from lossbars.plots.tables import per_model


def clouds(
    bars: pd.DataFrame, labels: dict[str, str], columns: tuple[str, ...], source: str = "cloud"
) -> dict[str, pd.DataFrame]:
    """Model → its bars, as :func:`per_model`; ``source`` may name optimised curves instead."""
    tables = per_model(bars, labels, columns, "bars", source=source)
    return {model: rows[rows["seed"] == rows["seed"].min()].reset_index(drop=True) for model, rows in tables.items()}


def count(table: pd.DataFrame) -> int:
    """How many bars a cloud has, with those that its table leaves out (column ``dropped``)."""
    return len(table) + (int(table["dropped"].max()) if "dropped" in table else 0)


def coarser(tables: dict[str, pd.DataFrame]) -> str:
    """A remark on bars that a figure would show but the tables leave out (column ``threshold``); empty without any."""
    limits = [float(table["threshold"].max()) for table in tables.values() if "threshold" in table]
    shares = [limit / longest(table) for limit, table in zip(limits, tables.values(), strict=False) if longest(table)]
    return f", and in the tables those below {max(shares):.2g} of it" if shares and max(shares) > SHARE else ""
