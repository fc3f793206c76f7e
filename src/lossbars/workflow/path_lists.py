"""Thousands of paths on one command line, which Linux limits to 128 KB: ``folder/{0+1,0+2}.parquet`` for two.

The braces are read by the steps, never by a shell.
"""

from collections.abc import Iterable
from pathlib import Path, PurePath


def compact(paths: Iterable[str]) -> list[str]:
    """Paths of one folder and suffix in one text, folders in the order of their first path."""
    stems_of: dict[tuple[str, str], list[str]] = {}
    for path in map(PurePath, paths):
        stems_of.setdefault((str(path.parent), path.suffix), []).append(path.stem)
    return [f"{folder}/{{{','.join(stems)}}}{suffix}" for (folder, suffix), stems in stems_of.items()]


def paths(text: str) -> list[Path]:
    """The paths that a text of :func:`compact` stands for; one without braces stands for itself."""
    folder, _, rest = text.rpartition("/{")
    stems, _, suffix = rest.rpartition("}")
    return [Path(f"{folder}/{stem}{suffix}") for stem in stems.split(",")] if folder else [Path(text)]
