"""What a run asks of a cluster, in one table. Loads no torch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lossbars.documents.plan import experiment_tasks
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request
from lossbars.workflow.tasks import Task

HEAD = ("jobs", "on a GPU", "at once", "GPU-hours", "CPU-hours", "memory", "GPU memory", "longest job")
NOTE = (
    "at once: GPU jobs that can be ready together. Memory and time are limits, of the largest and the longest job;\n"
    "most jobs use less. See docs/resources.md."
)


@dataclass(frozen=True)
class Asked:
    """One task of an experiment (a data set is of each that reads it), and what it asks for."""

    experiment: str
    task: Task
    request: Request


def asked(plan: Plan, experiment: str) -> list[Asked]:
    """Every task of an experiment, whether it has run or not; the common documents apart."""
    return [Asked(experiment, task, plan.request(task)) for task in experiment_tasks(plan, experiment)]


def named_experiments(plan: Plan, names: Sequence[str]) -> list[str]:
    """Experiments by name; ``paper`` is :attr:`Plan.paper`, no name is all. Raises ValueError for an unknown name."""
    if unknown := [name for name in names if name not in (*plan.experiments, "paper")]:
        raise ValueError(f"no experiment {unknown[0]!r}: there are {', '.join(plan.experiments)}, and paper")
    wanted = {key for name in names for key in (plan.paper if name == "paper" else [name])}
    return [key for key in plan.experiments if key in wanted or not names]


def budget(jobs: Iterable[Asked]) -> list[str]:
    """Cells of one row, under HEAD: what all these jobs ask for at their first attempts."""
    every = list({job.task.path: job for job in jobs}.values())
    on_gpu = [job for job in every if job.request.gpu]
    return [
        f"{len(every):,}",
        f"{len(on_gpu):,}",
        f"{at_once(on_gpu):,}" if on_gpu else "–",
        hours(on_gpu, lambda job: job.request.runtime * job.request.gpu),
        hours(every, lambda job: job.request.runtime * job.task.threads),
        gigabytes(max((job.request.mem_mb for job in every), default=0)),
        gigabytes(max((job.request.gpu_mem_mb for job in every), default=0)),
        duration(max((job.request.runtime for job in every), default=0)),
    ]


def at_once(jobs: Sequence[Asked]) -> int:
    """Most of these jobs that can be ready together.

    Of a model's jobs either those that read nothing of its other jobs are ready, or the others: curves and triangles
    wait for minima.
    """
    given = {id(job.task) for job in jobs}
    counts: dict[tuple[str, str], list[int]] = {}
    for job in jobs:
        first_and_later = counts.setdefault((job.experiment, job.task.model), [0, 0])
        first_and_later[any(id(one.task) in given for one in job.task.reads())] += 1
    return sum(max(both) for both in counts.values())


def hours(jobs: Iterable[Asked], minutes: Callable[[Asked], int]) -> str:
    """A sum of minutes, as hours."""
    total = sum(map(minutes, jobs)) / 60
    return f"{total:,.0f}" if total >= 10 or not total else f"{total:.1f}"


def gigabytes(megabytes: int) -> str:
    """Memory for people."""
    return f"{megabytes / 1000:.1f} GB" if megabytes else "–"


def duration(minutes: int) -> str:
    """Time for people."""
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Lines of equal width, numbers to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = (
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def budget_text(plan: Plan, experiments: Sequence[str], to_run: frozenset[str] | None = None) -> str:
    """The table that a dry run ends with; ``to_run`` are files that it would make, where that is known."""
    groups = {key: asked(plan, key) for key in experiments}
    if len(groups) > 1:
        groups["all"] = [job for jobs in groups.values() for job in jobs]
    rows = [[key, *budget(jobs)] for key, jobs in groups.items()]
    head = ["", *HEAD]
    if to_run is not None:
        head.insert(2, "to run")
        for row, jobs in zip(rows, groups.values(), strict=True):
            row.insert(2, f"{len({job.task.path for job in jobs} & to_run):,}")
    return f"What the jobs ask for at their first attempt:\n{table(rows, head)}\n{NOTE}"
