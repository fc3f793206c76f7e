"""How long Snakemake takes to plan many jobs, and to find that nothing is left to do.

    python benchmarks/planning.py [--experiments digits …] [--seeds 0 20 30] [--repeats 3]

Experiments of networks at block size 1, with more and more seeds. For the second number every artefact is written with
the key that the plan expects and nothing in it, and Snakemake is told that it is up to date (``--touch``).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from lossbars.documents.plan import documents, experiment_tasks
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.artefacts import write_records, write_table, write_tensors
from lossbars.workflow.files import write_text
from lossbars.workflow.marks import mark, write_document
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ("digits", "fc-mnist", "fc-fmnist", "lenet-fmnist")
CONFIG = "planned.yaml"


def experiments(given: dict[str, Any], keys: Sequence[str], seeds: int) -> dict[str, Any]:
    """These experiments at block size 1; ``seeds`` for the fully connected ones (fc-…), their own where 0."""
    more = {"seeds": seeds} if seeds else {}
    return {key: given[key] | {"seeds_per_job": 1} | (more if key.startswith("fc-") else {}) for key in keys}


def write_all(plan: Plan, folder: Path) -> None:
    """All artefacts of a plan."""
    keys = list(plan.experiments)
    for task in (*(task for key in keys for task in experiment_tasks(plan, key)), *documents(plan, keys)):
        for path in task.outputs.values():
            write(folder / path, task)


def write(path: Path, task: Task) -> None:
    """An artefact that says of itself what the plan expects."""
    match path.suffix:
        case ".safetensors":
            write_tensors(path, {"x": torch.zeros(1)}, task.job)
        case ".parquet":
            write_table(path, pd.DataFrame({"x": [0.0]}), task.job)
        case ".json":
            write_records(path, [{"x": 0}], task.job)
        case ".pdf":
            write_text(path, f"{mark(task.job)}\n%%EOF\n")
        case _:
            write_document(path, "x", task.job)


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds of one run of Snakemake on all planned experiments, and what it said."""
    keys = yaml.safe_load((folder / CONFIG).read_text())["experiments"]
    files = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--configfile", str(folder / CONFIG)]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--nocolor", *files, *arguments, "--", *keys],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begun
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, done.stdout + done.stderr


def planned(folder: Path) -> tuple[float, int]:
    """Seconds that Snakemake takes to plan everything, and how many jobs there are."""
    seconds, text = snakemake(folder, "-n", "--quiet", "reason")
    return seconds, next(int(line.split()[1]) for line in text.splitlines() if line.startswith("total"))


def idle(folder: Path) -> float:
    """Seconds that Snakemake takes to find that nothing is left to do."""
    seconds, text = snakemake(folder, "--cores", "2")
    assert "Nothing to be done" in text, text[-2000:]
    return seconds


def summary(values: Sequence[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Print a row for each number of seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml", help="where the experiments are")
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 20, 30], help="0: as given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dry-run", action="store_true", help="plan everything, and leave the second number out")
    options = parser.parse_args()
    given = yaml.safe_load(options.config.read_text())["experiments"]
    print("| seeds | jobs | plan everything (`-n`), s | nothing to do, s |")
    print("|---:|---:|---:|---:|")
    for seeds in options.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder, config = Path(name), {"experiments": experiments(given, options.experiments, seeds)}
            (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
            runs = [planned(folder) for _ in range(options.repeats)]
            write_all(Plan(config, KINDS), folder)
            ends = "–"
            if not options.dry_run:
                subprocess.run(["sync"], check=False)
                snakemake(folder, "--cores", "1", "--touch")
                ends = summary([idle(folder) for _ in range(options.repeats)])
            begins = summary([one for one, _ in runs])
            print(f"| {seeds or 'as given'} | {runs[0][1]} | {begins} | {ends} |", flush=True)


if __name__ == "__main__":
    main()
