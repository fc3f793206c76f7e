"""`snakemake --profile slurm` on a real SLURM of one node: what was asked for, by SLURM's own records."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import yaml

from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.costs import TRAINED
from lossbars.workflow.experiment import Scale
from lossbars.workflow.plan import Plan, results_folder
from support.paths import CHECKOUT
from support.slurm import cluster
from support.slurm.records import Record, most_gpus_at_once, records
from support.workflow import Checkout

pytestmark = [pytest.mark.slurm, pytest.mark.workflow]

GPUS = 1
CPUS = 4  # more than there may be: much of a job's time is waiting
MODELS = {"digits": ["mlp-1", "mlp-2", "mlp-3"], "fc-mnist": ["fc-2", "fc-8"]}  # the last: two of five, for time
ON_NETWORKS = (*TRAINED, "curvature", "descents")  # rules whose jobs run networks on the data
PARTITION = {"digits": "cpu", "fc-mnist": "gpu"}  # where their training belongs
SCALE = {"epochs": 0.01, "seeds": 0.5}
MNIST = os.environ.get("LOSSBARS_MNIST_ROOT")  # folder with the real files, in torchvision's layout
MADE = """
import torch

def load():
    random = torch.Generator().manual_seed(1)
    centres = torch.randint(256, (10, 1, 28, 28), generator=random)
    def part(n):
        y = torch.arange(n) % 10
        noise = torch.randint(256, (n, 1, 28, 28), generator=random)
        return ((centres[y] + noise) // 2).to(torch.uint8), y
    return *part(3000), *part(500)
"""


# Snakemake asks after its jobs each second: by itself it asks ten seconds later each time that it finds none done.
ASKING = """
import asyncio, sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.sleep = lambda self: asyncio.sleep(1)
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def gpus() -> Iterator[int]:
    """GPUs of a cluster that has fewer of them than cores: one that runs already, or one for these tests."""
    reason = (
        "" if shutil.which("slurmctld") else "SLURM is not installed: python3 tests/support/slurm/cluster.py install"
    )
    reason = reason or ("" if os.geteuid() == 0 else "only root can start the SLURM for tests")
    if reason and os.environ.get("LOSSBARS_REQUIRE_SLURM"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    found = cluster.running()
    if not found:
        cluster.start(gpus=GPUS, cpus=CPUS)
    yield cluster.gpus()
    if not found:
        cluster.stop()


@dataclass
class Run:
    """A run of two experiments, whose first job was cancelled, and a second run that was begun while it went on."""

    checkout: Checkout
    since: datetime
    returncode: int
    output: str
    second: subprocess.CompletedProcess[str]
    gpus: int  # of the cluster
    plan: Plan
    cancelled: str  # SLURM's number of the first job

    @property
    def jobs(self) -> list[Record]:
        return records(self.checkout.folder, self.since)

    @property
    def trained(self) -> list[Record]:
        """The jobs of the rules that train or measure networks, an attempt after the other."""
        return [job for job in self.jobs if job.rule in ON_NETWORKS]


def arguments() -> list[str]:
    """Of Snakemake, beside the profile: what makes the run small, and fast to be seen as done."""
    scale = f"scale={{epochs: {SCALE['epochs']}, seeds: {SCALE['seeds']}}}"
    small = ["--latency-wait", "10", "--configfile", "small.yaml", "--config", scale]
    return ["--profile", "slurm", *small, "--", *targets()]


def command() -> list[str]:
    """Snakemake's command line."""
    return [sys.executable, "-c", ASKING, "--nocolor", *arguments()]


def targets() -> list[str]:
    """All of digits, and the barcodes of some models."""
    folder = f"{results_folder(Scale(**SCALE))}/fc-mnist"
    names = ("barcode.json", "robustness.parquet")
    return ["digits", *(f"{folder}/{model}/{name}" for model in MODELS["fc-mnist"] for name in names)]


def overlay() -> dict[str, Any]:
    """What differs from our own config.yaml: few figures, and the data, where MNIST is not at hand."""
    few = {"digits": {"figures": ["barcodes", "triangle"]}}
    if MNIST:
        return {"data_root": MNIST, "experiments": few}
    return {"experiments": few | {"fc-mnist": {"data": "made.py:load"}}}


@pytest.fixture(scope="module")
def run(gpus: int, tmp_path_factory: pytest.TempPathFactory) -> Run:
    checkout = Checkout.fresh(tmp_path_factory.mktemp("slurm") / "clone")
    (checkout.folder / "made.py").write_text(MADE)
    (checkout.folder / "small.yaml").write_text(yaml.safe_dump(overlay()))
    since = datetime.now()
    log = checkout.folder / "run.log"
    with log.open("w") as out, subprocess.Popen(command(), cwd=checkout.folder, stdout=out, stderr=out) as first:
        running = ""
        while first.poll() is None and not running:
            time.sleep(0.2)
            running = cluster.output("squeue", "--noheader", "--states=RUNNING", "--format=%A")
        assert running, log.read_text()[-3000:]
        cancelled = running.split()[0]
        subprocess.run(["scancel", cancelled], check=True)
        second = subprocess.run(command(), cwd=checkout.folder, capture_output=True, text=True, check=False)
    with contextlib.chdir(checkout.folder):  # a user's files are looked for from here
        plan = Plan(config(), KINDS)
    return Run(checkout, since, first.returncode, log.read_text(), second, gpus, plan, cancelled)


def test_both_experiments_are_made(run: Run) -> None:
    assert run.returncode == 0, run.output[-3000:]
    made = {path.parts[-3:-1] for path in run.checkout.folder.glob(f"{run.plan.results}/*/*/barcode.json")}
    assert made == {(experiment, model) for experiment, models in MODELS.items() for model in models}
    assert (run.checkout.folder / run.plan.results / "report.html").is_file()
    assert {job.state for job in run.jobs if job.job != run.cancelled} == {"COMPLETED"}


def test_a_cancelled_job_is_tried_again_with_more(run: Run) -> None:
    (first,) = (job for job in run.jobs if job.job == run.cancelled)
    assert first.state == "CANCELLED"
    (again,) = (job for job in run.trained if job.job != first.job and job.wildcards == first.wildcards)
    assert (again.rule, again.mem_mb, again.minutes) == (first.rule, 2 * first.mem_mb, 2 * first.minutes)


def test_training_asks_for_one_gpu_where_its_device_may_be_one(run: Run) -> None:
    for job in run.trained:
        wanted = 1 if PARTITION[job.wildcards[0]] == "gpu" else 0
        assert (job.gpus_asked, job.gpus_had) == (wanted, wanted), job


def test_nothing_else_asks_for_a_gpu(run: Run) -> None:
    others = [job for job in run.jobs if job.rule not in ON_NETWORKS]
    assert others
    assert {(job.gpus_asked, job.gpus_had, job.partition) for job in others} == {(0, 0, "cpu")}


def test_never_more_gpus_at_once_than_there_are(run: Run) -> None:
    assert sum(job.gpus_had for job in run.trained) > run.gpus, "or there is no limit to hold to"
    assert most_gpus_at_once(run.trained) == run.gpus


def test_partition_follows_from_the_gpu(run: Run) -> None:
    assert {(job.wildcards[0], job.partition) for job in run.trained} == set(PARTITION.items())


def test_memory_and_time_are_those_of_the_rules(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.checkout.folder)  # where the file of the data set is
    attempts: dict[tuple[str, ...], int] = {}
    requests = {}
    for task in (task for key in MODELS for task in run.plan.tasks(key)):
        recipe = [task.kind] if task.rule in ("curves", "triangles") else []  # there may be several
        place = (task.experiment, task.model, *recipe, *filter(None, [task.part]))
        requests[task.rule, *place] = run.plan.request(task)
    for job in run.trained:
        which = (job.rule, *job.wildcards)
        attempts[which] = attempts.get(which, 0) + 1
        asked = requests[which]
        assert (job.mem_mb, job.minutes) == (asked.mem_mb * attempts[which], asked.runtime * attempts[which]), job


def test_a_model_is_reduced_in_one_job(run: Run) -> None:
    reduced = [job for job in run.jobs if job.rule not in (*ON_NETWORKS, "embedding")]
    assert {job.rule for job in reduced} == {"reduction_barcode_complex_robustness"}
    assert len(reduced) == sum(map(len, MODELS.values()))


def test_data_sets_tables_and_figures_are_made_where_snakemake_runs(run: Run) -> None:
    kinds = {job.rule for job in run.jobs}
    assert not kinds & {"dataset", "gather", "figure", "claims", "claims_report", "report"}


def test_a_second_snakemake_in_the_folder_is_refused(run: Run) -> None:
    assert run.second.returncode != 0
    said = run.second.stdout + run.second.stderr
    assert "LockException" in said
    assert "Traceback" not in said


def test_a_second_run_has_nothing_to_do(run: Run) -> None:
    before = len(run.jobs)
    again = subprocess.run(command(), cwd=run.checkout.folder, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr
    assert len(run.jobs) == before


def config() -> dict[str, Any]:
    """The configuration of the run, as Snakemake puts it together."""
    whole = yaml.safe_load((CHECKOUT / "config.yaml").read_text()) | {"scale": SCALE}
    for key, value in overlay().get("experiments", {}).items():
        whole["experiments"][key] |= value
    return whole
