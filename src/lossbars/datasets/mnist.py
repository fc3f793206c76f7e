"""MNIST and FashionMNIST, in torchvision's layout ``ROOT/{MNIST,FashionMNIST}/raw``."""

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import MNIST, FashionMNIST

from lossbars.datasets.dataset import Dataset
from lossbars.datasets.files import Files, verify

# MD5 of the unpacked files, made from archives whose MD5 is the published one; torchvision checks archives only.
UNPACKED_MD5 = {
    "MNIST": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}

KINDS: dict[str, type[MNIST]] = {"mnist": MNIST, "fmnist": FashionMNIST}


def load(name: str, data_root: Path | None, downloads: Path) -> Dataset:
    """60,000 + 10,000 images (1, 28, 28) in bytes, 10 classes."""
    kind = KINDS[name]
    raw = files(name).fetched(data_root, downloads)
    archives = {Path(file).stem: checksum for file, checksum in kind.resources}

    def read(file: str) -> Tensor:
        return _read(raw, file, archives[file], UNPACKED_MD5[kind.__name__][file])

    images, labels = "images-idx3-ubyte", "labels-idx1-ubyte"
    return Dataset(
        read(f"train-{images}").unsqueeze(1),
        read(f"train-{labels}").long(),
        read(f"t10k-{images}").unsqueeze(1),
        read(f"t10k-{labels}").long(),
    )


def files(name: str) -> Files:
    """Images and labels of both parts, packed or unpacked."""
    kind = KINDS[name]
    return Files(
        title=kind.__name__,
        called="its four files, packed or unpacked,",
        folders=(f"{kind.__name__}/raw",),
        names=tuple((file, f"{file}.gz") for file in UNPACKED_MD5[kind.__name__]),
        download=lambda root: kind(root, download=True),
        addresses=tuple(f"{mirror}{kind.resources[0][0]}" for mirror in kind.mirrors),
    )


def _read(raw: Path, file: str, packed_md5: str, unpacked_md5: str) -> Tensor:
    path = raw / file
    wanted = unpacked_md5
    if not path.is_file():
        path, wanted = raw / f"{file}.gz", packed_md5
    verify(path, wanted)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rank = content[3]  # IDX: two zero bytes, type, rank, then the shape as big-endian 32-bit numbers
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy())
