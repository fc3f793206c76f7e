"""SVHN, cropped digits: MATLAB files in ``ROOT``, ``ROOT/svhn`` or ``ROOT/SVHN``."""

from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor
from torchvision.datasets import SVHN

from lossbars.datasets.dataset import Dataset
from lossbars.datasets.files import Files, verify

SPLITS = ("train", "test")  # the third, 531,131 easier images, is used by none of the papers


def files(name: str) -> Files:  # noqa: ARG001 (there is one)
    """The training and the test set."""
    return Files(
        title="SVHN",
        called="train_32x32.mat and test_32x32.mat",
        folders=("", "svhn", "SVHN"),
        names=tuple((SVHN.split_list[split][1],) for split in SPLITS),
        download=lambda root: [SVHN(root, split, download=True) for split in SPLITS],
        addresses=tuple(SVHN.split_list[split][0] for split in SPLITS),
    )


def load(name: str, data_root: Path | None, downloads: Path) -> Dataset:
    """73,257 + 26,032 images (3, 32, 32) in bytes, 10 classes."""
    folder = files(name).fetched(data_root, downloads)
    parts = [_read(folder, split) for split in SPLITS]
    return Dataset(*parts[0], *parts[1])


def _read(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    _, name, checksum = SVHN.split_list[split]
    verify(folder / name, checksum)
    content = loadmat(folder / name)
    images = np.ascontiguousarray(content["X"].transpose(3, 2, 0, 1))  # stored as (32, 32, 3, m)
    labels = content["y"].reshape(-1).astype(np.int64) % 10  # the digit 0 is stored as 10
    return torch.from_numpy(images), torch.from_numpy(labels)
