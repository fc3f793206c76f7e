"""Documents and figures: Markdown, HTML, SVG, PDF. Each says in itself which job made it."""

import re
from pathlib import Path

from lossbars.workflow.files import ArtefactError, exists, write_text
from lossbars.workflow.job import Job

MARK = re.compile(rb"lossbars key ([0-9a-f]{16})")


def mark(job: Job) -> str:
    """What a document says of itself: the key of its job."""
    return f"lossbars key {job.key}"


def write_document(path: Path, text: str, job: Job) -> None:
    """Write Markdown, HTML or SVG, with the mark in a comment at its end."""
    write_text(path, f"{text.rstrip()}\n<!-- {mark(job)} -->\n")


def marked(path: Path) -> str:
    """The key that a document or a figure carries. Raises ArtefactError, also where its end is cut off."""
    exists(path)
    content = path.read_bytes()
    ended = content.rstrip().endswith(b"%%EOF" if path.suffix == ".pdf" else b"-->")
    marks = MARK.findall(content)
    if not ended or not marks:
        raise ArtefactError(f"{path} is damaged: delete it and run again")
    return marks[-1].decode()
