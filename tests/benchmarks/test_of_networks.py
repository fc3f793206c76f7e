"""Benchmarks that need what a run on networks leaves, or start its jobs."""

import json
import re
from pathlib import Path

import pytest

from lossbars.experiments.kinds import KINDS
from lossbars.workflow.tasks import Task
from support.benchmark_runs import FOLDER, benchmark_module, run_benchmark
from support.plans import make_plan, run_tasks
from support.workflow import write_data


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Task]:
    """Rule → task of the smallest experiment on networks, whose data set lies in the folder that we are in now."""
    monkeypatch.chdir(tmp_path)
    found = {task.rule: task for task in make_plan(measured=KINDS["networks"].example()).tasks("measured")}
    write_data(Path(found["dataset"].path), found["dataset"].job)
    return found


def test_dense_profiles(
    tasks: dict[str, Task], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tasks([tasks["minima"], tasks["curves"]])
    capsys.readouterr()
    run_benchmark(monkeypatch, "dense_profiles", tasks["curves"].path, tasks["dataset"].path, "--places", "5")
    assert re.fullmatch(r"0\+1: in the table .*, on 5 places .*, ends .* and .*\n", capsys.readouterr().out)


@pytest.mark.usefixtures("tasks")
def test_resources_of_one_job(tmp_path: Path) -> None:
    module, example = benchmark_module("resources"), KINDS["networks"].example()
    record = next(module["Bench"](tmp_path, "tiny", example, "").run())
    assert record["memory_mb"] > 100 and record["seconds"] > 0
    same = {"name": "tiny minima 0-1", "experiment": "tiny", "kind": "minima", "stacked": 2}
    assert record == same | {name: record[name] for name in ("memory_mb", "seconds")}
    assert "| tiny minima 0-1 | 2 | " in module["table"]({"experiments": {"tiny": example}, "jobs": [record]})


def test_resources_on_record(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_benchmark(monkeypatch, "resources", str(FOLDER / "resources.json"))
    jobs = json.loads((FOLDER / "resources.json").read_text())["jobs"]
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(jobs)
