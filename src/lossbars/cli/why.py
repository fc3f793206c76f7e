"""``lossbars why``: which results would be made again, and the first cause of each."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lossbars.cli.differences import differences
from lossbars.documents.plan import (
    CLAIMS_REPORT,
    PROVENANCE,
    REPORT,
    USAGE,
    all_tasks,
    documented,
    documents,
    targets,
)
from lossbars.workflow.artefacts import made_by, read_records
from lossbars.workflow.common_rules import CLAIMS, FIGURE, GATHER
from lossbars.workflow.files import ArtefactError
from lossbars.workflow.job import Job
from lossbars.workflow.marks import marked
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import NoSettings, Task
from lossbars.workflow.validity import condition

OTHER_INPUTS = "its inputs are others than those it was made from"
UNKNOWN = "made by another recipe or by other code (no record says which)"
VAGUE = (OTHER_INPUTS, UNKNOWN)  # say less than an input that is made again
SUMMARIES = {rule.name for rule in (GATHER, FIGURE, CLAIMS, USAGE, CLAIMS_REPORT, REPORT, PROVENANCE)}
DOCUMENTS = (".md", ".html", ".svg", ".pdf")  # carry the key of their job, not the job


@dataclass(frozen=True)
class Cause:
    """Why one result would be made again: reasons of its own, else the input that would be made again."""

    path: str
    rule: str
    reasons: tuple[str, ...]
    follows: str = ""  # path of that input


def started(plan: Plan) -> list[str]:
    """Experiments of which there is any result."""
    return [
        key
        for key in plan.experiments
        if any(task.experiment and Path(path).exists() for task in plan.tasks(key) for path in task.outputs.values())
    ]


def left_by(plan: Plan, asked: Sequence[str]) -> list[Task]:
    """What a run of these experiments makes, inputs before what is made of them; the documents are on all that ran."""
    return [*all_tasks(plan, asked), *documents(plan, documented(plan, asked))]


def causes(plan: Plan, asked: Sequence[str]) -> dict[str, Cause]:
    """Path → cause, of every result of the experiments that a run would make again."""
    tasks, before = left_by(plan, asked), _jobs_on_record(plan)
    reasons = {path: _reasons(task, path, before) for task in tasks for path in task.outputs.values()}
    # what is missing is made again where it is asked for by name, or where a result that reads it is made again
    named = {path for key in asked for path in targets(plan, key)}
    named |= {path for task in documents(plan, asked) for path in task.outputs.values()}
    idle = {path for path in reasons if path not in named and not Path(path).is_file()}
    while True:
        again = _spread(tasks, {path: [] if path in idle else said for path, said in reasons.items()})
        wanted = idle & {one.path for task in tasks if task.path in again for one in task.reads()}
        if not wanted:
            return again
        idle -= wanted


def _spread(tasks: Sequence[Task], reasons: Mapping[str, Sequence[str]]) -> dict[str, Cause]:
    """Causes: the reasons of a task's files, else its first input that is made again."""
    again: dict[str, Cause] = {}
    for task in tasks:
        every = dict.fromkeys(reason for path in task.outputs.values() for reason in reasons[path])
        follows = next((one.path for one in task.reads() if one.path in again), "")
        first = tuple(reason for reason in every if not follows or _first(reason, task))
        if first or follows:
            of_task = {path: Cause(path, task.rule, first, "" if first else follows) for path in task.outputs.values()}
            again |= of_task
    return again


def _first(reason: str, task: Task) -> bool:
    """Whether a reason is a first cause even where an input is made again.

    Summaries repeat settings of what they are made of, so what they say of them is an echo; and a result may be missing
    because it was never made of that input.
    """
    summary = task.rule in SUMMARIES or isinstance(task.settings, NoSettings)
    echo = summary or reason in VAGUE or reason.endswith(" is missing")
    return reason.endswith(" is damaged") or not echo


def _reasons(task: Task, name: str, before: Mapping[str, Job]) -> list[str]:
    """Reasons of one file of a task; none where it stands."""
    path = Path(name)
    state = condition(path, task.key)
    if state in (None, "missing", "damaged"):
        return [f"{path.name} is {state}"] if state else []
    old = before.get(marked(path)) if path.suffix in DOCUMENTS else made_by(path)
    if old is None:
        return [UNKNOWN]
    return differences(old, task) or [OTHER_INPUTS]


def _jobs_on_record(plan: Plan) -> dict[str, Job]:
    """Key → job, of what the last run recorded: figures and documents carry only the key."""
    try:
        (record,) = read_records(Path(plan.results) / "provenance.json")
        return {key: Job(**job) for key, job in record["jobs"].items()}
    except (ArtefactError, ValueError, LookupError, TypeError):
        return {}


# In words ----------------------------------------------------------------------------------------


def explain(path: str, again: dict[str, Cause]) -> str:
    """One result, in words."""
    if path not in again:
        return f"{path} is up to date."
    cause = again[path]
    while cause.follows:
        cause = again[cause.follows]
    if cause.path == path:
        return f"{path} would be made again: {'; '.join(cause.reasons)}."
    return f"{path} would be made again, because {cause.path} would: {'; '.join(cause.reasons)}."


def summary(tasks: Sequence[Task], again: dict[str, Cause]) -> list[str]:
    """All results: a line for each first cause and rule, with how many results have it."""
    count = sum(len(task.outputs) for task in tasks)
    if not again:
        return [f"All {count} results are up to date."]
    lines = [f"{len(again)} of {count} results would be made again:"]
    first: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for cause in again.values():
        if cause.reasons:
            first.setdefault((cause.reasons, cause.rule), []).append(cause.path)
    for (reasons, rule), paths in first.items():
        more = f" and {len(paths) - 1} more of rule {rule}" if len(paths) > 1 else ""
        lines.append(f"  {paths[0]}{more}: {'; '.join(reasons)}")
    if later := [cause for cause in again.values() if not cause.reasons]:
        rules = ", ".join(dict.fromkeys(cause.rule for cause in later))
        lines.append(f"  and {len(later)} results that are made of these ({rules})")
    return lines


def why(plan: Plan, wanted: Sequence[str]) -> list[str]:
    """What ``lossbars why`` prints of results and experiments; of everything that ever ran where nothing is wanted.

    Raises ValueError for a name that is neither a result nor an experiment.
    """
    known = {path: task for task in left_by(plan, list(plan.experiments)) for path in task.outputs.values()}
    for name in wanted:
        if name not in known and name not in plan.experiments:
            close = difflib.get_close_matches(name, [*plan.experiments, *known], n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name} is no experiment and no result of this configuration{meant}")
    paths = [name for name in wanted if name in known]
    named = {known[path].experiment for path in paths} | set(wanted)
    asked = [key for key in plan.experiments if key in named] or started(plan)
    if not asked:
        return ["No experiment of this configuration has any results yet."]
    again = causes(plan, asked)
    lines = [explain(path, again) for path in paths]
    if len(paths) < len(wanted) or not wanted:
        lines += summary(left_by(plan, asked), again)
    return lines
