"""Data sets: fetch, verify, → tensors. A new one is a file, a name in recipes.py, and a line in each list here."""

from pathlib import Path

from lossbars.datasets.custom import load_custom
from lossbars.datasets.dataset import Dataset
from lossbars.datasets.digits import load_digits
from lossbars.datasets.files import Files
from lossbars.datasets.text import text_streams as text_streams


def load_dataset(name: str, data_root: Path | None, downloads: Path) -> Dataset:
    """The data set called ``name`` in config.yaml.

    Files are taken from ``data_root`` (torchvision's layout) where they are, else downloaded into
    ``downloads``, but for ``ptb``; checksums are verified either way. Raises DataError, saying what to do.
    """
    match name:
        case "digits":
            return load_digits()
        case "mnist" | "fmnist":
            from lossbars.datasets import mnist  # torchvision takes seconds to load

            load = mnist.load_mnist if name == "mnist" else mnist.load_fmnist
            return load(data_root, downloads)
        case "cifar10" | "cifar100":
            from lossbars.datasets.cifar import load_cifar

            return load_cifar(name, data_root, downloads)
        case "svhn":
            from lossbars.datasets.svhn import load_svhn

            return load_svhn(data_root, downloads)
        case "ptb":
            from lossbars.datasets.ptb import load_ptb

            return load_ptb(data_root)
        case _:
            return load_custom(name)


def files_of(name: str) -> Files:
    """The files of a data set that is on disk or downloaded. Raises KeyError of others, ``ptb`` among them."""
    from lossbars.datasets import cifar, mnist, svhn  # torchvision takes seconds to load

    kinds = {key: mnist.files(kind) for key, kind in mnist.KINDS.items()}
    kinds |= {key: cifar.files(kind) for key, kind in cifar.KINDS.items()}
    return (kinds | {"svhn": svhn.files()})[name]
