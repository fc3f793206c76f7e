"""Work in equal shares, a thread each, for kernels that let other threads run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

Result = TypeVar("Result")
SMALLEST = 20_000  # vertices: a thread costs more than it saves on fewer


def in_shares(
    begin: int, end: int, kernel: Callable[[int, int], Result], threads: int, smallest: int = SMALLEST
) -> list[Result]:
    """``kernel(low, high)`` of equal shares of [begin, end), in order; no share is smaller than ``smallest``."""
    shares = max(1, min(threads, (end - begin) // smallest))
    if shares == 1:
        return [kernel(begin, end)]
    cuts = np.linspace(begin, end, shares + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(shares) as pool:
        return list(pool.map(kernel, cuts[:-1], cuts[1:]))
