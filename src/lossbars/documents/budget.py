"""What a run asks of a cluster, in one table. Loads no torch.

``python -m lossbars.documents.budget`` rewrites the tables of docs/resources.md.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lossbars.documents.plan import Jobs
from lossbars.experiments.functions.costs import THREADS
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import TRAINED, Request, amount, request
from lossbars.workflow.tasks import expected

HEAD = ("jobs", "on a GPU", "at once", "GPU-hours", "CPU-hours", "memory", "GPU memory", "longest job")
NOTE = (
    "at once: GPU jobs that can be ready together. Memory and time are limits, of the largest and the longest job;\n"
    "most jobs use less. See docs/resources.md."
)
BEGIN, END = "<!-- requests, written by `python -m lossbars.documents.budget` -->\n", "<!-- end of requests -->\n"


@dataclass(frozen=True)
class Asked:
    """One job: its rule, whose it is, the first file it makes, and what it asks for."""

    rule: str
    experiment: str  # also of a data set, which is one job for all experiments that read it
    model: str
    path: str
    request: Request


def asked(jobs: Jobs, experiment: str) -> list[Asked]:
    """Every job of an experiment, whether it has run or not; the common documents apart."""
    found: dict[tuple[str, str, str], Asked] = {}
    for one in expected(jobs, experiment):
        # a job's files differ in their suffix alone
        key = (one.rule, one.job.model, one.path.rpartition(".")[0])
        if key not in found:
            wanted = request(jobs.plan, one.asks_as, experiment, one.job.model, amount(one.asks_as, one.part))
            found[key] = Asked(one.rule, experiment, one.job.model, one.path, wanted)
    return list(found.values())


def chosen(plan: Plan, names: Sequence[str]) -> list[str]:
    """Experiments by name; ``paper`` is :attr:`Plan.paper`, no name is all. Raises ValueError for an unknown name."""
    if unknown := [name for name in names if name not in (*plan.experiments, "paper")]:
        raise ValueError(f"no experiment {unknown[0]!r}: there are {', '.join(plan.experiments)}, and paper")
    wanted = {key for name in names for key in (plan.paper if name == "paper" else [name])}
    return [key for key in plan.experiments if key in wanted or not names]


def budget(jobs: Iterable[Asked]) -> list[str]:
    """Cells of one row, under HEAD: what all these jobs ask for at their first attempts."""
    every = list({job.path: job for job in jobs}.values())
    on_gpu = [job for job in every if job.request.gpu]
    return [
        f"{len(every):,}",
        f"{len(on_gpu):,}",
        f"{at_once(on_gpu):,}" if on_gpu else "–",
        hours(on_gpu, lambda job: job.request.runtime * job.request.gpu),
        hours(every, lambda job: job.request.runtime * THREADS.get(job.rule, 1)),
        gigabytes(max((job.request.mem_mb for job in every), default=0)),
        gigabytes(max((job.request.gpu_mem_mb for job in every), default=0)),
        duration(max((job.request.runtime for job in every), default=0)),
    ]


def at_once(jobs: Iterable[Asked]) -> int:
    """Most of these jobs that can be ready together: a model's curves and triangles wait for its minima."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for job in jobs:
        of_model = counts.setdefault((job.experiment, job.model), dict.fromkeys(TRAINED, 0))
        of_model[job.rule] = of_model.get(job.rule, 0) + 1
    return sum(max(n["minima"], n["curves"] + n["triangles"]) + n.get("strings", 0) for n in counts.values())


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


def budget_text(jobs: Jobs, experiments: Sequence[str], to_run: frozenset[str] | None = None) -> str:
    """The table that a dry run ends with; ``to_run`` are files that it would make, where that is known."""
    groups = {key: asked(jobs, key) for key in experiments}
    if len(groups) > 1:
        groups["all"] = [job for own in groups.values() for job in own]
    rows = [[key, *budget(own)] for key, own in groups.items()]
    head = ["", *HEAD]
    if to_run is not None:
        head.insert(2, "to run")
        for row, own in zip(rows, groups.values(), strict=True):
            row.insert(2, f"{len({job.path for job in own} & to_run):,}")
    return f"What the jobs ask for at their first attempt:\n{table(rows, head)}\n{NOTE}"


# The documentation -------------------------------------------------------------------------------


def requests_markdown(jobs: Jobs) -> str:
    """A table per experiment, with a row per rule."""
    lines = []
    for key, experiment in jobs.plan.experiments.items():
        every = asked(jobs, key)
        rows = [
            [rule, *budget(job for job in every if job.rule == rule)] for rule in dict.fromkeys(j.rule for j in every)
        ]
        rows.append(["**all**", *budget(every)])
        lines += [f"### {key}", "", f"{experiment.title}; `device: {experiment.device}`.", "", *_markdown(rows), ""]
    return "\n".join(lines)


def _markdown(rows: list[list[str]]) -> list[str]:
    head = ["rule", *HEAD]
    cells = [head, ["---"] + ["---:"] * len(HEAD), *rows]
    return ["| " + " | ".join(row) + " |" for row in cells]


def rewritten(text: str, jobs: Jobs) -> str:
    """The document with its tables as the code has them now. Raises ValueError where the marks are missing."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the marks {BEGIN.strip()} and {END.strip()} are not there")
    return before + BEGIN + "\n" + requests_markdown(jobs) + "\n" + END + after


def main() -> None:
    """Rewrite docs/resources.md below the working folder from config.yaml."""
    import yaml

    document = Path("docs/resources.md")
    jobs = Jobs(Plan(yaml.safe_load(Path("config.yaml").read_text())))
    try:
        document.write_text(rewritten(document.read_text(), jobs))
    except ValueError as error:
        sys.exit(f"{document}: {error}")


if __name__ == "__main__":
    main()
