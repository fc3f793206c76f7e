"""What the steps on landscapes share: tables of bars."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float


def bar_table(
    numbers: Mapping[str, Any], minima: Float[np.ndarray, "b D"], saddles: Float[np.ndarray, "b D"]
) -> pd.DataFrame:
    """A row per bar: ``numbers``, then the places x0, … of its minimum and s0, … of its saddle."""
    places = {f"{letter}{i}": of[:, i] for letter, of in (("x", minima), ("s", saddles)) for i in range(of.shape[1])}
    return pd.DataFrame(dict(numbers) | places)
