"""Files of the checkout that are made from others: tests compare them, and ``make written`` writes them anew."""

import os
from pathlib import Path


def check_written(path: Path, text: str) -> None:
    """A file has this text; with ``LOSSBARS_WRITE_DOCS`` in the environment it is written first."""
    if os.environ.get("LOSSBARS_WRITE_DOCS"):
        path.write_text(text)
    assert path.read_text() == text, f"{path} is out of date: run `make written`"
