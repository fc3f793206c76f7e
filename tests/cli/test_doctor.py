"""`lossbars doctor`: each thing that would stop a run, one at a time, and its remedy."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lossbars.cli import data_checks, local_checks, slurm
from lossbars.cli.doctor import check, doctor
from lossbars.cli.finding import Finding
from lossbars.cli.main import main
from lossbars.cli.network_checks import network_checks
from lossbars.cli.recover import ASIDE
from lossbars.workflow.artefacts import write_tensors
from lossbars.workflow.checkpoints import stem
from lossbars.workflow.snakemake_private import LOCKS
from support.finished import EXPERIMENTS, finish, plans
from support.paths import CHECKOUT
from support.plans import the_task
from support.slurm_stand_in import ANSWERS, CONFIG, NODES, PARTITIONS, StandIn

PROFILE = "executor: slurm\nslurm-jobname-prefix: lossbars\nslurm-status-command: squeue\n"
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without results, with the partitions of the stand-in cluster in its profile."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    Path("config.yaml").write_text("experiments: {}")
    profile(PROFILE)
    return checkout


@pytest.fixture
def cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(folder.parent / "slurm", monkeypatch)


def profile(text: str, partitions: str = "") -> None:
    Path("slurm").mkdir(exist_ok=True)
    if partitions:
        text += "slurm-partition-config: partitions.yaml\n"
        Path("slurm/partitions.yaml").write_text(f"partitions: {partitions}")
    Path("slurm/profile.yaml").write_text(text)


def changed(**keys: Any) -> Any:
    """The plan of the first experiment with these keys."""
    return plans({"tiny": EXPERIMENTS["tiny"] | keys})


def bad(made: Any = None, name: str | None = None) -> list[Finding]:
    """What is not as it should be; that there is no lock file is left out."""
    made = made or plans()
    found = check(made, name, list(made.experiments))
    return [one for one in found if one.level != "ok" and "requirements.lock" not in one.text]


def only(level: str, *parts: str, name: str | None = None, made: Any = None) -> None:
    """One finding, whose text and remedy say these words."""
    found = bad(made, name)
    assert [one.level for one in found] == [level], found
    assert all(part in f"{found[0].text}\n{found[0].remedy}" for part in parts), found


# This machine ------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_a_fresh_checkout_nor_with_a_finished_one():
    assert bad() == []
    finish(plans())
    assert bad() == []


def test_the_command_prints_a_line_each_and_fails_where_a_run_would(capsys):
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.input.lock").touch()
    with_data = "experiments={tiny: {title: T}}"
    Path("config.yaml").write_text((CHECKOUT / "config.yaml").read_text())
    assert main(["doctor", "digits"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "fail a run that was killed left the folder locked" in lines
    assert lines[lines.index("fail a run that was killed left the folder locked") + 1] == "     → lossbars recover"
    shutil.rmtree(LOCKS)
    assert main(["doctor", "digits"]) == 0
    assert "fail" not in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no experiment 'digit': there are digits, fc-mnist"):
        main(["doctor", "digit"])
    with pytest.raises(SystemExit, match="this key is missing"):
        main(["doctor", "--config", with_data])


NETS = """
import torch
from torch import nn

class Good(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(-3), nn.Linear(64, 10))

class Noisy(Good):
    def forward(self, x):
        return super().forward(x) + torch.rand(1)

class Narrow(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(-3), nn.Linear(64, 3))

class Broken(nn.Module):
    def __init__(self):
        raise RuntimeError("no weights")
"""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Noisy", "draws random numbers in evaluation mode"),
        ("Narrow", "gives 3 numbers, the data have 10 classes"),
        ("Broken", "no weights"),
    ],
)
def test_a_network_that_the_first_job_would_refuse(name, reason):
    Path("nets.py").write_text(NETS)
    only("fail", f"network nets.py:{name} of tiny/mlp", reason, "mend nets.py", made=with_network(name))


def test_a_network_is_built_where_its_data_set_is_at_hand():
    Path("nets.py").write_text(NETS)
    looked = [one.text for one in network_checks(with_network("Good"), ["tiny"])]
    assert looked == ["network nets.py:Good of tiny/mlp: 650 parameters, 10 numbers for a sample"]
    (later,) = network_checks(with_network("Broken", data="mnist"), ["tiny"])
    assert later.level == "ok" and "when its data set is there" in later.text


def with_network(name: str, **keys: Any) -> Any:
    """The plan of one network from the user's file."""
    return plans({"tiny": EXPERIMENTS["tiny"] | {"models": {"mlp": {"network": f"nets.py:{name}"}}} | keys})


def test_versions_are_those_of_the_lock():
    lock = Path("requirements.lock")
    hashes = " \\\n    --hash=sha256:0\n"
    own = f"torch=={torch.__version__} ; python_full_version >= '3.11'"
    lock.write_text(hashes.join(["torch==1.0.0 ; python_full_version < '3.11'", own, "not-there==1.0", ""]))
    (fine,) = local_checks._versions(lock)
    assert fine.level == "ok" and torch.__version__.partition("+")[0] in fine.text
    lock.write_text("torch==1.0.0 \\\n    --hash=sha256:0\n")
    (other,) = local_checks._versions(lock)
    assert other.level == "warn" and "(lock: 1.0.0)" in other.text and "make" in other.remedy


def test_folders_that_are_closed(monkeypatch):
    monkeypatch.setattr(local_checks.os, "access", lambda path, _: path.name != "results")
    Path("results").mkdir()
    only("fail", "no permission to write to results", "owner")


def test_too_little_room_for_the_results(monkeypatch):
    disk = SimpleNamespace(f_bavail=1, f_frsize=1000, f_files=0)  # which counts no files
    monkeypatch.setattr(local_checks.os, "statvfs", lambda _: disk)
    only("fail", "1 kB free", "make room")


def test_too_few_files_for_the_results(monkeypatch):
    disk = SimpleNamespace(f_bavail=1000, f_frsize=1000, f_files=9, f_favail=9)
    monkeypatch.setattr(local_checks.os, "statvfs", lambda _: disk)
    only("fail", "only 9 more files", "seeds_per_job")


def test_the_size_of_results_is_that_of_their_parameters():
    (text,) = [one.text for one in check(changed(), None, ["tiny"]) if "results to make" in one.text]
    parameters = 64 * 8 + 8 + 8 * 10 + 10  # of one network; three minima, three curves with one bend, one triangle
    assert f"about {4 * parameters * (3 + 3 * 3 + 7) / 1000:.0f} kB" in text


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    only("fail", "tiny asks for device: cuda", "device: auto", made=changed(device="cuda"))


def test_checkpoints_of_no_job_are_named_and_those_of_jobs_are_not():
    job = the_task(plans(), "tiny", "minima", part="0").job
    write_tensors(Path(f".checkpoints/{stem(job, '0')}-01234567.safetensors"), {"x": torch.zeros(1)}, job)
    assert bad() == []
    old = Path(".checkpoints/tiny-mlp-minima-0-0123456789abcdef-01234567.safetensors")
    write_tensors(old, {"x": torch.zeros(1)}, job)
    only("warn", "1 checkpoints", "belong to no job", f"rm '{old}'")


def test_what_was_set_aside_is_remembered():
    path = ASIDE / "2026/tiny/x.parquet"
    path.parent.mkdir(parents=True)
    path.write_text("x" * 2000)
    only("warn", "set 1 results aside (2 kB)", "rm -r results/.dropped")


# Data --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("packed", "level"), [("", "ok"), (".gz", "ok"), (None, "fail")])
def test_data_on_disk_or_nowhere(packed, level, monkeypatch, folder):
    monkeypatch.setattr(data_checks, "answers", lambda _: False)
    raw = folder / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for name in FILES if packed is not None else FILES[:3]:
        (raw / f"{name}{packed or ''}").touch()
    found = data_checks._source("mnist", str(folder / "data"))
    assert found.level == level and str(raw) in found.text
    assert level == "ok" or "no data_root is set" in data_checks._source("mnist", None).text
    assert "data_root" in found.remedy or level == "ok"


def test_data_from_a_server(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(data_checks, "answers", lambda addresses: bool(asked.extend(addresses)) or True)
    assert data_checks._source("fmnist", None).text.endswith("will be downloaded to results/datasets/downloads")
    assert asked and all(address.endswith("train-images-idx3-ubyte.gz") for address in asked)


def test_a_server_that_does_not_answer():
    assert not data_checks.answers(["http://127.0.0.1:9/file", "no address"])


# The cluster -------------------------------------------------------------------------------------


def test_no_such_profile(folder):
    only("fail", "no profile 'slurmm'", str(folder / "slurmm"), name="slurmm")


def test_profiles_are_found_where_snakemake_looks(folder, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "home"))
    (folder / "home/snakemake/mine").mkdir(parents=True)
    (folder / "home/snakemake/mine/config.v8+.yaml").write_text("executor: local\n")
    (folder / "home/snakemake/mine/config.yaml").write_text("no profile of this version")
    assert bad(name="mine") == []


def test_a_good_cluster(cluster):
    profile(PROFILE, "{cpu: {}, gpu: {max_gpu: 4}}")
    lines, status = doctor(changed(device="auto"), "slurm", [])
    assert status == 0 and not [line for line in lines if line.startswith("fail")]
    assert "ok   partitions cpu, gpu" in lines
    assert "ok   squeue remembers jobs that ended for 300 s (MinJobAge)" in lines
    assert cluster.folder.joinpath("calls").exists()


CLUSTERS: dict[str, tuple[str, Callable[[str], str], str, tuple[str, ...]]] = {
    "down": ("scontrol ping", lambda text: text.replace("UP", "DOWN"), "fail", ("does not answer", "DOWN")),
    "forgets": (
        "scontrol show config",
        lambda text: text.replace("300", "60").replace("/slurmdbd", "/none"),
        "fail",
        ("forgets jobs 60 s", "slurm-init-seconds-before-status-checks: 20"),
    ),
    "cancels": (
        "scontrol show partitions --oneliner",
        lambda text: text.replace("PreemptMode=REQUEUE", "PreemptMode=CANCEL", 1),
        "warn",
        ("jobs of partition cpu", "never retried", "REQUEUE"),
    ),
    "no time": (
        "scontrol show partitions --oneliner",
        lambda text: text.replace("1-00:00:00", "05:00"),
        "fail",
        ("minutes, and gpu gives at most 5",),
    ),
    "no gpu": (
        "scontrol show nodes --oneliner",
        lambda text: text.replace("gpu:a100:4(S:0-1)", "(null)"),
        "fail",
        ("no node of gpu has one",),
    ),
    "no memory": (
        "scontrol show nodes --oneliner",
        lambda text: text.replace("RealMemory=128000", "RealMemory=100"),
        "fail",
        ("the largest node of gpu has 100", "seeds_per_job"),
    ),
    "no partition": (
        "scontrol show partitions --oneliner",
        lambda text: text.replace("PartitionName=cpu", "PartitionName=batch"),
        "fail",
        ("does not have: cpu", "batch, gpu"),
    ),
    "drained": (
        "scontrol show nodes --oneliner",
        lambda text: text.replace("State=IDLE", "State=IDLE+DRAIN"),
        "warn",
        ("no node of partition cpu takes jobs now",),
    ),
}


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_that_is_not_as_it_should_be(name, cluster):
    command, change, level, words = CLUSTERS[name]
    assert change(ANSWERS[command]) != ANSWERS[command]
    cluster.answer(ANSWERS | {command: change(ANSWERS[command])})
    profile(PROFILE, "{cpu: {}, gpu: {max_gpu: 4}}")
    found = [one for one in bad(changed(device="auto"), "slurm") if one.level == level]
    assert all(any(word in f"{one.text}\n{one.remedy}" for one in found) for word in words), found


def test_sacct_without_accounting(cluster):
    cluster.answer(ANSWERS | {"scontrol show config": CONFIG.replace("/slurmdbd", "/none")})
    profile("executor: slurm\n")
    only("fail", "accounting is off, and the profile asks sacct", "slurm-status-command: squeue", name="slurm")


def test_a_machine_without_slurm(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    only("fail", "scontrol is not installed here", "login node", name="slurm")


def test_orphans_in_the_queue(cluster, folder):
    cluster.queue(f"11|lossbars_0a1b2c3d-1111-2222-3333-444455556666|RUNNING|{folder}")
    only("fail", "1 jobs of a run that was killed", "lossbars recover --profile slurm", name="slurm")


@pytest.mark.usefixtures("cluster")
def test_what_the_profile_sets_for_a_rule_counts():
    profile(PROFILE + "set-resources: {minima: {slurm_partition: cpu, mem_mb: 90000}}\n")
    only(
        "fail",
        "minima of tiny/mlp: asks for 90,000 MB, and the largest node of cpu has 64,000",
        name="slurm",
        made=changed(),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("UNLIMITED", float("inf")), ("1-12:00:00", 2160), ("30:00", 30), ("2:00:30", 120.5), ("00:00:30", 0.5)],
)
def test_times_of_slurm(text, expected):
    assert slurm.minutes(text) == expected


def test_nodes_and_partitions_are_read_as_slurm_writes_them(cluster):
    found = slurm.partitions()
    assert NODES.count("NodeName=") == 2 and PARTITIONS.count("PartitionName=") == 2
    assert found["gpu"].nodes == (slurm.Node("n2", 128000, 4, usable=True),)
    assert found["cpu"].minutes == float("inf") and found["gpu"].minutes == 1440
    assert cluster.queued() == []
