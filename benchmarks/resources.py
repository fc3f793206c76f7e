"""Memory and time of single training jobs, against what they are computed to be.

python benchmarks/resources.py --data-root /data --out benchmarks/resources.json    # measures; a quarter of an hour
python benchmarks/resources.py benchmarks/resources.json                            # shows a table of what is there
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lossbars.experiments.kinds import KINDS
from lossbars.workflow.blocks import stacked
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import SNAKEMAKE_MB
from lossbars.workflow.tasks import Task
from lossbars.workflow.training_costs import CORE, MB, data_size, memory, seconds, training

ROOT = Path(__file__).resolve().parent.parent
CASES = Path(__file__).with_name("resources.yaml")
TRAINED = ("minima", "curves", "triangles")  # rules


def plan_of(experiment: dict[str, Any]) -> Plan:
    """The plan of one case."""
    return Plan({"experiments": {"measured": experiment}}, KINDS)


class Bench:
    """The jobs of one experiment, each in a process of its own, below a folder."""

    def __init__(self, folder: Path, name: str, experiment: dict[str, Any], data_root: str) -> None:
        self.folder, self.name, self.data_root = folder, name, data_root
        self.tasks = [task for task in plan_of(experiment).tasks("measured") if task.rule in ("dataset", *TRAINED)]

    def run(self) -> Iterator[dict[str, Any]]:
        """A record of every job that trains; a data set that is there already is taken as it is."""
        for task in self.tasks:
            if task.rule in TRAINED:
                yield self.measure(task)
            elif not (self.folder / task.path).is_file():
                self.used(task)

    def measure(self, task: Task) -> dict[str, Any]:
        """The record of one job."""
        cpu, peak = self.used(task)
        own = {"name": name_of(self.name, task), "experiment": self.name, "kind": task.kind}
        return own | {"stacked": stacked(task.part), "memory_mb": peak, "seconds": cpu}

    def used(self, task: Task) -> tuple[float, int]:
        """Seconds of CPU, and megabytes at most, of one job, as the rules start it."""
        inputs = [f"{option}={one.path}" for option, files in task.inputs.items() for one in files]
        outputs = [f"{option}={path}" for option, path in task.outputs.items()]
        words = [sys.executable, "-m", "lossbars.workflow.run", task.module, "--job", task.job.to_json()]
        words += [f"--part={task.part}", "--inputs", *inputs, "--outputs", *outputs]
        own = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        own |= {"PYTHONPATH": str(ROOT / "src"), "LOSSBARS_DATA_ROOT": self.data_root}
        own |= {"LOSSBARS_CHECKPOINT_SECONDS": "5"}
        with subprocess.Popen(words, cwd=self.folder, env=os.environ | own) as child:
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit(f"{name_of(self.name, task)} failed")
        return round(used.ru_utime + used.ru_stime, 1), used.ru_maxrss // 1024


def name_of(experiment: str, task: Task) -> str:
    """What a record calls a job."""
    return f"{experiment} {task.kind} {task.part}"


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
    plans = {name: plan_of(experiment) for name, experiment in measured["experiments"].items()}
    for one in measured["jobs"]:
        plan = plans[one["experiment"]]
        (task,) = (task for task in plan.tasks("measured") if name_of(one["experiment"], task) == one["name"])
        model = plan.experiments["measured"].models[task.model]
        job = training(model.network, model.descent(task.kind), *data_size(plan, "measured"), one["stacked"])
        asked = plan.request(task).mem_mb
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
