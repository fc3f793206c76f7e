"""Files of the user's that a configuration names, ``path/to/file.py:name``.

Loads no torch, and runs none of them but the one that ``load_object`` is asked for.
"""

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any


def split_source(source: str, what: str) -> tuple[Path, str]:
    """``path/to/file.py:name`` → (path, name).

    Raises ValueError if it has another form, the file is not there or no Python, or defines no such name.
    """
    path, colon, name = source.rpartition(":")
    if not colon or not path.endswith(".py") or not name.isidentifier():
        raise ValueError(f"{what} {source!r}: expected path/to/file.py:name")
    if not Path(path).is_file():
        raise ValueError(f"{what} {source!r}: no such file: {path}")
    try:
        tree = ast.parse(Path(path).read_text(), path)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{what} {source!r}: {path} is no Python: {error}") from None
    if name not in _defined(tree):
        raise ValueError(f"{what} {source!r}: {path} defines no {name!r}")
    return Path(path), name


def _defined(tree: ast.Module) -> set[str]:
    """Names that a file may define at its top level, inside an ``if`` or a ``try`` too."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


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
