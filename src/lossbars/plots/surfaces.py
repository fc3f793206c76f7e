"""Tables of surfaces as figures read them: values on a full grid."""

import numpy as np
import pandas as pd
from jaxtyping import Float

COLUMNS = ("model", "x", "y", "value")


def as_grid(
    rows: pd.DataFrame, model: str
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " n"], Float[np.ndarray, "n m"]]:
    """Coordinates of the columns and of the rows, increasing, and the values; ValueError where a point lacks."""
    table = rows.pivot_table(index="y", columns="x", values="value")
    if len(rows) != table.size or min(table.shape) < 2:
        raise ValueError(f"table 'surface', model {model!r}: {len(rows)} points are no full grid of {table.shape}")
    return table.columns.to_numpy(), table.index.to_numpy(), table.to_numpy()
