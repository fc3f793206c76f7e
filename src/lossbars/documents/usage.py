"""What the jobs of an experiment used, beside what they asked for: Snakemake's benchmark files in one table."""

from collections.abc import Iterator
from math import isnan, nan
from pathlib import Path

import pandas as pd

from lossbars.workflow.artefacts import write_table
from lossbars.workflow.blocks import parts, stacked
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.run_log import attempts, taken

COLUMNS = ["rule", "model", "part", "asked_mb", "used_mb", "asked_minutes", "used_seconds", "cpu_seconds"]
Place = tuple[str, str, str, Path, float, float]  # rule, model, part, benchmark file, megabytes and minutes asked for


def usage(job: Job, results: Path, out: Path) -> None:
    """Write a row per job; NaN where nothing was measured: a result from the cache, or a job too short to be sampled.

    Time is that of the last attempt: a job that was stopped and went on counts from there.
    """
    rows = []
    for rule, model, part, file, asked_mb, asked_minutes in _jobs(job, results):
        used_mb, seconds, cpu = _measured(file)
        rows.append((rule, model, part, asked_mb, used_mb, asked_minutes, seconds, cpu))
    write_table(out, pd.DataFrame(rows, columns=COLUMNS), job)


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


def _jobs(job: Job, results: Path) -> Iterator[Place]:
    """Every job of the experiment; those on networks, which may be thousands, follow from blocks and models."""
    if "jobs" in job.recipe:
        for rule, model, part, file, *asked in job.recipe["jobs"]:
            yield (rule, model, part, results / file, *asked)
        return
    for rule, model, part, file in _places(job, results):
        name = f"{rule}/{model}/{stacked(rule, part)}" if part else rule
        yield (rule, model, part, file, *job.recipe["requests"][name])
    for name in job.recipe["embeddings"]:
        file = results / job.experiment / "benchmarks" / f"embedding-{name}.tsv"
        yield ("embedding", name, "", file, *job.recipe["requests"][f"embedding/{name}"])


def _places(job: Job, results: Path) -> Iterator[tuple[str, str, str, Path]]:
    """Where the rules of networks say that Snakemake's measurement goes."""
    recipe, own = job.recipe, results / job.experiment
    yield "dataset", "", "", Path("results/datasets/benchmarks") / f"{recipe['data']}.tsv"  # the same at every scale
    for model, trained in recipe["models"].items():
        folder = own / model / "benchmarks"
        for kind in trained["kinds"]:
            for part in parts(kind, trained["blocks"], trained["across"]):
                yield kind, model, part, folder / f"{kind}-{part}.tsv"
        for rule in ("complex", "barcode", "robustness"):
            if rule in recipe["requests"]:
                yield rule, model, "", folder / f"{rule}.tsv"
    yield "tables", "", "", own / "benchmarks" / "barcodes.tsv"
    for figure in recipe["figures"]:
        yield "figure", "", "", results / "figures" / "benchmarks" / f"{figure}.tsv"
    yield "claims", "", "", own / "benchmarks" / "claims.tsv"


def _measured(file: Path) -> tuple[float, float, float]:
    """Megabytes, seconds, seconds of CPU."""
    _, tries = attempts(file.with_suffix(".run.json"))
    if not file.is_file() or taken(tries):
        return nan, nan, nan
    row = pd.read_csv(file, sep="\t", na_values=["-"]).iloc[-1]
    return float(row["max_rss"]), float(row["s"]), float(row["cpu_time"])


if __name__ == "__main__":
    run(usage)
