"""Data sets that come with the package, bundled or from files in torchvision's layout."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits as bundled_digits
from torchvision.datasets import MNIST, FashionMNIST

from lossbars.data import DataError, md5
from lossbars.datasets import load_dataset, mnist

# Digits ------------------------------------------------------------------------------------------


def test_digits(tmp_path: Path) -> None:
    digits = load_dataset("digits", None, tmp_path)
    assert digits.train_x.shape == (1438, 1, 8, 8) and digits.test_x.shape == (359, 1, 8, 8)
    assert digits.train_x.dtype == torch.float32 and digits.train_y.dtype == torch.int64 and digits.outputs == 10
    for x in (digits.train_x, digits.test_x):
        assert float(x.min()) == 0 and float(x.max()) == 1
    assert digits.test_y.bincount(minlength=10).min() > 20 and digits.train_y.bincount(minlength=10).min() > 120
    images, labels = bundled_digits(return_X_y=True)
    for i in (4, 9, 1794):  # each fifth, from the fifth
        np.testing.assert_array_equal(digits.test_x[i // 5].flatten().numpy() * 16, images[i])
        assert int(digits.test_y[i // 5]) == labels[i]
    np.testing.assert_array_equal(digits.train_x[4].flatten().numpy() * 16, images[5])
    assert list(tmp_path.iterdir()) == []
    again = load_dataset("digits", None, tmp_path)
    assert torch.equal(again.train_x, digits.train_x) and torch.equal(again.test_y, digits.test_y)


# MNIST's format ----------------------------------------------------------------------------------

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
NAMES = {"mnist": MNIST, "fmnist": FashionMNIST}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def fake() -> list[np.ndarray]:
    """Three training and two test images of 28 × 28, and their labels."""
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (3, 28, 28)).astype(np.uint8),
        np.array([2, 0, 9], np.uint8),
        rng.integers(0, 256, (2, 28, 28)).astype(np.uint8),
        np.array([1, 9], np.uint8),
    ]


def digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """An empty folder of the data set, checksums of the fake, and no network."""
    kind = NAMES[name]
    folder = tmp_path / "root" / kind.__name__ / "raw"
    folder.mkdir(parents=True)
    contents = dict(zip(FILES, map(idx, fake()), strict=True))
    sums = {file: digest(content) for file, content in contents.items()}
    monkeypatch.setitem(mnist.UNPACKED_MD5, kind.__name__, sums)
    packed = [(f"{file}.gz", digest(gzip.compress(content, mtime=0))) for file, content in contents.items()]
    monkeypatch.setattr(kind, "resources", packed)

    def no_network(self: MNIST) -> None:  # noqa: ARG001
        raise OSError("no network")

    monkeypatch.setattr(MNIST, "download", no_network)
    return folder


def put(raw: Path, files: tuple[str, ...] = FILES, packed: bool = False) -> None:
    for file, array in zip(FILES, fake(), strict=True):
        if file in files:
            content = gzip.compress(idx(array), mtime=0) if packed else idx(array)
            (raw / (f"{file}.gz" if packed else file)).write_bytes(content)


@pytest.mark.parametrize("packed", [FILES, (), FILES[:2]], ids=["packed", "unpacked", "mixed"])
def test_files_are_found_packed_or_not(raw: Path, name: str, packed: tuple[str, ...]) -> None:
    put(raw, packed, packed=True)
    put(raw, tuple(file for file in FILES if file not in packed))
    data = load_dataset(name, raw.parents[1], raw.parents[2] / "downloads")
    x, y, test_x, test_y = fake()
    assert data.train_x.dtype == torch.uint8 and data.outputs == 10
    np.testing.assert_array_equal(data.train_x.numpy(), x[:, None])
    np.testing.assert_array_equal(data.test_x.numpy(), test_x[:, None])
    assert data.train_y.tolist() == y.tolist() and data.test_y.tolist() == test_y.tolist()
    assert not (raw.parents[2] / "downloads").exists()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("file", FILES)
def test_a_wrong_checksum_names_the_file(raw: Path, name: str, file: str, packed: bool) -> None:
    put(raw, packed=packed)
    path = raw / (f"{file}.gz" if packed else file)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match=rf"{path} is damaged: its MD5 is {md5(path)}, expected {digest(content)}"):
        load_dataset(name, raw.parents[1], raw.parents[2] / "downloads")


def test_a_missing_file_and_no_network_say_what_to_do(raw: Path, name: str) -> None:
    put(raw, FILES[:3])
    for root, why in ((raw.parents[1], f"not all of its files are in {raw}"), (None, "no data_root is set")):
        with pytest.raises(DataError, match=rf"{NAMES[name].__name__}: {why}.*no network.*set data_root"):
            load_dataset(name, root, raw.parents[2] / "downloads")


def test_published_checksums() -> None:
    """The two data sets have the same layout and not one file in common."""
    assert set(mnist.UNPACKED_MD5) == {"MNIST", "FashionMNIST"}
    assert all(set(sums) == set(FILES) for sums in mnist.UNPACKED_MD5.values())
    sums = [value for kind in mnist.UNPACKED_MD5.values() for value in kind.values()]
    assert len(set(sums)) == 8 and all(len(value) == 32 for value in sums)
