"""Where every result comes from: recipe, code, inputs, versions, machine, time. docs/operations.md has the schema."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lossbars.documents.plan import ProvenanceSettings, documents, experiment_tasks
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.artefacts import ArtefactError, versions_of
from lossbars.workflow.code_record import recorded_code
from lossbars.workflow.plan import Plan
from lossbars.workflow.run_log import attempts, run_path, taken
from lossbars.workflow.tasks import Task, unique
from lossbars.workflow.work import Work


def step(work: Work[ProvenanceSettings]) -> None:
    """Write one record: the jobs by their keys, the code by its fingerprints, and the runs.

    Raises ArtefactError for a result that is missing.
    """
    tasks = reported(Plan(json.loads(work.settings.configuration), KINDS))
    jobs = {task.key: task.job for task in tasks}
    digests = {path: _digest(Path(path)) for task in tasks if not _gone(task) for path in task.outputs.values()}
    record = {
        "schema": "lossbars provenance 1",
        "jobs": {key: json.loads(job.to_json()) for key, job in jobs.items()},
        "code": {code: recorded_code(code) for code in sorted({job.code for job in jobs.values()})},
        "runs": list(_runs(tasks, digests)),
    }
    work.write_records("record", [record])


def reported(plan: Plan) -> list[Task]:
    """All tasks of a run of all experiments of a plan, inputs first, but for the record of it."""
    experiments = list(plan.experiments)
    every = [task for key in experiments for task in experiment_tasks(plan, key)]
    return unique([*every, *(task for task in documents(plan, experiments) if task.rule != "provenance")])


def _gone(task: Task) -> bool:
    """Whether a data set was removed, to save space say, once nothing needed it any more."""
    return task.rule == "dataset" and not Path(task.path).is_file()


def _runs(tasks: list[Task], digests: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A job's run each: what it read, what it made, where and in which time."""
    for task in tasks:
        if _gone(task):
            continue
        outputs = list(task.outputs.values())
        key, tries = attempts(run_path(Path(task.log)))
        yield {
            "rule": task.rule,
            "job": task.key,
            "outputs": {path: {"sha256": digests[path], "bytes": Path(path).stat().st_size} for path in outputs},
            "inputs": {one.path: digests.get(one.path) for one in task.reads()},
            "versions": _versions(outputs),
            "attempts": tries if key == task.key else [],
            "measured": None if taken(tries) else _measured(Path(task.benchmark)),
        }


def _versions(outputs: list[str]) -> dict[str, str] | None:
    """Library versions that the result was made with; figures and documents do not say."""
    for path in outputs:
        if path.endswith((".safetensors", ".parquet", ".json")):
            return versions_of(Path(path))
    return None


def _measured(file: Path) -> dict[str, float | None] | None:
    """Of the last attempt: seconds, seconds of CPU, most memory in MB; null where a job was too short to be sampled."""
    if not file.is_file():
        return None
    with file.open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    names = {"seconds": "s", "cpu_seconds": "cpu_time", "memory_mb": "max_rss"}
    return {name: _number(rows[-1][column]) for name, column in names.items()} if rows else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtefactError(f"{path}: {error.strerror}: run the rule that makes it") from None
