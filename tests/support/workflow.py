"""The real workflow in a folder of its own, made small; and single models run step by step, without Snakemake."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
import yaml

from lossbars.documents.plan import Jobs
from lossbars.workflow.artefacts import write_tensors
from lossbars.workflow.blocks import pair_blocks, triple_blocks
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from support.paths import CHECKOUT

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


def own(config: Any) -> Any:
    """A copy to change, in which no two places share a mapping."""
    return json.loads(json.dumps(config))


def changed(config: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a place such as ``cloud.points``."""
    copy: dict[str, Any] = own(config)
    *path, key = place.split(".")
    inner = copy
    for part in path:
        inner = inner[part]
    inner[key] = value
    return copy


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

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on all experiments of the config file, unless ``arguments`` say otherwise."""
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump({"experiments": self.experiments}, sort_keys=False))
        command = [sys.executable, "-m", "snakemake", "--nocolor", "--configfile", "tiny.yaml", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def run(self, *targets: str) -> None:
        """Make the targets; fails with what Snakemake said."""
        done = self.snakemake("--cores", "2", "--", *(targets or self.experiments))
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
            "import sys, pathlib; from lossbars.documents.plan import Jobs; from lossbars.workflow.plan import Plan; "
            "from lossbars.cli.configuration import read_configuration; "
            "from lossbars.cli.why import causes; "
            "jobs = Jobs(Plan(read_configuration([pathlib.Path('tiny.yaml')], []))); "
            "print(*causes(jobs, sys.argv[1:]), sep='\\n')"
        )
        command = [sys.executable, "-c", code, *(targets or self.experiments)]
        environment = os.environ | {"PYTHONPATH": str(self.folder / "src")}
        told = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
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
    return Plan({"experiments": {"tiny": own(TINY | changes)}})


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
    """One model of a plan, made in a folder by the functions of the steps, block by block."""

    def __init__(self, folder: Path, plan: Plan, key: str = "mlp") -> None:
        self.folder, self.plan, self.key = folder, plan, key
        self.jobs = Jobs(plan)
        self.blocks = plan.blocks("tiny", key)
        self.data = write_data(folder / "data.safetensors", self.jobs.dataset("digits"))
        self.common = {"data": self.data, "threads": 1, "device": "cpu", "checkpoints": folder / "checkpoints"}

    def job(self, kind: str) -> Job:
        """The job of minima, curves or triangles."""
        return self.jobs.trained(kind, "tiny", self.key)

    def path(self, kind: str, block: str, suffix: str = "safetensors") -> Path:
        """Where an artefact is."""
        return self.folder / kind / f"{block}.{suffix}"

    def paths(self, kind: str, suffix: str) -> list[Path]:
        """All artefacts of a kind."""
        return sorted((self.folder / kind).glob(f"*.{suffix}"))

    def minima(self, block: str) -> dict[str, Any]:
        """Arguments of the step."""
        own = {"seeds": block, "out": self.path("minima", block), "metrics": self.path("minima", block, "parquet")}
        return {"job": self.job("minima")} | self.common | own

    def curves(self, first: str, second: str) -> dict[str, Any]:
        """Arguments of the step."""
        minima = [self.path("minima", block) for block in dict.fromkeys([first, second])]
        name = f"{first}+{second}"
        out = {"out": self.path("curves", name), "table": self.path("curves", name, "parquet")}
        return {"job": self.job("curves"), "minima": minima, "first": first, "second": second} | self.common | out

    def triangles(self, first: str, second: str, third: str) -> dict[str, Any]:
        """Arguments of the step."""
        minima = [self.path("minima", block) for block in dict.fromkeys([first, second, third])]
        name = f"{first}+{second}+{third}"
        out = {"out": self.path("triangles", name), "table": self.path("triangles", name, "parquet")}
        seeds = {"first": first, "second": second, "third": third}
        sides = {"curves": self.paths("curves", "safetensors")}
        return {"job": self.job("triangles"), "minima": minima} | sides | seeds | self.common | out

    def train(self) -> None:
        """All minima, curves and triangles."""
        from lossbars.experiments.networks.steps import curves, minima, triangles

        for block in self.blocks:
            minima.minima(**self.minima(block))
        for pair in pair_blocks(self.blocks):
            curves.curves(**self.curves(*pair))
        for triple in triple_blocks(self.blocks):
            triangles.triangles(**self.triangles(*triple))

    def barcode(self) -> Path:
        """barcode.json, from what :meth:`train` made."""
        from lossbars.experiments.networks.steps import barcode, complex

        tables = {kind: self.paths(kind, "parquet") for kind in ("minima", "curves", "triangles")}
        complex.complex_(self.jobs.complex("tiny", self.key), **tables, out=self.folder / "complex.json")
        barcode.barcode(self.jobs.barcode("tiny", self.key), self.folder / "complex.json", self.folder / "barcode.json")
        return self.folder / "barcode.json"


def command_line(arguments: Mapping[str, Any]) -> list[str]:
    """The options that give a step these arguments."""
    options: list[str] = []
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value.to_json() if isinstance(value, Job) else value]
        options += [f"--{name.replace('_', '-')}", *map(str, values)]
    return options
