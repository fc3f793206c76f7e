"""What Snakemake makes of the profiles: the one for this machine, and that it leaves the one for a cluster alone."""

import sys
from pathlib import Path
from typing import Any

import pytest
from snakemake.cli import parse_args

from support.paths import CHECKOUT


def settings(monkeypatch: pytest.MonkeyPatch, *words: str, gpu: bool = False) -> Any:
    """Snakemake's settings for a command line given in the checkout, on a machine with or without a GPU."""
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    monkeypatch.setattr(sys, "argv", ["snakemake", *words])
    real = Path.exists, Path.glob
    devices = {Path("/dev/kfd"), Path("/dev/dxg")}
    monkeypatch.setattr(Path, "exists", lambda path: path not in devices and real[0](path))
    found = [Path("/dev/nvidia0")] if gpu else []
    monkeypatch.setattr(Path, "glob", lambda path, pattern: found if path == Path("/dev") else real[1](path, pattern))
    return parse_args(list(words))[1]


def test_without_a_gpu_all_cores_train(monkeypatch):
    found = settings(monkeypatch, "digits")
    assert found.cores >= 1
    assert "gpu" not in found.resources


def test_with_a_gpu_one_job_at_a_time_has_it(monkeypatch):
    assert settings(monkeypatch, "digits", gpu=True).resources["gpu"].value == 1


def test_the_command_line_goes_before(monkeypatch):
    assert settings(monkeypatch, "--cores", "3", "digits").cores == 3


@pytest.mark.parametrize("words", [("--profile", "slurm"), ("--profile=slurm",)])
@pytest.mark.parametrize("gpu", [True, False])
def test_a_cluster_is_not_held_to_this_machines_cores_and_gpus(monkeypatch, words, gpu):
    found = settings(monkeypatch, *words, "digits", gpu=gpu)
    assert found.executor == "slurm"
    assert found.cores is None
    assert "gpu" not in found.resources
    assert found.jobs == 200
