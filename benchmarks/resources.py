"""Memory and time of single training jobs, against what they are computed to be.

python benchmarks/resources.py --data-root /data --out benchmarks/resources.json    # measures; a quarter of an hour
python benchmarks/resources.py benchmarks/resources.json                            # shows a table of what is there
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lossbars.datasets.sizes import size_of
from lossbars.documents.plan import Jobs
from lossbars.workflow.blocks import pair_blocks, parts, stacked
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import CORE, SNAKEMAKE_MB, request
from lossbars.workflow.training_costs import MB, memory, seconds, training

CASES = Path(__file__).with_name("resources.yaml")
STEPS = ("minima", "curves", "triangles")


class Bench:
    """The jobs of one experiment, each in a process of its own, in a folder."""

    def __init__(self, folder: Path, name: str, experiment: dict[str, Any], data_root: str) -> None:
        self.folder, self.name, self.data_root = folder, name, data_root
        self.jobs = Jobs(Plan({"experiments": {"measured": experiment}}))
        self.blocks = self.jobs.plan.blocks("measured", "net")
        self.data = folder / "data.safetensors"

    def run(self) -> Iterator[dict[str, Any]]:
        """A record of every job that trains."""
        key = self.jobs.plan.data_key("measured")
        found = ["--data-root", self.data_root, "--downloads", self.folder, "--checkpoints", self.folder]
        self.step("dataset", self.jobs.dataset(key).to_json(), [*found, "--out", self.data])
        for kind in self.jobs.plan.kinds("measured", "net"):
            for part in parts(kind, self.blocks):
                cpu, peak = self.step(
                    kind, self.jobs.trained(kind, "measured", "net").to_json(), self.options(kind, part)
                )
                own = {"name": f"{self.name} {kind} {part}", "experiment": self.name, "kind": kind}
                yield own | {"stacked": stacked(kind, part), "memory_mb": peak, "seconds": cpu}

    def options(self, kind: str, part: str) -> list[Any]:
        """What a step is called with."""
        places = {"minima": ("--metrics", ["--seeds"]), "curves": ("--table", ["--first", "--second"])}
        table, names = places.get(kind, ("--table", ["--first", "--second", "--third"]))
        blocks = part.split("+")
        given: list[Any] = ["--data", self.data, "--checkpoints", self.folder / "checkpoints", "--threads", 1]
        given += ["--device", "cpu", "--checkpoint-seconds", 5, "--out", self.folder / f"{kind}-{part}.safetensors"]
        given += [table, self.folder / "table.parquet"]
        given += [word for pair in zip(names, blocks, strict=True) for word in pair]
        if kind != "minima":
            given += ["--minima", *(self.folder / f"minima-{block}.safetensors" for block in dict.fromkeys(blocks))]
        if kind == "triangles":
            given += ["--curves", *(self.folder / f"curves-{a}+{b}.safetensors" for a, b in pair_blocks(self.blocks))]
        return given

    def step(self, name: str, job: str, options: list[Any]) -> tuple[float, int]:
        """Seconds of CPU, and megabytes at most, of one step."""
        words = [
            sys.executable,
            "-m",
            f"lossbars.{'workflow.dataset_step' if name == 'dataset' else f'experiments.networks.steps.{name}'}",
            "--job",
            job,
            *map(str, options),
        ]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        child = os.posix_spawn(words[0], words, os.environ | one_thread)
        _, status, used = os.wait4(child, 0)
        if status:
            sys.exit(f"{self.name}: {name} failed")
        return round(used.ru_utime + used.ru_stime, 1), used.ru_maxrss // 1024


def measure(data_root: str) -> dict[str, Any]:
    """All cases."""
    experiments, found = yaml.safe_load(CASES.read_text()), []
    for name, experiment in experiments.items():
        with tempfile.TemporaryDirectory() as folder:
            found += Bench(Path(folder), name, experiment, data_root).run()
    return {"machine": f"{processor()}, one thread", "experiments": experiments, "jobs": found}


def processor() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def table(measured: dict[str, Any]) -> str:
    """A line per job, as Markdown."""
    head = [
        "job",
        "networks",
        "used, MB",
        "computed",
        "asked for",
        "asked / used",
        "used, s",
        "computed",
        "computed / used",
    ]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for one in measured["jobs"]:
        plan = Plan({"experiments": {"measured": measured["experiments"][one["experiment"]]}})
        whole = plan.experiments["measured"]
        size = size_of(whole.data, None)
        job = training(plan.model("measured", "net"), one["kind"], size, whole.samples or size.train, one["stacked"])
        asked = request(plan, one["kind"], "measured", "net", one["stacked"]).mem_mb
        used, needed = one["memory_mb"], seconds(job, CORE)
        cells = [one["name"], one["stacked"], used, round(memory(job) / MB), asked]
        cells += [
            f"{asked / (used + SNAKEMAKE_MB):.1f}",
            one["seconds"],
            round(needed),
            f"{needed / one['seconds']:.1f}",
        ]
        rows.append(list(map(str, cells)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Measure, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, nargs="?", help="what --out wrote before")
    parser.add_argument("--data-root", default="")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    measured = json.loads(given.measured.read_text()) if given.measured else measure(given.data_root)
    if given.out:
        given.out.write_text(json.dumps(measured, indent=1) + "\n")
    print(table(measured))


if __name__ == "__main__":
    main()
