"""What each fingerprint of code covers, kept on record, so that a later change can be named.

A fingerprint is one number for dozens of modules. The record says, for each fingerprint that a run was made with,
which modules and library versions it stood for.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from lossbars.workflow.files import ArtefactError, write_text
from lossbars.workflow.fingerprint import ingredients
from lossbars.workflow.tasks import Task

FOLDER = Path("results/.code")  # the same at every scale


def record_code(tasks: Iterable[Task], folder: Path = FOLDER) -> None:
    """Write a small file for each fingerprint of these tasks; what is on record stays."""
    for code, (module, extra_modules) in {task.code: (task.module, task.extra_modules) for task in tasks}.items():
        path = folder / f"{code}.json"
        if not path.is_file():
            write_text(path, json.dumps(ingredients(module, extra_modules), indent=1, sort_keys=True) + "\n")


def recorded_code(code: str, folder: Path = FOLDER) -> dict[str, str] | None:
    """Module → digest, and library → version, of a fingerprint; None where there is no record of it.

    Raises ArtefactError for a record that is damaged.
    """
    path = folder / f"{code}.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ArtefactError(f"{path} is damaged ({error}): delete it") from None
