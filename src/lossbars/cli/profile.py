"""Profiles of Snakemake: where it finds them, and what they say of the cluster."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FILE = re.compile(r"(?:profile|config)(?:\.v(\d+)\+)?\.ya?ml")


class ProfileError(ValueError):
    """There is no such profile, or it cannot be read; the message says where it was looked for."""


@dataclass(frozen=True)
class Profile:
    """What a profile says, as far as it matters here."""

    file: Path
    settings: dict[str, Any]
    partitions: dict[str, dict[str, Any]] = field(default_factory=dict)  # of its partition file, else none

    @property
    def slurm(self) -> bool:
        """Whether jobs go to SLURM."""
        return self.settings.get("executor") == "slurm"

    @property
    def prefix(self) -> str:
        """What the names of its jobs begin with."""
        return str(self.settings.get("slurm-jobname-prefix") or "")


def read_profile(name: str) -> Profile:
    """The profile that ``snakemake --profile NAME`` would take. Raises ProfileError."""
    file = _file(name)
    try:
        settings = _mapping(file)
        partitions = {}
        if partition_file := settings.get("slurm-partition-config"):
            path = file.parent / partition_file if (file.parent / partition_file).is_file() else Path(partition_file)
            partitions = {key: dict(limits or {}) for key, limits in _mapping(path)["partitions"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ProfileError(f"the profile {file} cannot be read: {error!r}") from None
    return Profile(file, settings, partitions)


def _mapping(file: Path) -> dict[str, Any]:
    mapping = yaml.safe_load(file.read_text())
    if not isinstance(mapping, dict):
        raise TypeError("no keys and values at its top level")
    return mapping


def _file(name: str) -> Path:
    if Path(name).is_file():
        return Path(name)
    looked = [Path(name)] if Path(name).exists() else [folder / name for folder in _folders()]
    for folder in looked:
        if folder.is_dir():
            named = {match: int(match[1] or 0) for entry in folder.iterdir() if (match := FILE.fullmatch(entry.name))}
            if named:
                return folder / max(named, key=lambda match: named[match]).string
    places = ", ".join(str(folder) for folder in looked)
    raise ProfileError(f"no profile {name!r}: there is no profile.yaml in {places}")


def _folders() -> Iterator[Path]:
    """Where Snakemake looks for profiles: here, and in the folders of the user and of the site."""
    yield Path.cwd()
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "snakemake"
    yield Path((os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").partition(":")[0]) / "snakemake"
