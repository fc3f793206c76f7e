"""How long Snakemake takes to plan many jobs, and to find that nothing is left to do.

    python benchmarks/planning.py            # from the repository's root

The paper's experiments at block size 1, with more and more seeds. For the second number every artefact is written with
the key that the plan expects and nothing in it, and Snakemake is told that it is up to date (``--touch``).
"""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lossbars.documents.plan import Jobs, documents  # noqa: E402
from lossbars.workflow.artefacts import write_records, write_table, write_tensors  # noqa: E402
from lossbars.workflow.files import whole  # noqa: E402
from lossbars.workflow.marks import mark, write_document  # noqa: E402
from lossbars.workflow.plan import Plan  # noqa: E402
from lossbars.workflow.tasks import Expected, expected  # noqa: E402
from support.workflow import Checkout  # noqa: E402

TARGETS = ("digits", "fc-mnist", "fc-fmnist", "lenet-fmnist")
REPEATS = 3


def experiments(seeds: int | None) -> dict[str, Any]:
    """config.yaml at block size 1; ``seeds`` for the fully connected experiments, their own where None."""
    given = yaml.safe_load((ROOT / "config.yaml").read_text())["experiments"]
    for key, one in given.items():
        one["seeds_per_job"] = 1
        if seeds and key.startswith("fc-"):
            one["seeds"] = seeds
    return given


def write(one: Expected, folder: Path) -> None:
    """An artefact that says of itself what the plan expects."""
    path = folder / one.path
    match path.suffix:
        case ".safetensors":
            write_tensors(path, {"x": torch.zeros(1)}, one.job)
        case ".parquet":
            write_table(path, pd.DataFrame({"x": [0.0]}), one.job)
        case ".json":
            write_records(path, [{"x": 0}], one.job)
        case ".pdf":
            text = f"{mark(one.job)}\n%%EOF\n"
            whole(path, lambda temporary: Path(temporary).write_text(text))
        case _:
            write_document(path, "x", one.job)


def timed(checkout: Checkout, *arguments: str) -> tuple[float, str]:
    """Seconds of one run of Snakemake, and what it said."""
    begun = time.perf_counter()
    done = checkout.snakemake(*arguments, "--", *TARGETS)
    seconds = time.perf_counter() - begun
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, done.stdout + done.stderr


def summary(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def main() -> None:
    print("| seeds | jobs | plan everything (`-n`), s | nothing to do, s |")
    print("|---:|---:|---:|---:|")
    for seeds in (None, 20, 30):
        with tempfile.TemporaryDirectory() as name:
            checkout = Checkout.fresh(Path(name) / "checkout", **experiments(seeds))
            runs = [timed(checkout, "-n", "--quiet", "reason") for _ in range(REPEATS)]
            jobs = next(line.split()[1] for line in runs[0][1].splitlines() if line.startswith("total"))
            plan = Jobs(Plan({"experiments": checkout.experiments}))
            for one in itertools.chain(*(expected(plan, key) for key in TARGETS), documents(plan, list(TARGETS))):
                write(one, checkout.folder)
            subprocess.run(["sync"], check=False)
            touched = checkout.snakemake("--cores", "1", "--touch", "--", *TARGETS)
            assert touched.returncode == 0, touched.stdout + touched.stderr
            idle = [timed(checkout, "--cores", "2") for _ in range(REPEATS)]
            assert all("Nothing to be done" in text for _, text in idle), idle[0][1][-2000:]
            seconds = [summary([one for one, _ in several]) for several in (runs, idle)]
            print(f"| {seeds or 'as given'} | {jobs} | {seconds[0]} | {seconds[1]} |", flush=True)


if __name__ == "__main__":
    main()
