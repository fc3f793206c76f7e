"""``lossbars why``: which results would be made again, and the first cause of each."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lossbars.cli.differences import differences
from lossbars.documents.plan import Jobs, documents
from lossbars.experiments.functions.costs import CLOUD_RULES
from lossbars.workflow.artefacts import made_by, read_records
from lossbars.workflow.files import ArtefactError
from lossbars.workflow.inputs import inputs
from lossbars.workflow.job import Job
from lossbars.workflow.marks import marked
from lossbars.workflow.resources import HESSIAN_TASKS, TRAINED
from lossbars.workflow.tasks import Expected, expected, targets
from lossbars.workflow.validity import condition

OTHER_INPUTS = "its inputs are others than those it was made from"
UNKNOWN = "made by another recipe or by other code (no record says which)"
VAGUE = (OTHER_INPUTS, UNKNOWN)  # say less than an input that is made again
OF_FUNCTIONS = ("surface", "escape_runs", "saddle_deaths", "saddle_insertion", "strings")
FIRST = (*TRAINED, *CLOUD_RULES, *HESSIAN_TASKS, *OF_FUNCTIONS, "embedding")
DOCUMENTS = (".md", ".html", ".svg", ".pdf")  # carry the key of their job, not the job


@dataclass(frozen=True)
class Cause:
    """Why one result would be made again: reasons of its own, else the input that would be made again."""

    path: str
    rule: str
    reasons: tuple[str, ...]
    follows: str = ""  # path of that input


def ran(jobs: Jobs, asked: Sequence[str]) -> list[str]:
    """Experiments that the documents are on: those asked for, and those whose claims stand."""
    folder = jobs.plan.results
    return [
        key
        for key in jobs.plan.experiments
        if key in asked or condition(Path(f"{folder}/{key}/claims.parquet"), jobs.claims(key).key) is None
    ]


def started(jobs: Jobs) -> list[str]:
    """Experiments of which there is any result."""
    return [
        key
        for key in jobs.plan.experiments
        if any(one.experiment and Path(one.path).exists() for one in expected(jobs, key))
    ]


def artefacts_of(jobs: Jobs, asked: Sequence[str]) -> list[Expected]:
    """What a run of these experiments leaves, inputs before what is made of them."""
    own = [one for key in asked for one in expected(jobs, key)]
    return list({one.path: one for one in own + documents(jobs, ran(jobs, asked))}.values())


def causes(jobs: Jobs, asked: Sequence[str]) -> dict[str, Cause]:
    """Path → cause, of every result of the experiments that a run would make again."""
    artefacts = artefacts_of(jobs, asked)
    reads, before = inputs(artefacts), _jobs_on_record(jobs)
    own = {one.path: _reasons(one, jobs, before) for one in artefacts}
    # what is missing is made again where it is asked for by name, or where a result that reads it is made again
    named = {path for key in asked for path in targets(jobs, key)}
    named |= {f"{jobs.plan.results}/{name}" for name in ("claims.md", "report.html", "provenance.json")}
    idle = {path for path in own if path not in named and not Path(path).is_file()}
    while True:
        found = _spread(artefacts, reads, {path: [] if path in idle else reasons for path, reasons in own.items()})
        wanted = idle & {other.path for path in found for other in reads[path]}
        if not wanted:
            return found
        idle -= wanted


def _spread(
    artefacts: Sequence[Expected], reads: dict[str, list[Expected]], own: dict[str, list[str]]
) -> dict[str, Cause]:
    """Causes: a result's own, or those of a file of the same job, else its first input that is made again."""
    found: dict[str, Cause] = {}
    several: dict[tuple[str, str], list[Expected]] = {}
    for one in artefacts:
        several.setdefault((one.rule, one.path.rpartition(".")[0]), []).append(one)
    for (rule, _), files in several.items():
        every = dict.fromkeys(reason for one in files for reason in own[one.path])
        follows = next((other.path for other in reads[files[0].path] if other.path in found), "")
        reasons = tuple(reason for reason in every if not follows or _first(reason, rule))
        if reasons or follows:
            found |= {one.path: Cause(one.path, rule, reasons, "" if reasons else follows) for one in files}
    return found


def _first(reason: str, rule: str) -> bool:
    """Whether a reason is a first cause even where an input is made again.

    Tables and documents repeat settings of what they are made of, so what they say of them is an echo; and a result
    may be missing because it was never made of that input.
    """
    echo = reason in VAGUE or reason.endswith(" is missing")
    return reason.endswith(" is damaged") or (rule in FIRST and not echo)


def _reasons(one: Expected, jobs: Jobs, before: dict[str, Job]) -> list[str]:
    """Reasons that are the result's own; none where it stands."""
    path = Path(one.path)
    state = condition(path, one.job.key)
    if state in (None, "missing", "damaged"):
        return [f"{path.name} is {state}"] if state else []
    old = before.get(marked(path)) if path.suffix in DOCUMENTS else made_by(path)
    if old is None:
        return [UNKNOWN]
    return differences(old, one.job, jobs) or [OTHER_INPUTS]


def _jobs_on_record(jobs: Jobs) -> dict[str, Job]:
    """Key → job, of what the last run recorded: figures and documents carry only the key."""
    try:
        (record,) = read_records(Path(jobs.plan.results) / "provenance.json")
        return {key: Job(**job) for key, job in record["jobs"].items()}
    except (ArtefactError, ValueError, LookupError, TypeError):
        return {}


# In words ----------------------------------------------------------------------------------------


def first_cause(path: str, found: dict[str, Cause]) -> Cause:
    """What a result's making again begins with."""
    cause = found[path]
    while cause.follows:
        cause = found[cause.follows]
    return cause


def explain(path: str, found: dict[str, Cause]) -> str:
    """One result, in words."""
    if path not in found:
        return f"{path} is up to date."
    cause = first_cause(path, found)
    if cause.path == path:
        return f"{path} would be made again: {'; '.join(cause.reasons)}."
    return f"{path} would be made again, because {cause.path} would: {'; '.join(cause.reasons)}."


def summary(artefacts: Sequence[Expected], found: dict[str, Cause]) -> list[str]:
    """All results: a line for each first cause and rule, with how many results have it."""
    if not found:
        return [f"All {len(artefacts)} results are up to date."]
    lines = [f"{len(found)} of {len(artefacts)} results would be made again:"]
    first: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for cause in found.values():
        if cause.reasons:
            first.setdefault((cause.reasons, cause.rule), []).append(cause.path)
    for (reasons, rule), paths in first.items():
        more = f" and {len(paths) - 1} more of rule {rule}" if len(paths) > 1 else ""
        lines.append(f"  {paths[0]}{more}: {'; '.join(reasons)}")
    if later := [cause for cause in found.values() if not cause.reasons]:
        rules = ", ".join(dict.fromkeys(cause.rule for cause in later))
        lines.append(f"  and {len(later)} results that are made of these ({rules})")
    return lines


def why(jobs: Jobs, wanted: Sequence[str]) -> list[str]:
    """What ``lossbars why`` prints of results and experiments; of everything that ever ran where nothing is wanted.

    Raises ValueError for a name that is neither a result nor an experiment.
    """
    known = {one.path: one for key in jobs.plan.experiments for one in expected(jobs, key)}
    known |= {one.path: one for one in documents(jobs, ran(jobs, []))}
    for name in wanted:
        if name not in known and name not in jobs.plan.experiments:
            close = difflib.get_close_matches(name, [*jobs.plan.experiments, *known], n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name} is no experiment and no result of this configuration{meant}")
    paths = [name for name in wanted if name in known]
    own = {known[path].experiment for path in paths} | set(wanted)
    asked = [key for key in jobs.plan.experiments if key in own] or started(jobs)
    if not asked:
        return ["No experiment of this configuration has any results yet."]
    found = causes(jobs, asked)
    lines = [explain(path, found) for path in paths]
    if len(paths) < len(wanted) or not wanted:
        lines += summary(artefacts_of(jobs, asked), found)
    return lines
