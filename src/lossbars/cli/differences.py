"""What changed between two jobs, in plain words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lossbars.workflow.code_record import FOLDER, recorded_code
from lossbars.workflow.fingerprint import ingredients
from lossbars.workflow.job import Job
from lossbars.workflow.tasks import Task

FILE = "_file"  # settings whose names end so are fingerprints of files: of a user's own, or of a template
LONGEST = 60  # characters of a value that is shown


def differences(old: Job, task: Task, folder: Path = FOLDER) -> list[str]:
    """What changed between the job that made a result and the task that would make it now; nothing but inputs: none."""
    return [*_of_recipe(old, task.job), *_of_code(old.code, task, folder)]


def _of_recipe(old: Job, new: Job) -> Iterator[str]:
    before, now = (dict(_leaves(json.loads(job.to_json())["recipe"])) for job in (old, new))
    for name in sorted(before.keys() | now.keys()):
        if name in before and name in now and before[name] == now[name]:
            continue
        if name.endswith(FILE) and name in before and name in now:
            yield f"the file of its {name.rpartition('.')[2].removesuffix(FILE).replace('_', ' ')} changed"
        elif max(len(repr(one.get(name))) for one in (before, now)) > LONGEST:
            yield f"{name} changed"
        elif name not in before:
            yield f"{name} is {now[name]!r}, was not there"
        elif name not in now:
            yield f"{name} was {before[name]!r}, is not there any more"
        else:
            yield f"{name} was {before[name]!r}, is {now[name]!r}"


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value and its place, as ``minima.schedule.lr``; an empty mapping and a list are values."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    else:
        yield place, value


def _of_code(old: str, task: Task, folder: Path) -> Iterator[str]:
    if old == task.code:
        return
    before, now = recorded_code(old, folder), ingredients(task.module, task.extra_modules)
    if before is None:
        yield "code that it runs changed (which is not on record)"
        return
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield _change(name, before.get(name), now.get(name))


def _change(name: str, before: str | None, now: str | None) -> str:
    if before is None:
        return f"it runs {name} now"
    if now is None:
        return f"it does not run {name} any more"
    return f"{name} changed" if name.startswith("lossbars") else f"{name} was {before}, is {now}"
