"""Files that are written completely or not at all."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class ArtefactError(ValueError):
    """A file is missing, damaged, edited, or not what the reader expects."""


def exists(path: Path) -> None:
    """Raises ArtefactError where there is no such file."""
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: run the rule that makes it")


def write_atomically(path: Path, write: Callable[[str], object]) -> None:
    """Write beside the target, then rename. Raises ArtefactError where the folder cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise unwritable(path, error) from None
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text. Raises ArtefactError."""
    write_atomically(path, lambda temporary: Path(temporary).write_text(text))


def unwritable(path: Path, error: Exception) -> ArtefactError:
    """What a person is told when a file cannot be written."""
    reason = getattr(error, "strerror", None) or error
    return ArtefactError(f"cannot write {path}: {reason}: check permissions and disk space")
