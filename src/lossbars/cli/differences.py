"""What changed between two jobs, in plain words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lossbars.documents.plan import Jobs
from lossbars.workflow.code_record import FOLDER, recorded_code
from lossbars.workflow.fingerprint import ingredients
from lossbars.workflow.job import Job

OWN_FILES = {
    "network_file": "the file of its network",
    "small_network_file": "the file of the network that is embedded",
    "file": "the file of its data set",
    "landscape_file": "the file of its landscape",
}
LONGEST = 60  # characters of a value that is shown


def differences(old: Job, new: Job, jobs: Jobs, folder: Path = FOLDER) -> list[str]:
    """Reasons of the job itself; none where only its inputs are others. ``jobs`` made the new one."""
    return [*_of_recipe(old, new), *_of_code(old.code, new.code, jobs, folder)]


def _of_recipe(old: Job, new: Job) -> Iterator[str]:
    before, now = (dict(_leaves(json.loads(job.to_json())["recipe"])) for job in (old, new))
    for name in sorted(before.keys() | now.keys()):
        if name in before and name in now and before[name] == now[name]:
            continue
        if name in OWN_FILES and name in before and name in now:
            yield f"{OWN_FILES[name]} changed"
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


def _of_code(old: str, new: str, jobs: Jobs, folder: Path) -> Iterator[str]:
    (old_code, _, old_template), (new_code, _, new_template) = old.partition("-"), new.partition("-")
    if old_template != new_template:
        yield "its template changed"
    if old_code == new_code:
        return
    before, now = recorded_code(old_code, folder), ingredients(*jobs.codes[new_code])
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
