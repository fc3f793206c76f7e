"""The benchmark of planning, on one small experiment."""

import re
from pathlib import Path

import pytest
import yaml

from lossbars.documents.plan import documents, experiment_tasks, targets
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.validity import unfit
from support.benchmark_runs import benchmark_module, run_benchmark
from support.plans import make_plan


@pytest.mark.workflow
def test_it_plans(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = tmp_path / "given.yaml"
    given.write_text(yaml.safe_dump({"experiments": {"fc-tiny": KINDS["networks"].example()}}))
    options = "--experiments fc-tiny --seeds 3 --repeats 1 --dry-run"
    run_benchmark(monkeypatch, "planning", "--config", str(given), *options.split())
    assert re.search(r"\| 3 \| \d\d \| \d+\.\d ", capsys.readouterr().out)


def test_what_it_writes_stands_for_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan(tiny=KINDS["networks"].example())
    benchmark_module("planning")["write_all"](plan, tmp_path)
    assert not unfit([*experiment_tasks(plan, "tiny"), *documents(plan, ["tiny"])])
    assert all(Path(path).is_file() for path in targets(plan, "tiny"))
