"""What the jobs of an experiment used, beside what they asked for: Snakemake's benchmark files in one table."""

import csv
from math import isnan
from pathlib import Path

import pandas as pd

from lossbars.documents.plan import UsageSettings
from lossbars.workflow.path_lists import paths
from lossbars.workflow.run_log import attempts, taken
from lossbars.workflow.work import Work

COLUMNS = ["rule", "model", "part", "asked_mb", "used_mb", "asked_minutes", "used_seconds", "cpu_seconds"]


def step(work: Work[UsageSettings]) -> None:
    """Write a row per job; NaN where nothing was measured: a result from the cache, or a job too short to be sampled.

    Time is that of the last attempt: a job that was stopped and went on counts from there.
    """
    rows = []
    for jobs in work.settings.jobs:
        files = [file for text in jobs.benchmarks for file in paths(text)]
        for part, file in zip(jobs.parts, files, strict=True):
            asked = {"asked_mb": jobs.mem_mb, "asked_minutes": jobs.runtime}
            used = measured(file) or dict.fromkeys(("memory_mb", "seconds", "cpu_seconds"))
            rows.append({"rule": jobs.rule, "model": jobs.model, "part": part} | asked | used)
    table = pd.DataFrame(rows).rename(columns={"memory_mb": "used_mb", "seconds": "used_seconds"})[COLUMNS]
    work.write_table("table", table.astype(dict.fromkeys(("used_mb", "used_seconds", "cpu_seconds"), float)))


def usage_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """A row per rule, in words: the largest of its jobs beside what was asked for, and what all of them took."""
    return [_row(str(rule), jobs) for rule, jobs in table.groupby("rule", sort=False)]


def _row(rule: str, jobs: pd.DataFrame) -> dict[str, str]:
    seconds, cpu = jobs["used_seconds"], jobs["cpu_seconds"]
    sampled = seconds[cpu.notna()].sum()
    return {
        "rule": rule,
        "jobs": str(len(jobs)),
        "measured": str(int(seconds.notna().sum())),
        "asked_mb": f"{jobs['asked_mb'].max():,.0f}",
        "used_mb": _number(jobs["used_mb"].max()),
        "share_mb": _share((jobs["used_mb"] / jobs["asked_mb"]).max()),
        "asked_time": _time(60.0 * jobs["asked_minutes"].max()),
        "longest": _time(seconds.max()),
        "share_time": _share((seconds / 60 / jobs["asked_minutes"]).max()),
        "sum": _time(seconds.sum(min_count=1)),
        "load": _share(cpu.sum() / sampled) if sampled else "–",
    }


def _number(value: float) -> str:
    return "–" if isnan(value) else f"{value:,.0f}"


def _share(value: float) -> str:
    if isnan(value):
        return "–"
    return f"{100 * value:.0f}%" if value >= 0.01 else "< 1%"


def _time(seconds: float) -> str:
    if isnan(seconds):
        return "–"
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d}"


def measured(benchmark: Path) -> dict[str, float | None] | None:
    """What Snakemake measured of the last attempt of a job: seconds, seconds of CPU, most memory in MB.

    A number is None where the job was too short to be sampled. None where nothing was measured, or where the result
    was taken from where it was kept.
    """
    _, tries = attempts(benchmark.with_suffix(".run.json"))
    if not benchmark.is_file() or taken(tries):
        return None
    with benchmark.open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    columns = {"seconds": "s", "cpu_seconds": "cpu_time", "memory_mb": "max_rss"}
    return {name: _float(rows[-1][column]) for name, column in columns.items()} if rows else None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
