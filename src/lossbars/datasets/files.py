"""Files in torchvision's layout: found on disk, else downloaded, and verified."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lossbars.datasets.dataset import DataError, md5
from lossbars.datasets.specs import module_of


@dataclass(frozen=True)
class Files:
    """The files of a data set; ``names`` has the possible names of each file."""

    title: str
    called: str  # "its four files, packed or unpacked,"
    folders: tuple[str, ...]  # below a root, torchvision's first
    names: tuple[tuple[str, ...], ...]
    download: Callable[[str], object]  # into a root
    addresses: tuple[str, ...]  # one that answers is enough for a download

    def folder(self, root: Path | None) -> Path | None:
        """The folder below a root that has all files; None where there is none."""
        for folder in [root / name for name in self.folders] if root else []:
            if all(any((folder / name).is_file() for name in names) for names in self.names):
                return folder
        return None

    def place(self, root: Path | str) -> Path:
        """The folder below a root in which torchvision keeps them."""
        return Path(root) / self.folders[0]

    def fetched(self, data_root: Path | None, downloads: Path) -> Path:
        """The folder with all files, downloaded where they are not under ``data_root``. Raises DataError."""
        if folder := self.folder(data_root):
            return folder
        try:
            self.download(str(downloads))
        except Exception as error:  # torchvision raises RuntimeError, URLError, OSError, … by the way a download fails
            looked = f"not all of its files are in {self.place(data_root)}" if data_root else "no data_root is set"
            raise DataError(
                f"{self.title}: {looked}, and the download failed ({error}). Put {self.called} in "
                f"{self.place('DATA_ROOT')} and set data_root in config.yaml, or run this rule where there is a network"
            ) from None
        return self.place(downloads)


def files_of(name: str) -> Files:
    """The files of a data set that can be downloaded. Raises AttributeError of others."""
    return import_module(module_of(name)).files(name)


def verify(path: Path, wanted: str) -> None:
    """Raise DataError unless a file has this MD5."""
    if (actual := md5(path)) != wanted:
        raise DataError(f"{path} is damaged: its MD5 is {actual}, expected {wanted}. Delete it, and fetch it again")
