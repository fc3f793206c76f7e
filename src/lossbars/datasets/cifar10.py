"""CIFAR10, in torchvision's layout ``ROOT/cifar-10-batches-py``."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10

from lossbars.data import Dataset
from lossbars.datasets.torchvision_files import Files, verify


def files() -> Files:
    """Six pickled batches and the names of the classes."""
    return Files(
        title="CIFAR10",
        called="its seven files",
        folders=(CIFAR10.base_folder,),
        names=tuple((name,) for name in _checksums()),
        download=lambda root: CIFAR10(root, download=True),
        addresses=(CIFAR10.url,),
    )


def load_cifar10(data_root: Path | None, downloads: Path) -> Dataset:
    """50,000 + 10,000 images (3, 32, 32) in bytes, 10 classes."""
    folder = files().fetched(data_root, downloads)
    for name, checksum in _checksums().items():  # before any is read: a pickle can do anything
        verify(folder / name, checksum)
    return Dataset(*_read(folder, train=True), *_read(folder, train=False))


def _checksums() -> dict[str, str]:
    return dict(CIFAR10.train_list + CIFAR10.test_list) | {CIFAR10.meta["filename"]: CIFAR10.meta["md5"]}


def _read(folder: Path, train: bool) -> tuple[Tensor, Tensor]:
    found = CIFAR10(str(folder.parent), train=train)
    images = np.ascontiguousarray(found.data.transpose(0, 3, 1, 2))  # it has them as (m, 32, 32, 3)
    return torch.from_numpy(images), torch.tensor(found.targets)
