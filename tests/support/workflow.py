"""The real workflow in a folder of its own, made small; and single models run step by step, without Snakemake."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
import torch
import yaml
from torch import Tensor

from lossbars.workflow.artefacts import read_records, read_table, read_tensors, write_tensors
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from lossbars.workflow.run import execute_task
from lossbars.workflow.tasks import Task
from support.forks import python_of_jobs, run_forked
from support.paths import CHECKOUT
from support.plans import changed as changed
from support.plans import copied as own
from support.plans import make_plan

PARTS = ("Snakefile", "config.yaml", "rules", "envs", "src", "profiles", "slurm")  # what a run needs of a checkout

ADAM = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 1.0e-2}, "batch_size": 50}
TINY: dict[str, Any] = {
    "title": "A tiny experiment",
    "data": "digits",
    "device": "cpu",
    "samples": 200,
    "seeds": 3,
    "seeds_per_job": 1,
    "minima": ADAM | {"epochs": 2},
    "polish": None,
    "curvature": None,
    "descents": None,
    "curves": ADAM | {"epochs": 1, "family": {"kind": "chain", "bends": 1}, "grid": {"points": 3, "refinements": 1}},
    "triangles": ADAM | {"epochs": 1, "sides": "trained", "grid": {"points": 3, "refinements": 0}},
    "robustness": {"sizes": [2], "max_subsets": 10},
    "models": {"mlp": {"label": "one layer", "network": {"kind": "mlp", "depth": 1, "width": 8}}},
    "figures": ["barcodes", "profiles"],
}
TINY_B = {key: value for key, value in TINY.items() if key != "robustness"} | {
    "title": "Another tiny experiment",
    "seeds_per_job": 3,
    "triangles": TINY["triangles"] | {"sides": "fixed"},
    "figures": ["barcodes"],
}


# The workflow ------------------------------------------------------------------------------------


class Checkout:
    """A copy of what a user clones, and the experiments of a config file beside it."""

    def __init__(self, folder: Path, experiments: Mapping[str, Any]) -> None:
        self.folder = folder
        self.experiments = own(experiments)

    @classmethod
    def fresh(cls, folder: Path, **experiments: Any) -> "Checkout":
        """A checkout without results."""
        for part in PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / part)
        return cls(folder, experiments)

    def copied(self, folder: Path) -> "Checkout":
        """The same, with its results, elsewhere."""
        shutil.copytree(self.folder, folder)
        return Checkout(folder, self.experiments)

    def snakemake(self, *arguments: str, forks: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on all experiments of the config file, unless ``arguments`` say otherwise.

        Jobs, where ``--cores`` says that they may run, are ``forks`` of a process that has loaded the libraries.
        """
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump({"experiments": self.experiments}, sort_keys=False))
        pythons = [Path(sys.executable).parent]  # jobs start "python"
        if forks and "--cores" in arguments:
            pythons.insert(0, python_of_jobs())
        path = os.pathsep.join([*map(str, pythons), os.environ["PATH"]])
        arguments = ("-m", "snakemake", "--nocolor", "--configfile", "tiny.yaml", *arguments)
        return run_forked(list(arguments), self.folder, os.environ | {"PATH": path})

    def run(self, *targets: str, forks: bool = True) -> None:
        """Make the targets; fails with what Snakemake said."""
        done = self.snakemake("--cores", "2", "--", *(targets or self.experiments), forks=forks)
        assert done.returncode == 0, done.stdout + done.stderr

    def stale(self, *targets: str) -> set[str]:
        """What Snakemake would make now: paths below ``results/`` without their suffixes. ``lossbars why`` agrees."""
        table = self.snakemake("--summary", "--", *(targets or self.experiments))
        assert table.returncode == 0, table.stdout + table.stderr
        head, *rows = (line.split("\t") for line in table.stdout.splitlines())
        assert head[0] == "output_file" and head[-1] == "plan", table.stdout
        assert {row[-1] for row in rows} <= {"update pending", "no update"}, table.stdout
        pending = short(row[0] for row in rows if row[-1] == "update pending")
        assert self.explained(*targets) == pending
        return pending

    def explained(self, *targets: str) -> set[str]:
        """What ``lossbars why`` would name, by this checkout's code: as :meth:`stale`."""
        code = (
            "import sys, pathlib; from lossbars.experiments.kinds import KINDS; "
            "from lossbars.workflow.plan import Plan; "
            "from lossbars.cli.configuration import read_configuration; "
            "from lossbars.cli.why import causes; "
            "plan = Plan(read_configuration([pathlib.Path('tiny.yaml')], []), KINDS); "
            "print(*causes(plan, sys.argv[1:]), sep='\\n')"
        )
        environment = os.environ | {"PYTHONPATH": str(self.folder / "src")}
        told = run_forked(["-c", code, *(targets or self.experiments)], self.folder, environment)
        assert told.returncode == 0, told.stderr
        return short(told.stdout.split())

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Rewrite a file; fails where that leaves it as it was."""
        before = (self.folder / path).read_text()
        after = change(before)
        assert after != before, f"{path} is as it was"
        (self.folder / path).write_text(after)

    def replace(self, path: str, old: str, new: str) -> None:
        """Put ``new`` for the one place of a file that says ``old``."""
        assert (self.folder / path).read_text().count(old) == 1, f"{path}: {old!r} is not there once"
        self.edit(path, lambda text: text.replace(old, new))

    def files(self, pattern: str = "results/**/*") -> dict[str, bytes]:
        """Path → content of the results there; what lies beside them is left out."""
        found = [path for path in self.folder.glob(pattern) if path.is_file()]
        names = {str(path.relative_to(self.folder)): path for path in found}
        beside = {"logs", "benchmarks", ".code"}
        return {name: path.read_bytes() for name, path in names.items() if not beside & set(path.parts)}


def short(paths: Iterable[str]) -> set[str]:
    """Paths below ``results/``, without their suffixes."""
    return {str(PurePath(path).relative_to("results").with_suffix("")) for path in paths}


# Single steps ------------------------------------------------------------------------------------


def plan(**changes: Any) -> Plan:
    """The plan of TINY alone, as experiment ``tiny``, with some of its keys changed."""
    return make_plan(tiny=TINY | changes)


def write_data(path: Path, job: Job, samples: int = 60, shape: tuple[int, ...] = (1, 4, 4)) -> Path:
    """A small data set of three classes, under the key of ``job``; nothing is loaded for it."""
    random = torch.Generator().manual_seed(7)
    centres = torch.rand(3, *shape, generator=random)
    parts = {}
    for part in ("train", "test"):
        y = torch.arange(samples) % 3
        parts[f"{part}_x"] = centres[y] + 0.5 * torch.rand(samples, *shape, generator=random)
        parts[f"{part}_y"] = y
    write_tensors(path, parts, job)
    return path


class Model:
    """One model of experiment ``tiny`` of a plan, whose tasks run in this process, below a folder of its own.

    Its data are made by :func:`write_data`. Kinds are those of tasks: minima, curves, curves-NAME, complex, …
    """

    def __init__(self, folder: Path, plan: Plan, key: str = "mlp") -> None:
        self.folder, self.plan, self.key = folder, plan, key
        self.tasks = plan.tasks("tiny")
        self.blocks = [task.part for task in self.of("minima")]
        self.checkpoints = folder / ".checkpoints"
        data = self.tasks[0]
        assert data.rule == "dataset"
        self.data = write_data(folder / data.path, data.job)

    def of(self, *kinds: str) -> list[Task]:
        """The model's tasks of some kinds, in the order of the plan."""
        return [task for task in self.tasks if task.model == self.key and task.kind in kinds]

    def task(self, kind: str, part: str = "") -> Task:
        """The one task of a kind, or that of one part."""
        (task,) = (task for task in self.of(kind) if part in ("", task.part))
        return task

    def run(self, *tasks: Task, **given: Any) -> None:
        """Run tasks; ``given`` is what a :class:`lossbars.workflow.work.Work` may be given of the machine."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(self.folder):
            for task in tasks:
                execute_task(task, **given)

    def train(self) -> None:
        """All minima, curves and triangles."""
        self.run(*(task for task in self.tasks if task.model == self.key and task.rule in TRAINED))

    def barcode(self) -> Path:
        """barcode.json, from what :meth:`train` made."""
        self.run(*self.of("complex", "barcode"))
        return self.path("barcode", suffix="json")

    def path(self, kind: str, part: str = "", suffix: str = "safetensors") -> Path:
        """Where an artefact is."""
        (path,) = (path for path in self.task(kind, part).outputs.values() if path.endswith(suffix))
        return self.folder / path

    def paths(self, kind: str, suffix: str) -> list[Path]:
        """Where all artefacts of a kind are."""
        return [self.path(kind, task.part, suffix) for task in self.of(kind)]

    def tensors(self, kind: str, part: str = "") -> dict[str, Tensor]:
        """The tensors of a task that ran."""
        return read_tensors(self.path(kind, part), self.task(kind, part).key)[0]

    def facts(self, kind: str, part: str = "") -> dict[str, str]:
        """What these tensors say of themselves."""
        return read_tensors(self.path(kind, part))[1]

    def table(self, kind: str, part: str = "") -> pd.DataFrame:
        """The table of a task that ran."""
        return read_table(self.path(kind, part, "parquet"), self.task(kind, part).key)

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of a task that ran."""
        return read_records(self.path(kind, suffix="json"), self.task(kind).key)


TRAINED = ("minima", "curves", "triangles")  # rules


def command_line(task: Task) -> list[str]:
    """What the rules put after ``python -m lossbars.workflow.run``."""
    inputs = [f"{option}={one.path}" for option, files in task.inputs.items() for one in files]
    outputs = [f"{option}={path}" for option, path in task.outputs.items()]
    files = ["--inputs", *inputs, "--outputs", *outputs]
    return [task.module, "--job", task.job.to_json(), f"--part={task.part}", *files, "--threads", "1"]
