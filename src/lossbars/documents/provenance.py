"""Where every result comes from: recipe, code, inputs, versions, machine, time. docs/operations.md has the schema."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lossbars.documents.plan import PROVENANCE, ProvenanceSettings, all_tasks, documents
from lossbars.documents.usage import measured
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.artefacts import ArtefactError, versions_of
from lossbars.workflow.code_record import recorded_code
from lossbars.workflow.plan import Plan
from lossbars.workflow.run_log import attempts, run_path
from lossbars.workflow.tasks import Task
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
    made = [*all_tasks(plan, plan.experiments), *documents(plan, list(plan.experiments))]
    return [task for task in made if task.rule != PROVENANCE.name]


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
            "measured": measured(Path(task.benchmark)),
        }


def _versions(outputs: list[str]) -> dict[str, str] | None:
    """Library versions that the result was made with; figures and documents do not say."""
    for path in outputs:
        if path.endswith((".safetensors", ".parquet", ".json")):
            return versions_of(Path(path))
    return None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtefactError(f"{path}: {error.strerror}: run the rule that makes it") from None
