"""Data sets that come with the package, bundled or from files in torchvision's layout."""

import gzip
import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from sklearn.datasets import load_digits as bundled_digits
from torchvision.datasets import CIFAR10, MNIST, SVHN, FashionMNIST

from lossbars.datasets import mnist
from lossbars.datasets.dataset import DataError, md5
from lossbars.datasets.files import files_of
from lossbars.datasets.load import load_dataset
from support.additions import run_with

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


# CIFAR10's and SVHN's formats --------------------------------------------------------------------


def refuse(*_: object, **__: object) -> None:
    raise OSError("no network")


def images(m: int) -> np.ndarray:
    """m images (3, 32, 32) in bytes."""
    return np.random.default_rng(m).integers(0, 256, (m, 3, 32, 32)).astype(np.uint8)


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two training batches of 2 and 3 images, one of 4 for the test, with checksums of their own; no network."""
    folder = tmp_path / "root" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    sums = {}
    for name, m, first in (("data_batch_1", 2, 0), ("data_batch_2", 3, 2), ("test_batch", 4, 5)):
        labels = [(first + i) % 10 for i in range(m)]
        (folder / name).write_bytes(pickle.dumps({"data": images(m).reshape(m, -1), "labels": labels}))
        sums[name] = md5(folder / name)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in ("data_batch_1", "data_batch_2")])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": md5(folder / "batches.meta")})
    monkeypatch.setattr(CIFAR10, "download", refuse)
    return folder


def test_cifar10(cifar: Path, tmp_path: Path) -> None:
    data = load_dataset("cifar10", cifar.parent, tmp_path / "downloads")
    assert data.train_x.dtype == torch.uint8 and data.train_y.dtype == torch.int64
    np.testing.assert_array_equal(data.train_x.numpy(), np.concatenate([images(2), images(3)]))
    np.testing.assert_array_equal(data.test_x.numpy(), images(4))
    assert data.train_y.tolist() == [0, 1, 2, 3, 4] and data.test_y.tolist() == [5, 6, 7, 8]
    assert not (tmp_path / "downloads").exists()


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_no_pickle_is_read_before_its_checksum(cifar: Path, tmp_path: Path, name: str) -> None:
    wanted = md5(cifar / name)
    (cifar / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(DataError, match=rf"{cifar / name} is damaged: its MD5 is .*, expected {wanted}"):
        load_dataset("cifar10", tmp_path / "root", tmp_path / "downloads")
    assert not (tmp_path / "sprung").exists()


@pytest.fixture(params=["", "svhn", "SVHN"])
def svhn(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three training and two test images; 0 is stored as 10."""
    folder = tmp_path / "root" / request.param
    folder.mkdir(parents=True)
    lists = {}
    for split, m, labels in (("train", 3, [1, 10, 9]), ("test", 2, [10, 2])):
        path = folder / f"{split}_32x32.mat"
        stored = {"X": images(m).transpose(2, 3, 1, 0), "y": np.array(labels, np.uint8)[:, None]}
        savemat(path, stored, do_compression=True)
        lists[split] = ["", path.name, md5(path)]
    monkeypatch.setattr(SVHN, "split_list", lists)
    monkeypatch.setattr(SVHN, "download", refuse)
    return folder


def test_svhn(svhn: Path, tmp_path: Path) -> None:
    data = load_dataset("svhn", tmp_path / "root", tmp_path / "downloads")
    assert data.train_x.dtype == torch.uint8 and data.train_y.dtype == torch.int64 and data.outputs == 10
    np.testing.assert_array_equal(data.train_x.numpy(), images(3))
    np.testing.assert_array_equal(data.test_x.numpy(), images(2))
    assert data.train_y.tolist() == [1, 0, 9] and data.test_y.tolist() == [0, 2]
    path = svhn / "test_32x32.mat"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=rf"{path} is damaged"):
        load_dataset("svhn", tmp_path / "root", tmp_path / "downloads")


@pytest.mark.parametrize(
    ("name", "file", "place"),
    [("cifar10", "batches.meta", "cifar-10-batches-py"), ("svhn", "test_32x32.mat", "")],
)
def test_a_missing_file_of_theirs_and_no_network(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, file: str, place: str
) -> None:
    request.getfixturevalue("cifar" if name == "cifar10" else "plain_svhn")
    root = tmp_path / "root"
    (root / place / file).unlink()
    title = name.upper()
    for given, why in ((root, f"not all of its files are in {root / place},"), (None, "no data_root is set,")):
        wanted = rf"{title}: {why}.*no network.*in {Path('DATA_ROOT') / place} and set data_root"
        with pytest.raises(DataError, match=wanted):
            load_dataset(name, given, tmp_path / "downloads")


@pytest.fixture
def plain_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    for split in ("train", "test"):
        (tmp_path / "root" / f"{split}_32x32.mat").touch()
    monkeypatch.setattr(SVHN, "download", refuse)


def test_what_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cifar: Path) -> None:
    """By torchvision, into the folder of downloads, where it is found the next time."""

    def fetch(self: CIFAR10) -> None:
        cifar.rename(Path(self.root) / cifar.name)

    monkeypatch.setattr(CIFAR10, "download", fetch)
    (tmp_path / "downloads").mkdir()
    assert len(load_dataset("cifar10", tmp_path / "elsewhere", tmp_path / "downloads").train_x) == 5
    assert files_of("cifar10").folder(tmp_path / "downloads") == tmp_path / "downloads" / cifar.name


def test_files_that_are_asked_for() -> None:
    assert files_of("cifar10").addresses == ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",)
    assert [address.rpartition("/")[2] for address in files_of("svhn").addresses] == [
        "train_32x32.mat",
        "test_32x32.mat",
    ]
    assert len(files_of("cifar10").names) == 7
    with pytest.raises(AttributeError):
        files_of("digits")


# A new one ---------------------------------------------------------------------------------------

NEW = """
import torch

from lossbars.datasets.dataset import Dataset


def load(name, data_root, downloads):
    return Dataset(torch.zeros(3, 2), torch.zeros(3).long(), torch.zeros(1, 2), torch.zeros(1).long())
"""
CODE = """
import sys
from lossbars.datasets.specs import is_text, module_of, size_of
print(size_of("zeros", None).train, module_of("zeros"), is_text("zeros"), "torch" in sys.modules)
from lossbars.datasets.load import load_dataset
print(len(load_dataset("zeros", None, None).train_x))
"""


def test_a_new_data_set_takes_a_file_and_a_line(tmp_path: Path) -> None:
    line = '    "zeros": KnownData("zeros", Size(3, 1, 2, 1), comes_with="lossbars"),\n'
    place = {"datasets/specs.py": ('    "digits": KnownData(', line)}
    printed = run_with(tmp_path, {"datasets/zeros.py": NEW}, place, CODE).splitlines()
    assert printed == ["3 lossbars.datasets.zeros False False", "3"]
