"""Handwritten digits bundled with scikit-learn: 1797 real images of 8 × 8 pixels; nothing is downloaded."""

from pathlib import Path

import numpy as np
import torch
from sklearn import datasets as sklearn_datasets

from lossbars.datasets.dataset import Dataset

TEST_EVERY = 5  # each fifth image is a test image: 1438 for training, 359 for the test


def load(name: str, data_root: Path | None, downloads: Path) -> Dataset:  # noqa: ARG001 (no files are read)
    """Inputs (1, 8, 8) float32 in 0..1 (the pixels count from 0 to 16), 10 classes."""
    bundle = sklearn_datasets.load_digits()
    x = torch.from_numpy((bundle.data / 16).astype(np.float32)).view(-1, 1, 8, 8)
    y = torch.from_numpy(bundle.target.astype(np.int64))
    test = torch.arange(len(x)) % TEST_EVERY == TEST_EVERY - 1
    return Dataset(x[~test], y[~test], x[test], y[test])
