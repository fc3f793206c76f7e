"""Running code on a copy of the package to which something was added."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.paths import CHECKOUT


def run_with(folder: Path, files: Mapping[str, str], lines: Mapping[str, tuple[str, str]], code: str) -> str:
    """What ``code`` prints, with new ``files`` and ``lines`` (path → where, what goes before it) in the package."""
    package = folder / "src/lossbars"
    shutil.copytree(CHECKOUT / "src/lossbars", package, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in files.items():
        (package / path).write_text(text)
    for path, (place, line) in lines.items():
        text = (package / path).read_text()
        assert text.count(place) == 1, f"{path}: {place!r} is not there once"
        (package / path).write_text(text.replace(place, line + place))
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
