"""results/provenance.json: every artefact with what made it, and the records of runs that it is gathered from."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lossbars.documents.plan import documents
from lossbars.documents.provenance import reported
from lossbars.workflow.artefacts import ArtefactError, read_records
from lossbars.workflow.job import Job
from lossbars.workflow.run import execute_task
from lossbars.workflow.run_log import attempts, note, on_record, run_path, taken
from support.finished import finish, plans
from support.plans import the_task

OUT = Path("results/provenance.json")
JOB = Job("minima", "tiny", "mlp", {}, "0123")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def record() -> dict[str, Any]:
    """What the step writes of both experiments."""
    *_, task = documents(plans(), ["tiny", "tiny-b"])
    execute_task(task)
    (found,) = read_records(OUT, task.key)
    return found


def test_every_artefact_is_the_output_of_one_run_and_its_inputs_are_outputs():
    artefacts = finish(plans())
    found = record()
    outputs = {path: facts for run in found["runs"] for path, facts in run["outputs"].items()}
    assert set(outputs) == set(artefacts) - {str(OUT)}
    assert sum(len(run["outputs"]) for run in found["runs"]) == len(outputs)
    for path, facts in outputs.items():
        content = Path(path).read_bytes()
        assert facts == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    for run in found["runs"]:
        assert all(outputs[path]["sha256"] == digest for path, digest in run["inputs"].items())
        assert {artefacts[path].job.key for path in run["outputs"]} == {run["job"]} <= set(found["jobs"])


def test_jobs_and_code_are_there_once_and_whole():
    made = plans()
    finish(made)
    found = record()
    recipe = found["jobs"][the_task(made, "tiny", "curves", part="0+1").key]
    assert recipe["recipe"]["curves"]["epochs"] == 1
    assert set(found["code"]) == {job["code"] for job in found["jobs"].values()}
    assert "lossbars.optimise.connect" in found["code"][recipe["code"]] and "torch" in found["code"][recipe["code"]]


def test_the_order_of_the_configuration_does_not_come_apart_on_the_way():
    """Keys of documents depend on it: the step must find the same ones."""
    made = plans()
    finish(made)
    claims_report, report, _ = documents(made, ["tiny", "tiny-b"])
    assert {claims_report.key, report.key} <= set(record()["jobs"])


def test_machine_and_time_are_taken_from_beside_the_benchmark():
    made = plans()
    artefacts = finish(made)
    path = "results/tiny/mlp/minima/1.parquet"
    key = artefacts[path].key
    benchmarks = Path("results/tiny/mlp/benchmarks")
    benchmarks.mkdir()
    (benchmarks / "minima-1.tsv").write_text("s\tmax_rss\tcpu_time\n7.5\t600.1\t-\n")
    stated = {"key": key, "attempts": [{"host": "node1", "ended": "done"}]}
    (benchmarks / "minima-1.run.json").write_text(json.dumps(stated))
    (run,) = [run for run in record()["runs"] if path in run["outputs"]]
    assert run["attempts"] == stated["attempts"]
    assert run["measured"] == {"seconds": 7.5, "cpu_seconds": None, "memory_mb": 600.1}
    assert run["versions"]["torch"] and run["rule"] == "minima"
    (benchmarks / "minima-1.run.json").write_text(json.dumps(stated | {"key": "of another recipe"}))
    (run,) = [run for run in record()["runs"] if path in run["outputs"]]
    assert run["attempts"] == []


def test_a_missing_result_is_an_error():
    finish(plans())
    Path("results/tiny/claims.parquet").unlink()
    with pytest.raises(ArtefactError, match=r"results/tiny/claims.parquet: No such file or directory: run the rule"):
        record()


def test_inputs_are_those_of_the_blocks():
    made = plans()
    found = {path: {one.path for one in task.reads()} for task in reported(made) for path in task.outputs.values()}
    tiny, tiny_b = "results/tiny/mlp", "results/tiny-b/mlp"
    data = "results/datasets/digits.safetensors"
    two = {f"{tiny}/minima/0.safetensors", f"{tiny}/minima/2.safetensors", data}
    assert found[f"{tiny}/curves/0+2.safetensors"] == found[f"{tiny}/curves/0+2.parquet"] == two
    fixed = {data, f"{tiny_b}/minima/0-2.safetensors", f"{tiny_b}/curves/0-2+0-2.safetensors"}
    assert found[f"{tiny_b}/triangles/0-2+0-2+0-2.parquet"] == fixed
    tables = {path for path in found if path.startswith(tiny) and path.endswith(".parquet")}
    assert found[f"{tiny}/complex.json"] == tables - {f"{tiny}/robustness.parquet"}
    assert found[data] == set()
    assert found["results/figures/tiny-barcodes.pdf"] == {"results/tiny/barcodes.parquet"}


def test_logs_are_where_the_rules_put_them():
    artefacts = finish(plans())
    named = {str(task.log) for task in artefacts.values()}
    assert "results/tiny/mlp/logs/curves-0+1.log" in named and "results/tiny/logs/usage.log" in named
    assert "results/figures/logs/tiny-profiles.log" in named and "results/datasets/logs/digits.log" in named


# Records of runs ---------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("results/tiny/mlp/logs/minima-0.log")
    monkeypatch.setenv("LOSSBARS_LOG", str(path))
    return path


def test_all_attempts_of_a_job_stay_on_record(log):
    def step() -> None:
        (going,) = attempts(run_path(log))[1]
        assert "ended" not in going  # what a kill leaves
        raise RuntimeError

    with pytest.raises(RuntimeError), on_record(JOB, {"threads": 2, "device": "auto"}):
        step()
    with on_record(JOB, {}):
        pass
    key, (first, second) = attempts(run_path(log))
    assert key == JOB.key and first["ended"] == "RuntimeError" and second["ended"] == "done"
    assert first["threads"] == 2 and first["device"] == "auto" and first["host"] == os.uname().nodename
    assert first["begun"] <= first["until"] <= second["until"]
    with on_record(JOB, {}):
        pass
    assert len(attempts(run_path(log))[1]) == 3, "made once more: what was before stays on record"


def test_a_result_that_was_taken_and_not_made_says_so(log):
    with on_record(JOB, {}):
        note("taken_from", "a cache")
    _, tries = attempts(run_path(log))
    assert tries[0]["taken_from"] == "a cache" and taken(tries)
    with on_record(JOB, {}):
        pass
    assert not taken(attempts(run_path(log))[1])


def test_another_recipe_begins_a_record_of_its_own(log):
    with pytest.raises(RuntimeError), on_record(JOB, {}):
        raise RuntimeError
    other = Job("minima", "tiny", "mlp", {"epochs": 1}, "0123")
    with on_record(other, {}):
        pass
    key, (only,) = attempts(run_path(log))
    assert key == other.key and only["ended"] == "done"


def test_a_damaged_record_is_begun_anew_and_no_record_is_kept_without_a_log(log, monkeypatch):
    run_path(log).parent.mkdir(parents=True)
    run_path(log).write_text("{")
    with on_record(JOB, {}):
        pass
    assert len(attempts(run_path(log))[1]) == 1
    run_path(log).unlink()
    monkeypatch.delenv("LOSSBARS_LOG")
    with on_record(JOB, {}):
        pass
    assert attempts(run_path(log)) == ("", [])
