"""CIFAR10 and CIFAR100, in torchvision's layouts ``ROOT/cifar-10-batches-py`` and ``ROOT/cifar-100-python``."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100

from lossbars.datasets.dataset import Dataset
from lossbars.datasets.files import Files, verify

KINDS = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def files(name: str) -> Files:
    """Pickled batches and the names of the classes: seven files of CIFAR10, three of CIFAR100."""
    kind = KINDS[name]
    return Files(
        title=kind.__name__,
        called=f"its {'seven' if kind is CIFAR10 else 'three'} files",
        folders=(kind.base_folder,),
        names=tuple((file,) for file in _checksums(kind)),
        download=lambda root: kind(root, download=True),
        addresses=(kind.url,),
    )


def load(name: str, data_root: Path | None, downloads: Path) -> Dataset:
    """50,000 + 10,000 images (3, 32, 32) in bytes; 10 classes, or the 100 fine ones."""
    kind = KINDS[name]
    folder = files(name).fetched(data_root, downloads)
    for file, checksum in _checksums(kind).items():  # before any is read: a pickle can do anything
        verify(folder / file, checksum)
    return Dataset(*_read(kind, folder, train=True), *_read(kind, folder, train=False))


def _checksums(kind: type[CIFAR10]) -> dict[str, str]:
    return dict(kind.train_list + kind.test_list) | {kind.meta["filename"]: kind.meta["md5"]}


def _read(kind: type[CIFAR10], folder: Path, train: bool) -> tuple[Tensor, Tensor]:
    part = kind(str(folder.parent), train=train)
    images = np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))  # it has them as (m, 32, 32, 3)
    return torch.from_numpy(images), torch.tensor(part.targets)
