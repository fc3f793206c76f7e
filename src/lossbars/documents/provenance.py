"""Where every result comes from: recipe, code, inputs, versions, machine, time. docs/operations.md has the schema."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lossbars.documents.plan import Jobs, documents
from lossbars.workflow.artefacts import ArtefactError, versions_of, write_records
from lossbars.workflow.code_record import recorded_code
from lossbars.workflow.command import run
from lossbars.workflow.inputs import inputs
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from lossbars.workflow.run_log import attempts, run_path, taken
from lossbars.workflow.tasks import Expected, expected


def provenance(job: Job, out: Path) -> None:
    """Write one record: the jobs by their keys, the code by its fingerprints, and the runs.

    Raises ArtefactError for a result that is missing.
    """
    artefacts = reported(Jobs(Plan(json.loads(job.recipe["configuration"]))))
    jobs = {one.job.key: one.job for one in artefacts}
    digests = {one.path: _digest(Path(one.path)) for one in artefacts if not _gone(one)}
    codes = {part for one in jobs.values() for part in one.code.split("-")[:1]}
    record = {
        "schema": "lossbars provenance 1",
        "jobs": {key: json.loads(one.to_json()) for key, one in jobs.items()},
        "code": {code: recorded_code(code) for code in sorted(codes)},
        "runs": list(_runs(artefacts, digests)),
    }
    write_records(out, [record], job)


def reported(jobs: Jobs) -> list[Expected]:
    """All that a run of all experiments of a plan leaves, inputs first, but for the record of it."""
    experiments = list(jobs.plan.experiments)
    own = [one for key in experiments for one in expected(jobs, key)]
    common = [one for one in documents(jobs, experiments) if one.rule != "provenance"]
    return list({one.path: one for one in own + common}.values())  # experiments share data sets


def _gone(one: Expected) -> bool:
    """A data set that was removed, to save space say, once nothing needed it any more."""
    return one.rule == "dataset" and not Path(one.path).is_file()


def _runs(artefacts: list[Expected], digests: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A job's run each: what it read, what it made, where and in which time."""
    reads = inputs(artefacts)
    made: dict[tuple[str, str], list[Expected]] = {}
    for one in artefacts:
        made.setdefault((one.rule, one.path.rpartition(".")[0]), []).append(one)
    for (rule, _), outputs in made.items():
        first = outputs[0]
        if _gone(first):
            continue
        log = log_path(first)
        key, tries = attempts(run_path(log))
        yield {
            "rule": rule,
            "job": first.job.key,
            "outputs": {o.path: {"sha256": digests[o.path], "bytes": Path(o.path).stat().st_size} for o in outputs},
            "inputs": {i.path: digests.get(i.path) for i in reads[first.path]},
            "versions": _versions(outputs),
            "attempts": tries if key == first.job.key else [],
            "measured": None if taken(tries) else _measured(log.parent.parent / "benchmarks" / f"{log.stem}.tsv"),
        }


def log_path(one: Expected) -> Path:
    """Where the rule that makes an artefact logs; its benchmark has the same name."""
    return Path(one.log)


def _versions(outputs: list[Expected]) -> dict[str, str] | None:
    """Library versions that the result was made with; figures and documents do not say."""
    for one in outputs:
        if one.path.endswith((".safetensors", ".parquet", ".json")):
            return versions_of(Path(one.path))
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


if __name__ == "__main__":
    run(provenance)
