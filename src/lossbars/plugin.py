"""A user's own Python file, named in config.yaml as ``path/to/file.py:name``."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from lossbars.user_files import split_source


def load_object(source: str, what: str) -> Any:
    """The object ``name`` of the file. Raises ValueError, naming the file, where either is missing or fails."""
    path, name = split_source(source, what)
    spec = importlib.util.spec_from_file_location(f"lossbars_user_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{what} {source!r}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look their module up
    sys.path.insert(0, str(Path(path).resolve().parent))  # so that the file can import its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{what} {source!r}: {path} failed while it was imported: {error!r}") from error
    finally:
        sys.path.pop(0)
    if not hasattr(module, name):
        raise ValueError(f"{what} {source!r}: {path} defines no {name!r}")
    return getattr(module, name)
