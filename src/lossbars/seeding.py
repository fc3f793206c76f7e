"""Random generators made from names, never from what ran before."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Generator


def seed_of(*names: str | int) -> int:
    """A number of 63 bits: a digest of the names."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: str | int) -> "Generator":
    """torch's CPU generator for these names: (experiment, model, "minima", seed), say."""
    import torch

    return torch.Generator().manual_seed(seed_of(*names))


def numpy_generator(*names: str | int) -> np.random.Generator:
    """numpy's generator for these names, for steps that need no torch."""
    return np.random.default_rng(seed_of(*names))


SEEDS = 1000  # of a group, at most


def group_of(seed: int) -> int:
    """The number of the group that a seed belongs to."""
    return seed // SEEDS
