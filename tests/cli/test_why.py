"""`lossbars why`: the words. That it names the results that Snakemake makes again is part of test_staleness.py."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lossbars.cli.main import main
from lossbars.cli.why import causes, explain, why
from lossbars.documents.plan import documents
from lossbars.workflow import fingerprint
from lossbars.workflow.code_record import FOLDER, recorded_code
from lossbars.workflow.run import execute_task
from support.finished import EXPERIMENTS, finish, plans, write
from support.paths import CHECKOUT
from support.plans import copied

MINIMA = "results/tiny/mlp/minima"
CURVES = "results/tiny/mlp/curves"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def changed(*place: Any, value: Any) -> dict[str, Any]:
    """The experiments with one value changed."""
    experiments = copied(EXPERIMENTS)
    inner = experiments
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return experiments


def again(made: Any, *asked: str) -> set[str]:
    return set(causes(made, asked or ("tiny", "tiny-b")))


def test_whole_results_are_up_to_date():
    made = plans()
    artefacts = finish(made)
    assert why(made, []) == [f"All {len(artefacts)} results are up to date."]
    assert why(made, [f"{MINIMA}/0.parquet"]) == [f"{MINIMA}/0.parquet is up to date."]


def test_a_setting_is_named_and_what_follows_from_it():
    finish(plans())
    made = plans(changed("tiny", "curves", "epochs", value=7))
    found = causes(made, ["tiny"])
    assert found[f"{CURVES}/0+1.parquet"].reasons == ("curves.epochs was 1, is 7",)
    assert f"{MINIMA}/0.parquet" not in found and "results/tiny/mlp/triangles/0+1+2.parquet" not in found
    assert explain("results/tiny/mlp/barcode.json", found) == (
        f"results/tiny/mlp/barcode.json would be made again, because {CURVES}/0+1.parquet would: "
        "curves.epochs was 1, is 7."
    )
    first, second, *_ = why(made, ["tiny"])
    assert first.endswith("results would be made again:")
    assert second == f"  {CURVES}/0+1.safetensors and 5 more of rule curves: curves.epochs was 1, is 7"


def test_values_that_come_and_go_are_named():
    finish(plans())
    experiments = changed("tiny", "minima", "schedule", value={"kind": "cyclical", "lr_max": 0.1, "lr_min": 0.01})
    (reasons,) = {one.reasons for one in causes(plans(experiments), ["tiny"]).values() if one.rule == "minima"}
    assert "minima.schedule.kind was 'constant', is 'cyclical'" in reasons
    assert "minima.schedule.lr was 0.01, is not there any more" in reasons
    assert "minima.schedule.lr_max is 0.1, was not there" in reasons


def test_a_module_and_a_library_are_named():
    made = plans()
    artefacts = finish(made)
    path = f"{CURVES}/0+1.parquet"
    job = artefacts[path].job
    before = recorded_code(job.code) | {
        "lossbars.optimise.connect": "another",
        "torch": "1.0",
        "lossbars.gone": "0",
    }
    del before["lossbars.simplices.profiles"]
    FOLDER.joinpath("0000.json").write_text(json.dumps(before))
    write(path, replace(job, code="0000"))
    (reasons,) = {cause.reasons for cause in causes(made, ["tiny"]).values() if cause.rule == "curves"}
    assert "lossbars.optimise.connect changed" in reasons and "it runs lossbars.simplices.profiles now" in reasons
    assert "it does not run lossbars.gone any more" in reasons
    assert any(reason.startswith("torch was 1.0, is ") for reason in reasons) and len(reasons) == 4
    write(path, replace(job, code="never recorded"))
    assert causes(made, ["tiny"])[path].reasons == ("code that it runs changed (which is not on record)",)


def test_a_users_own_network_is_named():
    Path("net.py").write_text("class Net:\n    pass\n")
    experiments = changed("tiny", "models", "mlp", "network", value="net.py:Net")
    finish(plans(experiments))
    Path("net.py").write_text("class Net:\n    width = 2\n")
    fingerprint._tree.cache_clear()  # a process reads each file once
    (reasons,) = {one.reasons for one in causes(plans(experiments), ["tiny"]).values() if one.rule == "minima"}
    assert reasons == ("the file of its network changed",)


def test_missing_and_damaged_files_are_named_and_reach_what_is_made_of_them():
    made = plans()
    finish(made)
    Path(f"{MINIMA}/0.safetensors").unlink()
    tensors = Path(f"{CURVES}/1+2.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-4])
    found = causes(made, ["tiny"])
    assert found[f"{MINIMA}/0.parquet"].reasons == ("0.safetensors is missing",)
    assert found[f"{CURVES}/1+2.parquet"].reasons == ("1+2.safetensors is damaged",)
    assert found[f"{CURVES}/0+1.parquet"].follows == f"{MINIMA}/0.safetensors"
    assert f"{MINIMA}/1.parquet" not in found


def test_a_missing_file_is_no_first_cause_where_what_it_is_made_of_is_made_again():
    made = plans(changed("tiny", "minima", "epochs", value=7))
    finish(plans())
    Path(f"{CURVES}/0+1.parquet").unlink()
    found = causes(made, ["tiny"])
    assert found[f"{MINIMA}/0.parquet"].reasons == ("minima.epochs was 2, is 7",)
    assert found[f"{CURVES}/0+1.parquet"].reasons == () and found[f"{CURVES}/0+1.parquet"].follows.startswith(MINIMA)


def test_a_missing_file_that_nothing_needs_is_not_made_again():
    made = plans()
    finish(made)
    Path("results/tiny/mlp/robustness.parquet").unlink()
    Path("results/datasets/digits.safetensors").unlink()
    assert again(made) == set()
    Path("results/tiny/mlp/complex.json").unlink()
    assert "results/tiny/mlp/robustness.parquet" in again(made)
    assert "results/datasets/digits.safetensors" not in again(made)


def test_an_input_made_otherwise_is_the_reason_where_it_stands_now():
    made = plans()
    artefacts = finish(made)
    path = "results/tiny/mlp/complex.json"
    job = artefacts[path].job
    write(path, replace(job, expects=job.expects | {"curves": ["another"]}))
    assert causes(made, ["tiny"])[path].reasons == ("its inputs are others than those it was made from",)


def test_figures_and_documents_are_explained_by_the_record_of_the_last_run():
    made = plans()
    finish(made)
    out = Path("results/provenance.json")
    *_, provenance = documents(made, ["tiny", "tiny-b"])
    execute_task(provenance)
    titled = plans(changed("tiny", "title", value="Another"))
    found = causes(titled, ["tiny", "tiny-b"])
    figure = "results/figures/tiny-barcodes.svg"
    assert found[figure].reasons == ("title was 'A tiny experiment', is 'Another'",)
    assert found["results/figures/tiny-barcodes.pdf"].reasons == found[figure].reasons
    assert f"{MINIMA}/0.parquet" not in found
    out.unlink()
    assert "no record" in causes(titled, ["tiny"])[figure].reasons[0]


def test_experiments_that_never_ran_are_no_results():
    made = plans()
    assert why(made, []) == ["No experiment of this configuration has any results yet."]
    artefacts = finish(made, ["tiny"])
    assert why(made, []) == [f"All {len(artefacts)} results are up to date."]
    assert "missing" in "\n".join(why(made, ["tiny-b"]))


def test_the_command_reads_the_configuration_as_snakemake_does(capsys):
    finish(plans())
    Path("more.yaml").write_text("experiments: {tiny: {curves: {epochs: 9}}}")
    assert main(["why", f"{CURVES}/0+1.parquet", "--configfile", "more.yaml"]) == 0
    assert "curves.epochs was 1, is 9" in capsys.readouterr().out
    assert main(["why", "tiny", "--config", "experiments={tiny: {title: Mine}}"]) == 0
    assert "title was 'A tiny experiment', is 'Mine'" in capsys.readouterr().out
    assert main(["why", "--config", "scale=0.5"]) == 0
    assert "No experiment of this configuration has any results yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["why", "tinny"], "tinny is no experiment and no result of this configuration; did you mean tiny?"),
        (["why", "--configfile", "none.yaml"], "none.yaml is not there"),
        (["why", "--config", "scale"], "--config scale: expected KEY=VALUE"),
        (["why", "--config", "scale=7"], "scale"),
    ],
)
def test_errors_are_for_people(words, text, capsys):
    finish(plans(), ["tiny"])
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert text in str(stop.value) and not capsys.readouterr().out


def test_outside_a_checkout_it_says_where_to_run_it():
    command = [sys.executable, "-m", "lossbars", "why"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(CHECKOUT / "src")}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("lossbars why: error: config.yaml is not there: run lossbars in the folder of the")
